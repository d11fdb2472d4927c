"""Whether an answer is no text: broken characters, or one character over and over."""

import unicodedata
from collections import Counter

__all__ = ["is_garbled"]

_BROKEN = 0.01
_ONE = 0.5
_LEAST = 20
_FINE = frozenset("\n\r\t")


def is_garbled(letters: Counter[str], characters: int) -> bool:
    """Whether more than 1 % of the characters are none, or one of them makes up more than half of 20 or more.

    The first is what a wrong tokenizer or damaged weights leave (U+FFFD, control and unassigned characters), the second
    what NaN among the logits does: token 0 again and again, which is `!` in many vocabularies (vLLM issue 22881).

    Args:
        letters: how often each character occurs.
        characters: how many there are.

    >>> is_garbled(Counter("!" * 40), 40), is_garbled(Counter("A plain sentence."), 17)
    (True, False)
    """
    if not characters:
        return False
    broken = sum(count for char, count in letters.items() if _is_broken(char))
    if broken > _BROKEN * characters:
        return True
    most = max((count for char, count in letters.items() if not char.isspace()), default=0)
    return characters >= _LEAST and most > _ONE * characters


def _is_broken(char: str) -> bool:
    return char == "\ufffd" or (char not in _FINE and unicodedata.category(char) in {"Cc", "Cn", "Cs", "Co"})
