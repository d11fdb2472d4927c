"""Whether an answer has run into a loop, by how far its end can be compressed."""

import zlib

__all__ = ["repeats"]

LIMIT = 8.0
"""Bytes for one compressed byte above which an end repeats itself.

Over 1,000 characters our own docs and code stay below 4 (999 of 1,000), a sentence of 30 characters in a loop reaches
21 (`python -m bench answers`)."""

_END = 1_000
_LEAST = 600


def repeats(text: str) -> bool | None:
    """Whether the last 1,000 characters say the same again and again; None for fewer than 600, where nobody can tell.

    The measure is the compression ratio of DEFLATE (RFC 1951), as Whisper's decoder uses it to find loops (A. Radford
    et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, section 4.5), over the end, since a
    loop never ends by itself. It needs no words, so it serves every language, code included.

    >>> repeats("It is what it is. " * 60), repeats("".join(chr(32 + i * i % 90) + str(i) for i in range(400)))
    (True, False)
    >>> repeats("Yes. " * 10) is None
    True
    """
    end = text[-_END:]
    if len(end) < _LEAST:
        return None
    raw = end.encode("utf-8", "surrogatepass")
    return len(raw) >= LIMIT * len(zlib.compress(raw, 6))
