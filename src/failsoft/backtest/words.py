"""A backtest as text for a terminal."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from math import floor

from failsoft.backtest.data import Asked
from failsoft.backtest.result import Excluding, Fired, Promise, Replayed
from failsoft.backtest.seen import moment
from failsoft.slo.promql import number, range_text

__all__ = [
    "answer",
    "asked_for",
    "calls",
    "coverage",
    "excluding",
    "lines_of",
    "part",
    "percent",
    "promise_of",
    "summary",
]

_THOUSAND = 10.0
_ALERTS = 40
_WHOLE = 0.995


def percent(value: float | None) -> str:
    """A share in percent.

    >>> percent(0.012345), percent(17.5), percent(None)
    ('1.23%', '1,750%', '-')
    """
    if value is None:
        return "-"
    return f"{100 * value:,.0f}%" if value >= _THOUSAND else f"{100 * value:.3g}%"


def part(value: float | None) -> str:
    """How much of something was seen: the whole is not said of less.

    >>> part(1.0), part(0.99996), part(0.217), part(None)
    ('100%', '99.9%', '21.7%', '-')
    """
    return "-" if value is None else f"{floor(value * 1000) / 10:g}%"


def calls(pages: int, tickets: int) -> str:
    """How often somebody would have been called.

    >>> calls(1, 0), calls(2, 3)
    ('1 page, 0 tickets', '2 pages, 3 tickets')
    """
    return f"{pages} page{'s' * (pages != 1)}, {tickets} ticket{'s' * (tickets != 1)}"


def asked_for(asked: Asked) -> str:
    """The time, the server, and what was asked of it."""
    kept = f", {asked.kept} of them kept from an earlier run" if asked.kept else ""
    since, until = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") for at in (asked.since, asked.until))
    return f"{since} to {until} UTC, {asked.server}: {asked.queries} queries{kept}"


def promise_of(one: Replayed) -> str:
    """What the SLO promises, in one line."""
    objective = one.objective
    allowed = f"at most {number(objective.budget * 100)}% of {objective.sli.sentence}"
    return f"{number(100 - objective.budget * 100)}% over {range_text(objective.period)}: {allowed}"


def summary(one: Replayed) -> str:
    """Calls and budget, in one line."""
    budget = one.budget
    if one.seen.first is None:
        return "nothing was seen of it, so nobody knows what would have fired"
    if budget.worst is None or budget.worst_at is None:
        return f"{calls(one.pages, one.tickets)}; no events, so no budget"
    spent = f"{percent(budget.spent)} of the budget spent at the end"
    return f"{calls(one.pages, one.tickets)}; {spent}, {percent(budget.worst)} at worst ({moment(budget.worst_at)})"


def excluding(left: Excluding) -> str:
    """The budget without excluded times, in one line."""
    times = f"{len(left.times)} time{'s' * (len(left.times) != 1)}, {range_text(round(left.seconds) * 1000)} in all"
    budget = f"{percent(left.budget.spent)} of the budget spent at the end, {percent(left.budget.worst)} at worst"
    return f"without what is excluded ({times}): {budget}"


def coverage(one: Replayed) -> str:
    """How much was seen, in one line."""
    seen, period = one.seen, one.budget.coverage
    rest = f"; {part(period)} of the last period" if period < 1 else ""
    fewest, most = seen.series or (0, 0)
    series = f", {fewest if fewest == most else f'{fewest} to {most}'} series" if most else ""
    counted = f"{seen.events:,.0f} events, {seen.bad:,.0f} bad"
    return f"seen: {seen.steps:,} of {seen.expected:,} pulses{series}, {counted}{rest}"


def answer(one: Replayed) -> str:
    """What could have been promised with the SLO's own threshold, in one line."""
    kept = [promise for promise in _own(one) if promise.worst is not None and promise.worst <= 1]
    if one.reached is None:
        return "there were no events, so nothing can be promised by them"
    period = range_text(one.objective.period)
    reached = f"the worst {period} had {percent(1 - one.reached)} bad events"
    if not kept:
        said = f"none of these objectives was kept: {reached}"
    else:
        said = f"{kept[-1].text} was kept ({percent(kept[-1].worst)} of its budget at worst): {reached}"
    if one.budget.coverage > _WHOLE:
        return said
    seen = f"n the {part(one.budget.coverage)} of {period} that was seen, {said}"
    if one.enough:
        return f"I{seen}"
    return f"Not by this: less than half of {period} was seen, and the rest may be worse; i{seen}"


def lines_of(one: Replayed, faint: Callable[[str], str] = str) -> Iterator[str]:
    """All about one SLO; `faint` takes what is too thin to rely on."""
    yield one.name
    yield f"  {promise_of(one)}"
    yield f"  {summary(one)}"
    if one.excluding is not None:
        yield f"  {excluding(one.excluding)}"
    yield f"  {coverage(one)}"
    if one.alerts:
        yield ""
        yield from _table(_alerts(one.alerts[:_ALERTS]))
        if len(one.alerts) > _ALERTS:
            yield f"  and {len(one.alerts) - _ALERTS} more: --output json has them all"
    if one.seen.first is None:
        return
    yield ""
    yield f"  What can I promise? {answer(one)}"
    shown = str if one.enough else faint
    yield from map(shown, _table(_objectives(one)))
    thresholds = _thresholds(one)
    if len(thresholds) > 2:  # noqa: PLR2004  # the head and the SLO's own
        yield ""
        yield from map(shown, _table(thresholds))


def _alerts(alerts: Sequence[Fired]) -> list[tuple[str, ...]]:
    """A row for each; a last column says how much of the period was seen, where that is not all of it."""
    rows: list[tuple[str, ...]] = [("severity", "tier", "from", "until", "errors", "budget gone", "seen of the period")]
    for alert in alerts:
        end = "still fires" if alert.end is None else moment(alert.end)
        numbers = percent(alert.ratio), percent(alert.gone), part(alert.period_coverage)
        rows.append((alert.severity, alert.tier, moment(alert.start), end, *numbers))
    whole = all(alert.period_coverage is None or alert.period_coverage > _WHOLE for alert in alerts)
    return [row[:-1] for row in rows] if whole else rows


def _own(one: Replayed) -> list[Promise]:
    """Every objective with the SLO's own threshold."""
    written = next(promise for promise in one.promises if promise.written)
    return [promise for promise in one.promises if promise.threshold == written.threshold]


def _objectives(one: Replayed) -> list[tuple[str, ...]]:
    head = ("objective", "pages", "tickets", "spent", "at worst", "")
    return [head, *(_promise(promise.text, promise) for promise in _own(one))]


def _thresholds(one: Replayed) -> list[tuple[str, ...]]:
    written = next(promise.text for promise in one.promises if promise.written)
    rows = [promise for promise in one.promises if promise.text == written]
    return [
        (f"below, {written}", "pages", "tickets", "spent", "at worst", ""),
        *(_promise(row.threshold, row) for row in rows),
    ]


def _promise(what: str, promise: Promise) -> tuple[str, ...]:
    notes = ["as written"] if promise.written else []
    if promise.worst is None:
        return what, "-", "-", "-", "-", "not in the history"
    if promise.dead:
        notes.append(f"{', '.join(promise.dead)} cannot fire")
    if promise.coverage < 1:
        notes.append(f"{part(promise.coverage)} of the pulses")
    pages, tickets = str(promise.pages), str(promise.tickets)
    return what, pages, tickets, percent(promise.spent), percent(promise.worst), "; ".join(notes)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()
