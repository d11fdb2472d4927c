"""Many numbers as few characters of JSON: every finite float64 and every whole number comes back equal."""

import struct
import zlib
from base64 import b85decode, b85encode
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

__all__ = ["PackedFloats", "PackedInts", "PackedTexts", "pack_floats", "pack_ints", "unpack_floats", "unpack_ints"]

_WIDTH = 8
_LARGEST = 8_000_000
_BYTES, _STEPS = "=", "-"
_SEVEN, _MORE = 0x7F, 0x80
_EXPONENTS = 2_200
_SEPARATOR = "\x00"
_ESCAPE = "\x01"


def pack_floats(values: Sequence[float]) -> str:
    """Finite floats as text.

    Either their bytes, laid out by significance so that what neighbours share is squeezed out, or the steps from one
    to the next in units of their smallest binary digit: whichever is shorter.

    >>> pack_floats([1.0, 2.0, 3.0])
    '-V_;%p0ss'
    >>> unpack_floats(pack_floats([1.0, -5e-324, 1e308]))
    (1.0, -5e-324, 1e+308)
    """
    whole = _BYTES + _squeezed(_transposed(struct.pack(f">{len(values)}d", *values)))
    steps = _STEPS + _squeezed(_stepped(values)) if values else whole
    return min(whole, steps, key=len)


def pack_ints(values: Sequence[int]) -> str:
    """Whole numbers from -2^63 to 2^63 - 1 as text.

    >>> unpack_ints(pack_ints([1562, 1563, 0, 2**62]))
    (1562, 1563, 0, 4611686018427387904)
    """
    return _squeezed(_transposed(struct.pack(f">{len(values)}q", *values)))


def unpack_floats(text: str) -> tuple[float, ...]:
    """What `pack_floats` was given. Raises `ValueError` on any other text."""
    form, data = text[:1], _unsqueezed(text[1:])
    if form == _STEPS:
        return _unstepped(data)
    if form != _BYTES:
        raise ValueError("is not packed")
    plain = _transposed(data, back=True)
    return struct.unpack(f">{len(plain) // _WIDTH}d", plain)


def unpack_ints(text: str) -> tuple[int, ...]:
    """What `pack_ints` was given. Raises `ValueError` on any other text."""
    data = _transposed(_unsqueezed(text), back=True)
    return struct.unpack(f">{len(data) // _WIDTH}q", data)


def _stepped(values: Sequence[float]) -> bytes:
    ratios = [value.as_integer_ratio() for value in values]
    finest = max(below for _, below in ratios)
    digits = [above * (finest // below) for above, below in ratios]
    shared = min((above & -above).bit_length() - 1 for above in digits if above) if any(digits) else 0
    digits = [above >> shared for above in digits]
    steps = [digits[0], *(high - low for low, high in pairwise(digits))]
    return b"".join(_varint(number) for number in (finest.bit_length() - 1 - shared, *steps))


def _unstepped(data: bytes) -> tuple[float, ...]:
    finest, *steps = _varints(data)
    if abs(finest) > _EXPONENTS:
        raise ValueError("is not packed: no float has such digits")
    try:
        if finest < 0:
            return tuple(float(digits << -finest) for digits in accumulate(steps))
        return tuple(digits / (1 << finest) for digits in accumulate(steps))
    except OverflowError:
        raise ValueError("is not packed: a number is too large") from None


def _varint(number: int) -> bytes:
    """Seven bits a byte, the sign in the lowest bit."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    made = bytearray()
    while rest > _SEVEN:
        made.append(rest & _SEVEN | _MORE)
        rest >>= 7
    return bytes([*made, rest])


def _varints(data: bytes) -> list[int]:
    found, rest, shift = [], 0, 0
    for byte in data:
        rest |= (byte & _SEVEN) << shift
        shift += 7
        if not byte & _MORE:
            found.append(-((rest + 1) >> 1) if rest & 1 else rest >> 1)
            rest, shift = 0, 0
    if shift or not found:
        raise ValueError("is not packed: it ends in the middle")
    return found


def _pack_texts(texts: Sequence[str]) -> str:
    escaped = (text.replace(_ESCAPE, _ESCAPE + "1").replace(_SEPARATOR, _ESCAPE + "0") for text in texts)
    return _squeezed(_SEPARATOR.join(escaped).encode("utf-8", "surrogatepass")) if texts else ""


def _unpack_texts(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    parts = _unsqueezed(text).decode("utf-8", "surrogatepass").split(_SEPARATOR)
    return tuple(part.replace(_ESCAPE + "0", _SEPARATOR).replace(_ESCAPE + "1", _ESCAPE) for part in parts)


def _transposed(data: bytes, *, back: bool = False) -> bytes:
    if len(data) % _WIDTH:
        raise ValueError(f"{len(data)} bytes are no numbers of {_WIDTH}")
    count = len(data) // _WIDTH
    if not back:
        return b"".join(data[byte::_WIDTH] for byte in range(_WIDTH))
    return b"".join(data[index::count] for index in range(count))


def _squeezed(data: bytes) -> str:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b85encode(squeezer.compress(data) + squeezer.flush()).decode("ascii")


def _unsqueezed(text: str) -> bytes:
    opener = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = opener.decompress(b85decode(text), _LARGEST)
    except zlib.error as error:
        raise ValueError(f"is not packed: {error}") from None
    if not opener.eof or opener.unused_data:
        raise ValueError("is not packed: it is too long, or ends in the middle")
    return data


def _from_text(unpack: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: unpack(value) if isinstance(value, str) else value)


type PackedFloats = Annotated[
    tuple[float, ...], _from_text(unpack_floats), PlainSerializer(pack_floats, when_used="json")
]
"""A tuple of floats that is one string in JSON."""

type PackedInts = Annotated[tuple[int, ...], _from_text(unpack_ints), PlainSerializer(pack_ints, when_used="json")]
"""A tuple of whole numbers that is one string in JSON."""

type PackedTexts = Annotated[tuple[str, ...], _from_text(_unpack_texts), PlainSerializer(_pack_texts, when_used="json")]
"""A tuple of texts that is one string in JSON."""
