"""PromQL as text: strings, matchers, durations and numbers that cannot be anything else than what they say."""

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from failsoft.workspace.quantities import Duration

__all__ = ["Matcher", "le_matcher", "le_spelling", "number", "quoted", "range_text", "selector"]

_PLAIN = re.compile(r"[ !#-\[\]-~]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_GO_EXPONENT_FROM = 6
_GO_EXPONENT_BELOW = -4
_LONGEST_EXACT = 40


class Matcher(NamedTuple):
    """A label matcher; `operator` is one of `=`, `!=`, `=~`, `!~`."""

    label: str
    operator: str
    value: str

    @classmethod
    def parse(cls, label: str, text: str) -> "Matcher":
        """Read a matcher as engine files write it.

        >>> Matcher.parse("handler", "=~/v1/.*")
        Matcher(label='handler', operator='=~', value='/v1/.*')
        >>> Matcher.parse("status", "5xx")
        Matcher(label='status', operator='=', value='5xx')
        """
        for operator in ("=~", "!~", "!="):
            if text.startswith(operator):
                return cls(label, operator, text[2:])
        return cls(label, "=", text)

    def __str__(self) -> str:
        if not _LABEL.fullmatch(self.label):
            raise ValueError(f"{self.label!r} is no label name")
        return f"{self.label}{self.operator}{quoted(self.value)}"


@lru_cache(maxsize=4096)
def quoted(value: str) -> str:
    r"""A PromQL string literal; whatever is not plain printable ASCII is escaped, so it fits on one line anywhere.

    >>> quoted('a"} or vector(1) #\n')
    '"a\\"} or vector(1) #\\n"'
    """
    if _PLAIN.fullmatch(value):
        return f'"{value}"'
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char == "\n":
        return "\\n"
    if " " <= char <= "~":
        return char
    if "\ud800" <= char <= "\udfff":  # half of a pair is no character: PromQL would refuse it
        return "\ufffd".encode("unicode_escape").decode()
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004  # the BMP's end


def selector(metric: str, matchers: tuple[Matcher, ...], window: int = 0) -> str:
    """A vector selector; a range selector where `window` (milliseconds) is given. Raises ValueError on a wrong name."""
    chosen = _chosen(metric, matchers)
    return f"{chosen}[{range_text(window)}]" if window else chosen


@lru_cache(maxsize=4096)
def _chosen(metric: str, matchers: tuple[Matcher, ...]) -> str:
    if not _METRIC.fullmatch(metric):
        raise ValueError(f"{metric!r} is no metric name")
    return f"{metric}{{{', '.join(map(str, matchers))}}}" if matchers else metric


@lru_cache(maxsize=4096)
def range_text(milliseconds: int) -> str:
    """A duration as PromQL reads it.

    >>> range_text(314_999)
    '5m14s999ms'
    """
    return str(Duration(milliseconds))


@lru_cache(maxsize=4096)
def number(value: Fraction) -> str:
    """A number without an exponent and without float noise: exact where it ends, else the shortest with that float.

    >>> number(Fraction("14.4") * Fraction("0.001")), number(Fraction(14, 15)), number(Fraction(5))
    ('0.0144', '0.9333333333333333', '5')
    """
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:
        digits = max(_power(value.denominator, 2), _power(value.denominator, 5))
        if digits <= _LONGEST_EXACT:
            whole, part = divmod(abs(value.numerator) * 10**digits // value.denominator, 10**digits)
            sign = "-" if value < 0 else ""
            return f"{sign}{whole}" + (f".{part:0{digits}d}".rstrip("0") if part else "")
    return f"{Decimal(repr(float(value))):f}"


def _power(value: int, prime: int) -> int:
    count = 0
    while value % prime == 0:
        value, count = value // prime, count + 1
    return count


def le_spelling(bound: Decimal) -> str:
    """A bucket bound as Prometheus 3 and the Python client spell it: Go's shortest form, with `.0` where it is whole.

    >>> [le_spelling(Decimal(text)) for text in ("1", "0.5", "1000000", "0.00001", "2560")]
    ['1.0', '0.5', '1e+06', '1e-05', '2560.0']
    """
    short = bound.normalize()
    if bound and not _GO_EXPONENT_BELOW <= bound.adjusted() < _GO_EXPONENT_FROM:
        mantissa, _, exponent = f"{short:e}".partition("e")
        return f"{mantissa}e{exponent[0]}{exponent[1:]:0>2}"
    plain = f"{short:f}"
    return plain if "." in plain else plain + ".0"


@lru_cache(maxsize=1024)
def le_matcher(bound: Decimal) -> Matcher:
    """Match a bucket in every spelling in use: Go's and the plain one, with and without `.0` where it is whole.

    >>> str(le_matcher(Decimal("0.5"))), str(le_matcher(Decimal("1"))), str(le_matcher(Decimal("1000000")))
    ('le="0.5"', 'le=~"1|1[.]0"', 'le=~"1000000|1000000[.]0|1e[+]06"')
    """
    plain = f"{bound.normalize():f}"
    spellings = {plain, le_spelling(bound)} | (set() if "." in plain else {plain + ".0"})
    if len(spellings) == 1:
        return Matcher("le", "=", plain)
    regex = "|".join(spelling.replace(".", "[.]").replace("+", "[+]") for spelling in sorted(spellings))
    return Matcher("le", "=~", regex)
