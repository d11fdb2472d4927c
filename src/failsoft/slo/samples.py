"""Regular expressions of matchers, and values of a label that one takes, made up for tests."""

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

__all__ = ["samples_of", "whole"]

_MOST = 8
_ESCAPES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"}
_CLASSES = "0a-A_/ .1b5"
_QUANTIFIER = re.compile(r"[*+?]\??|\{(\d+)(?:,\d*)?\}\??")
_DEEPEST = 20


@lru_cache(maxsize=4096)
def whole(expression: str) -> re.Pattern[str]:
    """The regular expression of a matcher, for `fullmatch`.

    Go's syntax, RE2, is nearly a part of Python's; promtool and amtool have the last word.

    Raises:
        ValueError: Python cannot read it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what later versions of Python may read in another way
        try:
            return re.compile(expression, re.ASCII)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"{expression!r} cannot be read as a regular expression: {error}") from error


def samples_of(operator: str, value: str) -> list[str]:
    """Some values that a matcher takes, the simplest first; the empty one stands for a label that is not there.

    >>> samples_of("=~", "(5..|429)"), samples_of("!=", "2xx"), samples_of("=~", "/v1/(chat/)?completions")
    (['500', '429'], ['', 'a', '0'], ['/v1/completions', '/v1/chat/completions'])
    """
    if operator == "=":
        return [value]
    if operator == "!=":
        return [one for one in ("", "a", "0") if one != value]
    try:
        pattern = whole(value)
        made = ["", "a", "0", "other"] if operator == "!~" else list(islice(_Sampler(value).alternatives(0), 4 * _MOST))
    except (ValueError, IndexError):
        return []
    taken = [one for one in dict.fromkeys(made) if (pattern.fullmatch(one) is None) == (operator == "!~")]
    return taken[:_MOST]


class _Sampler:
    """A regular expression read from left to right; what it makes is checked, so it may guess."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def alternatives(self, depth: int) -> Iterator[str]:
        """One text for each alternative, or a few."""
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        found = list(self._sequence(depth))
        while self._at < len(self._text) and self._text[self._at] == "|":
            self._at += 1
            found += self._sequence(depth)
        return iter(found)

    def _sequence(self, depth: int) -> list[str]:
        made = [""]
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts = self._repeated(self._atom(depth))
            made = [one + part for part in parts for one in made][: 4 * _MOST]
        return made

    def _atom(self, depth: int) -> list[str]:
        char = self._text[self._at]
        self._at += 1
        if char == "(":
            if self._text.startswith("?:", self._at):
                self._at += 2
            inner = list(self.alternatives(depth + 1))
            self._at += 1
            return inner
        if char == "[":
            end = self._text.index("]", self._at + 1)
            text = self._text[self._at - 1 : end + 1]
            self._at = end + 1
            own = text[1:-1].lstrip("^")[:1]
            taken = next((one for one in (own, *_CLASSES) if whole(text).fullmatch(one)), None)
            if taken is None:
                raise ValueError(f"no character for {text}")
            return [taken]
        if char == "\\":
            escaped = self._text[self._at]
            self._at += 1
            return [_ESCAPES.get(escaped, escaped)]
        return [""] if char in "^$" else ["0"] if char == "." else [char]

    def _repeated(self, parts: list[str]) -> list[str]:
        match = _QUANTIFIER.match(self._text, self._at)
        if match is None:
            return parts
        self._at = match.end()
        if match[1] is not None:
            return [part * min(int(match[1]), 64) for part in parts]
        return ["", *parts] if match[0][0] == "?" else [*parts, *([""] if match[0][0] == "*" else [])]
