"""In which language an answer is written."""

from functools import lru_cache
from typing import Any

__all__ = ["is_in_other_language", "languages"]

_SURE = 0.5
_UNLIKELY = 0.01


def is_in_other_language(text: str, expected: str) -> bool:
    """Whether a text is surely in another language: that one at least 50 % probable, the expected one less than 1 %.

    Decided by py3langid (after M. Lui and T. Baldwin, "langid.py: An Off-the-shelf Language Identification Tool",
    2012). Short answers, tables and code are of no language, and not of another one.

    Args:
        text: at least a sentence.
        expected: an ISO 639-1 code, such as `de`.

    Raises:
        ModuleNotFoundError: py3langid is not installed.

    >>> is_in_other_language("The server has no GPU left, so your pod is waiting.", "de")
    True
    >>> is_in_other_language("Der Server hat keine GPU mehr, darum wartet dein Pod.", "de")
    False
    """
    ranked: dict[str, float] = dict(_identifier().rank(text))
    return ranked.get(expected, 0.0) < _UNLIKELY and max(ranked.values()) >= _SURE


def languages() -> frozenset[str]:
    """The codes that can be expected. Raises `ModuleNotFoundError` where py3langid is not installed."""
    return frozenset(_identifier().labels)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
