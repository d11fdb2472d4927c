"""Events by counters of one's own: which series they are, and one of each, for the generated tests."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.indicators import BadOfTotal, Counted, GoodOfTotal
from failsoft.slo.promql import Matcher, quoted
from failsoft.slo.samples import samples_of, whole
from failsoft.workspace.counters import Term, read_counters
from failsoft.workspace.kinds import SLOSpec
from failsoft.workspace.kinds.events import OwnEvents
from failsoft.workspace.model import Document

__all__ = ["events_of"]

_TRIED = 200
_OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}

type Labels = dict[str, str]
type Found = tuple[BadOfTotal | GoodOfTotal | None, tuple[Finding, ...]]


def events_of(slo: Document[SLOSpec], wanted: OwnEvents) -> Found:
    """What counts the events of an SLO.

    The tests need a series of each counter: labels are made up that its matchers take, so that a good event is no bad
    one, and a bad one is among all events where both are of one metric. Where there are none, the counters do not fit
    together, and a finding says so.
    """
    totals = read_counters(wanted.total).terms
    if wanted.good is not None:
        return _good(slo, read_counters(wanted.good).terms, totals)
    bads = read_counters(wanted.bad or "").terms
    counted_bads = [_first(term, inside=_of(totals, term.metric), outside=()) for term in bads]
    counted_totals = [_first(term, inside=(), outside=_of(bads, term.metric)) for term in totals]
    for key, terms, found in (("bad", bads, counted_bads), ("total", totals, counted_totals)):
        if None in found:
            return None, (_unfit(slo, key, terms[found.index(None)]),)
    sentence = f"events of {slo.spec.model} were bad"
    return BadOfTotal(_kept(counted_totals), _kept(counted_bads), sentence), ()


def _good(slo: Document[SLOSpec], goods: Sequence[Term], totals: Sequence[Term]) -> Found:
    if len(goods) > 1 or len(totals) > 1:
        key = "good" if len(goods) > 1 else "total"
        message = f"{key} adds counters up, which is kept for bad events"
        place = slo.at("spec", "indicator", "events", key)
        return None, (Finding(codes.COUNTERS_MISFIT, message, place, "one counter", "or count the bad events instead"),)
    good = _first(goods[0], inside=_of(totals, goods[0].metric), outside=())
    total = _first(totals[0], inside=(), outside=_of(goods, totals[0].metric))
    if good is None or total is None:
        key, term = ("good", goods[0]) if good is None else ("total", totals[0])
        return None, (_unfit(slo, key, term),)
    return GoodOfTotal(total, good, f"events of {slo.spec.model} were not good"), ()


def _of(terms: Sequence[Term], metric: str) -> tuple[Term, ...]:
    return tuple(term for term in terms if term.metric == metric)


def _kept(found: Sequence[Counted | None]) -> tuple[Counted, ...]:
    return tuple(one for one in found if one is not None)


def _first(term: Term, *, inside: Sequence[Term], outside: Sequence[Term]) -> Counted | None:
    """The counter with a series that one of `inside` takes too, where there are any, and none of `outside` does."""
    for labels in _series(term, inside, outside):
        there = not inside or any(_takes(other, labels) for other in inside)
        if there and not any(_takes(other, labels) for other in outside):
            matchers = tuple(Matcher(*matcher) for matcher in term.matchers)
            return Counted(term.metric, matchers, tuple(labels.items()))
    return None


def _series(term: Term, inside: Sequence[Term], outside: Sequence[Term]) -> Iterator[Labels]:
    """Labels that the term takes, the simplest first; what others ask for is tried too, and what they do not take."""
    wanted = [*term.matchers, *(matcher for other in inside for matcher in other.matchers)]
    wanted += [(label, _OPPOSITE[operator], value) for other in outside for label, operator, value in other.matchers]
    values: dict[str, list[str]] = {}
    for label, operator, value in wanted:
        tried = values.get(label)
        if tried is None:
            values[label] = samples_of(operator, value)
        else:
            tried += [one for one in samples_of(operator, value) if one not in tried]
    for chosen in islice(product(*values.values()), _TRIED):
        plain = {label: value for label, value in zip(values, chosen, strict=True) if value}
        if _takes(term, plain):
            yield plain


def _takes(term: Term, labels: Mapping[str, str]) -> bool:
    for label, operator, value in term.matchers:
        got = labels.get(label, "")
        if got != value if operator == "=" else not _holds(operator, value, got):
            return False
    return True


def _holds(operator: str, value: str, got: str) -> bool:
    try:
        same = whole(value).fullmatch(got) is not None if "~" in operator else got == value
    except ValueError:
        return False
    return same != operator.startswith("!")


def _unfit(slo: Document[SLOSpec], key: str, term: Term) -> Finding:
    whole = "every event that it counts is one of the others too"
    why = whole if key == "total" else "no event that it counts is among all events"
    message = f"the counters do not fit together: {term.metric} of {key} takes no series for a test, or {why}"
    place = slo.at("spec", "indicator", "events", key)
    return Finding(
        codes.COUNTERS_MISFIT, message, place, "bad or good events that are a part of all events", _odd(term)
    )


def _odd(term: Term) -> str:
    """What may be the matter with a regular expression; empty where there is none."""
    for label, operator, value in term.matchers:
        if "~" in operator:
            try:
                whole(value)
            except ValueError as error:
                return f"of {label}, {error}"
            return f"for {label}{operator}{quoted(value)} no value was found; write it with characters, [...], | and .*"
    return ""
