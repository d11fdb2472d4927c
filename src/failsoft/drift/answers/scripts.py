"""In which scripts an answer is written."""

import unicodedata
from collections import Counter
from functools import lru_cache

__all__ = ["LEAST_LETTERS", "by_script", "is_in_other_script", "script_of", "scripts"]

LEAST_LETTERS = 20
"""Fewer letters than this say nothing about script or language."""

_FOREIGN = 0.2
_WIDTHS = frozenset({"FULLWIDTH", "HALFWIDTH", "MODIFIER", "MATHEMATICAL"})
_PLANES = 0x20000
_HAN = frozenset({"CJK", "IDEOGRAPHIC"})


@lru_cache(maxsize=65_536)
def script_of(char: str) -> str:
    """The script of a letter in lower case, such as `latin`, `cyrillic`, `han`; empty for what is no letter.

    By the first word of its name in the Unicode Character Database, which names letters by their script.

    >>> [script_of(char) for char in "aЖ漢あ한1"]
    ['latin', 'cyrillic', 'han', 'hiragana', 'hangul', '']
    """
    if not char.isalpha():
        return ""
    words = unicodedata.name(char, "").split()
    while words and words[0] in _WIDTHS:
        words.pop(0)
    first = words[0] if words else ""
    return "han" if first in _HAN else first.lower()


@lru_cache(maxsize=1)
def scripts() -> frozenset[str]:
    """All that `script_of` can answer, but for the empty one; beyond these planes there are only more of Han."""
    return frozenset(map(script_of, map(chr, range(_PLANES)))) - {""}


def by_script(letters: Counter[str]) -> Counter[str]:
    """How many letters there are of each script.

    Args:
        letters: how often each character occurs.
    """
    found: Counter[str] = Counter()
    for char, count in letters.items():
        if script := script_of(char):
            found[script] += count
    return found


def is_in_other_script(scripts: Counter[str], expected: frozenset[str]) -> bool | None:
    """Whether more than a fifth of the letters are of none of the expected scripts; None for fewer than 20 letters.

    Args:
        scripts: what `by_script` found.
        expected: scripts as `script_of` names them.

    >>> is_in_other_script(by_script(Counter("Это совсем не то, что ожидалось")), frozenset({"latin"}))
    True
    """
    whole = scripts.total()
    if whole < LEAST_LETTERS:
        return None
    return whole - sum(scripts[script] for script in expected) > _FOREIGN * whole
