"""Queries of other tools as failsoft's indicators: counters where a query is a sum of them, and else why it is none."""

import re
from decimal import Decimal
from typing import Any, NamedTuple

from failsoft.exchange import codes
from failsoft.findings import Finding, Place
from failsoft.slo.promql import Matcher, le_matcher, selector
from failsoft.workspace.counters import CountersError, Read, Term, read_counters, read_ratio
from failsoft.workspace.tree import SourceOrigin

__all__ = ["WINDOW", "Indicator", "Query", "gauge", "of_events", "of_ratio", "refused"]

WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")
"""Sloth's placeholder for the window."""

_BOUND = re.compile(r"[0-9]+(\.[0-9]+)?")


class Query(NamedTuple):
    """A query and where it stands."""

    text: str
    origin: SourceOrigin
    path: tuple[str | int, ...]

    @property
    def place(self) -> Place:
        """Its place."""
        return self.origin.place(*self.path)


class Indicator(NamedTuple):
    """An indicator as failsoft's documents write it, and the labels that all of its series share."""

    written: dict[str, Any]
    selects: dict[str, str]


type Made = tuple[Indicator | None, list[Finding]]


def refused(query: Query, why: str, hint: str = "") -> Finding:
    """The finding about a query that cannot be said in failsoft."""
    hint = hint or "write it as counters: events: {bad: errors_total, total: requests_total}"
    return Finding(codes.NOT_EXPRESSIBLE, f"the query {why}", query.place, "sums and differences of counters", hint)


def of_events(part: Query, total: Query, *, good: bool, windowed: bool) -> Made:
    """Bad (or good) events among all events.

    Args:
        part: the bad or the good events.
        total: all of them.
        good: whether `part` is the good ones.
        windowed: whether every counter has to be over Sloth's window.
    """
    findings: list[Finding] = []
    read = [_read(query, findings, windowed=windowed) for query in (part, total)]
    if read[0] is None or read[1] is None:
        return None, findings
    if read[1].zeroed:
        message = "where there is no total at all failsoft reads no data, and not 0"
        findings.append(Finding(codes.APPROXIMATED, message, total.place))
    made, more = _events(read[0], read[1], part, good=good)
    return made, findings + more


def of_ratio(query: Query, *, success: bool, windowed: bool = True) -> Made:
    """A ratio of counters, of errors unless `success` says otherwise; over Sloth's window where it has to be."""
    try:
        above, below, direct = read_ratio(WINDOW.sub("w", query.text))
    except CountersError as error:
        hint = "a ratio that is no A / B or 1 - A / B of counters forgets how many events there were"
        return None, [refused(query, f"{error}{_where(query, error)}", hint)]
    if windowed and ((above.ranges | below.ranges) != {"w"} or above.bare):
        return None, [refused(query, "is not over {{.window}} everywhere")]
    return _events(above, below, query, good=direct == success)


def gauge(query: Query, limit: dict[str, str]) -> Made:
    """A gauge that stays within a limit, such as `{"below": "0.5"}`."""
    try:
        read = read_counters(query.text)
    except CountersError as error:
        return None, [_no_gauge(query, _where(query, error))]
    term = read.terms[0]
    if len(read.terms) > 1 or read.ranges or any(operator != "=" for _, operator, _ in term.matchers):
        return None, [_no_gauge(query)]
    select = {label: value for label, _, value in term.matchers}
    written: dict[str, Any] = {"metric": term.metric} | ({"select": select} if select else {}) | limit
    return Indicator({"gauge": written}, select), []


def _no_gauge(query: Query, where: str = "") -> Finding:
    message = f"the query is more than the name of a gauge with its labels{where}"
    expected, hint = 'such as queue_length{job="shop"}', "record it as a series of its own, and name that"
    return Finding(codes.NOT_EXPRESSIBLE, message, query.place, expected, hint)


def _read(query: Query, findings: list[Finding], *, windowed: bool) -> Read | None:
    # the window of Go's template is no PromQL, and neither of its braces would be
    text = WINDOW.sub(lambda match: "w".ljust(len(match[0])), query.text)
    try:
        read = read_counters(text, queries=True)
    except CountersError as error:
        findings.append(refused(query, f"{error}{_where(query, error)}"))
        return None
    if windowed and (read.ranges != {"w"} or read.bare):
        findings.append(refused(query, "is not over {{.window}} everywhere"))
        return None
    return read


def _where(query: Query, error: CountersError) -> str:
    before = query.text[: error.at]
    line = before.count("\n") + 1
    return f", at character {error.at - (before.rfind(chr(10)) + 1) + 1}" + (f" of its line {line}" if line > 1 else "")


def _events(part: Read, total: Read, written: Query, *, good: bool) -> Made:
    terms = part.terms
    if not good:
        rest = _without(terms, total.terms)
        if rest is not None:  # all events less the good ones
            terms, good = tuple(term._replace(sign=-term.sign) for term in rest), True
    if not terms or sorted(terms) == sorted(total.terms):
        return None, [refused(written, "is the same as the total")]
    if terms[0].sign < 0:
        return None, [refused(written, "takes away more than it adds")]
    try:
        events = {"good" if good else "bad": _counters(terms), "total": _counters(total.terms)}
    except ValueError as error:
        return None, [refused(written, f"has a name that cannot be used: {error}")]
    return Indicator({"events": events}, _shared((*terms, *total.terms))), []


def _without(terms: tuple[Term, ...], total: tuple[Term, ...]) -> tuple[Term, ...] | None:
    """What is left of `terms` when each of `total` is taken out; None where one of them is not there."""
    left = list(terms)
    for term in total:
        if term not in left:
            return None
        left.remove(term)
    return tuple(left)


def _counters(terms: tuple[Term, ...]) -> str:
    text = ""
    for index, term in enumerate(terms):
        sign = " + " if term.sign > 0 else " - "
        text += (sign if index else "") + selector(term.metric, tuple(_matcher(*one) for one in term.matchers))
    return text


def _matcher(label: str, operator: str, value: str) -> Matcher:
    if label == "le" and operator == "=" and _BOUND.fullmatch(value):
        # `le="1"` selects nothing where the bound is exported as 1.0, as nearly all exporters do
        return le_matcher(Decimal(value))
    return Matcher(label, operator, value)


def _shared(terms: tuple[Term, ...]) -> dict[str, str]:
    each = [{label: value for label, operator, value in term.matchers if operator == "="} for term in terms]
    return {
        label: value
        for label, value in each[0].items()
        if label not in {"le", "quantile"} and value and all(one.get(label) == value for one in each)
    }
