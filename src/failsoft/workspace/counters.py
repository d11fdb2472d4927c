"""Sums and differences of counters, as PromQL writes them: what an author names as bad, good or all events."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

__all__ = ["CountersError", "Read", "Term", "read_counters", "read_ratio"]

_LONGEST = 10_000
_DEEPEST = 50
_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<range>\[[^\]]*\])
    |(?P<operator>=~|!~|!=|==|[-+*/(){},=])
    |(?P<number>[0-9.]+(?:[eE][-+]?[0-9]+)?)""",
    re.VERBOSE,
)
_QUOTES = "\"'`"
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))")
_PLAIN = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"([^"\\\n]*)"')
_ONE = re.compile(
    r"""\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*  # a metric
    (?:\{(
        (?:\s*[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"[^"\\\n]*"\s*(?:,|(?=\})))*  # its matchers
    )\s*\}\s*)?""",
    re.VERBOSE,
)


class CountersError(ValueError):
    """What is wrong, and at which character of the text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Term(NamedTuple):
    """One counter that is added or taken away.

    Attributes:
        sign: 1 or -1.
        metric: its name.
        matchers: label, operator (`=`, `!=`, `=~`, `!~`) and value.
    """

    sign: int
    metric: str
    matchers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """What was read.

    Attributes:
        terms: the counters, the first one added.
        ranges: the ranges of its range selectors, as written and without brackets.
        bare: whether a counter stands outside of rate() and increase().
        zeroed: whether it says `or vector(0)`.
    """

    terms: tuple[Term, ...]
    ranges: frozenset[str]
    bare: bool
    zeroed: bool


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


@lru_cache(maxsize=1 << 16)
def read_counters(text: str, *, queries: bool = False) -> Read:
    """Read counters.

    >>> read_counters('a_count - a_bucket{le="0.5"}').terms
    (Term(sign=1, metric='a_count', matchers=()), Term(sign=-1, metric='a_bucket', matchers=(('le', '=', '0.5'),)))

    Args:
        text: selectors with + and - between them.
        queries: whether they may stand within sum(), rate() and increase() and beside `or vector(0)`, as the queries of
            other tools write the same thing.

    Raises:
        CountersError: it is something else.
    """
    return _one(text) or _any(text, queries=queries)


def _one(text: str) -> Read | None:
    """A single counter in its plainest form, which nearly all are in: without reading it token by token."""
    found = _ONE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or "__name__" in text:
        return None
    term = Term(1, found[1], tuple(_MATCHER.findall(found[2] or "")))
    return Read((term,), frozenset(), bare=True, zeroed=False)


def _any(text: str, *, queries: bool) -> Read:
    reader = _Reader(text, queries=queries)
    terms = reader.sum()
    reader.end()
    return reader.read(terms)


def read_ratio(text: str) -> tuple[Read, Read, bool]:
    """Read `A / B` or `1 - A / B`: both sides, and whether it is the first form. Raises `CountersError`."""
    reader = _Reader(text, queries=True)
    direct, above, below = reader.ratio()
    reader.end()
    return reader.read(above), reader.read(below), direct


class _Reader:
    def __init__(self, text: str, *, queries: bool) -> None:
        if len(text) > _LONGEST:
            raise CountersError(f"is longer than {_LONGEST} characters", 0)
        self._tokens = _tokens(text)
        self._next = 0
        self._queries = queries
        self._depth = 0
        self._ranges: set[str] = set()
        self._zeroed = False
        self._bare = False

    def read(self, terms: list[Term]) -> Read:
        if terms[0].sign < 0:
            raise CountersError("begins with something taken away", 0)
        return Read(tuple(terms), frozenset(self._ranges), self._bare, self._zeroed)

    def end(self) -> None:
        token = self._peek()
        if token.kind != "end":
            raise CountersError(f"has {token.text!r} where it should end", token.at)

    def sum(self) -> list[Term]:
        terms = self._part()
        while self._peek().text in {"+", "-"} or self._says("or"):
            if self._says("or"):
                self._zero()
                continue
            sign = 1 if self._take().text == "+" else -1
            terms += [term._replace(sign=sign * term.sign) for term in self._part()]
        return terms

    def ratio(self) -> tuple[bool, list[Term], list[Term]]:
        """Whether it is the plain one, and its two sides; parentheses around the whole or a side are allowed."""
        if self._peek().kind == "number":
            one = self._take()
            if one.text not in {"1", "1.0"} or self._take().text != "-":
                raise CountersError("is no ratio of counters, nor 1 - such a ratio", one.at)
            self._down()
            direct, above, below = self._enclosed_ratio()
            self._depth -= 1
            return not direct, above, below
        return self._enclosed_ratio()

    def _enclosed_ratio(self) -> tuple[bool, list[Term], list[Term]]:
        start = self._next
        if self._peek().text == "(":
            # either the whole ratio is in parentheses or its first side is: try the first, go back for the second
            self._down()
            self._take()
            try:
                inner = self.ratio()
                self._expect(")")
            except CountersError:
                self._next = start
            else:
                self._depth -= 1
                return inner
            self._depth -= 1
        above = self._part()
        slash = self._take()
        if slash.text != "/":
            raise CountersError("is no ratio of counters", slash.at)
        return True, above, self._part()

    def _part(self) -> list[Term]:
        token = self._peek()
        if token.text == "(":
            return self._enclosed()
        if token.kind == "name" and self._tokens[self._next + 1].text in {"(", "by", "without"}:
            return self._call()
        self._bare = True
        return [self._selector()]

    def _enclosed(self) -> list[Term]:
        self._down()
        self._expect("(")
        terms = self.sum()
        self._expect(")")
        self._depth -= 1
        return terms

    def _call(self) -> list[Term]:
        token = self._take()
        known = self._queries and token.text in {"sum", "rate", "increase"}
        if not known:
            raise CountersError(f"has {token.text}(), which is no sum of counters", token.at)
        if self._peek().text != "(":
            by = self._peek()
            raise CountersError(f"groups {by.text} labels, so it is many ratios and not one", by.at)
        if token.text == "sum":
            terms = self._enclosed()
            if self._says("by") or self._says("without"):
                raise CountersError("groups by labels, so it is many ratios and not one", self._peek().at)
            return terms
        self._expect("(")
        term = self._selector()
        window = self._take()
        if window.kind != "range":
            raise CountersError(f"has no range in {token.text}()", window.at)
        self._ranges.add(window.text[1:-1].strip())
        self._expect(")")
        return [term]

    def _selector(self) -> Term:
        token = self._take()
        if token.kind not in {"name", "operator"} or (token.kind == "operator" and token.text != "{"):
            raise CountersError(f"has {token.text or 'an end'!r} where a metric should be", token.at)
        metric = token.text if token.kind == "name" else ""
        matchers: list[tuple[str, str, str]] = []
        if token.text == "{" or self._peek().text == "{":
            if metric:
                self._take()
            matchers = self._matchers()
        named = [value for label, operator, value in matchers if (label, operator) == ("__name__", "=")]
        if not metric and len(named) == 1:
            metric = named[0]
            matchers = [one for one in matchers if one[0] != "__name__"]
        if not _METRIC.fullmatch(metric):
            raise CountersError("names no metric", token.at)
        return Term(1, metric, tuple(matchers))

    def _matchers(self) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = []
        while self._peek().text != "}":
            label, operator, value = self._take(), self._take(), self._take()
            if label.kind != "name" or not _LABEL.fullmatch(label.text):
                raise CountersError(f"has {label.text!r} where a label should be", label.at)
            if operator.text not in {"=", "!=", "=~", "!~"}:
                raise CountersError(f"has {operator.text!r} where =, !=, =~ or !~ should be", operator.at)
            if value.kind != "string":
                raise CountersError(f"has {value.text!r} where a text in quotes should be", value.at)
            found.append((label.text, operator.text, _value(value)))
            if self._peek().text == ",":
                self._take()
            elif self._peek().text != "}":
                raise CountersError(f"has {self._peek().text!r} where , or }} should be", self._peek().at)
        self._take()
        return found

    def _zero(self) -> None:
        token = self._take()
        if self._says("on") and self._tokens[self._next + 1].text == "(":
            self._take()
            self._expect("(")
            self._expect(")")
        zero = [self._take().text for _ in range(4)]
        if not self._queries or zero[:2] != ["vector", "("] or zero[2].strip("0.") or zero[3] != ")":
            raise CountersError("has an `or` that is not `or vector(0)`", token.at)
        self._zeroed = True

    def _down(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise CountersError(f"is nested deeper than {_DEEPEST} levels", self._peek().at)

    def _says(self, word: str) -> bool:
        return self._peek().kind == "name" and self._peek().text.lower() == word

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _expect(self, text: str) -> None:
        token = self._take()
        if token.text != text:
            raise CountersError(f"has {token.text or 'an end'!r} where {text} should be", token.at)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    for match in _TOKEN.finditer(text):
        if match.start() != at:
            break
        at = match.end()
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match[0], match.start()))
    if at < len(text):
        if text[at] in _QUOTES:
            raise CountersError(f"has a text that is not closed{'' if text[at] == '`' else ' on its line'}", at)
        raise CountersError(f"has {text[at]!r}, which no sum of counters has", at)
    # two ends, so that a look at the token after the next one finds something
    return [*found, _Token("end", "", at), _Token("end", "", at)]


def _value(token: _Token) -> str:
    inner = token.text[1:-1]
    return inner if token.text[0] == "`" else _ESCAPE.sub(lambda match: _unescaped(match, token.at + 1), inner)


def _unescaped(match: re.Match[str], at: int) -> str:
    plain, byte, short, long, octal, other = match.groups()
    if other is not None:
        raise CountersError(f"has \\{other} in a text, which PromQL does not know", at + match.start())
    if plain is not None:
        return _PLAIN[plain]
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004  # what Unicode has no character for
        raise CountersError("has an escape in a text that is no character", at + match.start())
    return chr(code)
