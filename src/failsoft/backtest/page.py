"""A backtest drawn on one self-contained HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass

from failsoft.alerts.dashboards.chart import Band, Chart, Limit, Line, chart
from failsoft.backtest.data import Asked
from failsoft.backtest.result import Promise, Replayed
from failsoft.backtest.seen import moment
from failsoft.backtest.words import answer, asked_for, calls, coverage, excluding, part, percent, promise_of
from failsoft.findings import Finding
from failsoft.slo.promql import range_text

__all__ = ["page"]

_WIDTH = 1100
_TABLE = 60
_GAPS = 200
_DRAWN = 100
_ALERTS = 200


@dataclass(frozen=True, slots=True)
class _Cell:
    """What one objective with one threshold would have cost; `tone` is good, warning or bad."""

    promise: Promise
    tone: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """An SLO as the template draws it.

    Attributes:
        one: the SLO.
        anchor: where links lead.
        budget, errors: the charts; None where nothing was seen.
        objectives: the columns of the table of promises.
        rows: thresholds and their cells.
        points: some moments, for those who cannot see the charts.
    """

    one: Replayed
    anchor: str
    budget: Chart | None
    errors: Chart | None
    objectives: tuple[str, ...]
    rows: tuple[tuple[str, tuple[_Cell, ...]], ...]
    points: tuple[tuple[str, str, str, str, str], ...]


def page(asked: Asked, slos: Sequence[Replayed], findings: Sequence[Finding]) -> str:
    """The page: it loads nothing, and is light or dark as the reader's system is.

    Args:
        asked: what was asked for.
        slos: what would have happened.
        findings: what could not be seen, and why something is missing.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader("failsoft.backtest"), PackageLoader("failsoft.alerts.dashboards")]
    environment = Environment(
        loader=ChoiceLoader(loaders), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": percent,
        "part": part,
        "moment": moment,
        "promise": promise_of,
        "seen": coverage,
        "excluding": excluding,
        "answer": answer,
        "period": range_text,
    }
    return environment.get_template("backtest.html.j2").render(
        asked=asked_for(asked),
        slos=[_shown(one, index, drawn=index < _DRAWN) for index, one in enumerate(slos)],
        findings=findings,
        most=_ALERTS,
        calls=calls(sum(one.pages for one in slos), sum(one.tickets for one in slos)),
    )


def _shown(one: Replayed, index: int, *, drawn: bool) -> _Shown:
    objectives = tuple(dict.fromkeys(promise.text for promise in one.promises))
    thresholds = dict.fromkeys(promise.threshold for promise in one.promises)
    rows = tuple(
        (threshold, tuple(_cell(promise) for promise in one.promises if promise.threshold == threshold))
        for threshold in thresholds
    )
    seen = drawn and one.seen.first is not None
    stride = max(1, len(one.budget.points) // _TABLE)
    points = tuple(
        (
            moment(point.at),
            percent(point.since),
            percent(point.spent),
            percent(point.bad / point.total if point.total else None),
            part(point.coverage),
        )
        for point in one.budget.points[stride - 1 :: stride]
    )
    return _Shown(
        one,
        f"slo-{index}",
        _budget(one) if seen else None,
        _errors(one) if seen else None,
        objectives,
        rows,
        points,
    )


def _cell(promise: Promise) -> _Cell:
    if promise.worst is None:
        return _Cell(promise, "none")
    return _Cell(promise, "bad" if promise.worst > 1 else "warning" if promise.pages else "good")


def _budget(one: Replayed) -> Chart:
    """The budget over time: of all that was asked for, and of the period that slides over it."""
    points, asked = one.budget.points, range_text(len(one.span.judged) * one.span.step)
    since = Line(f"of these {asked}", _line([(point.at, point.since) for point in points]))
    period = range_text(one.objective.period)
    sliding = Line(f"of the {period} before each moment", _line([(point.at, point.spent) for point in points]))
    lines = [since, sliding]
    if one.excluding is not None:
        left = one.excluding.budget.points
        lines.append(Line("the same, without what is excluded", _line([(point.at, point.spent) for point in left])))
    return _chart(one, lines, Limit(1.0, "all of the budget"))


def _errors(one: Replayed) -> Chart:
    ratios = [(point.at, point.bad / point.total if point.total else None) for point in one.budget.points]
    allowed = float(one.objective.budget)
    return _chart(one, [Line("bad events", _line(ratios))], Limit(allowed, f"allowed, {percent(allowed)}"))


def _chart(one: Replayed, lines: Sequence[Line], limit: Limit) -> Chart:
    start = one.span.at(one.span.judged[0]) - one.span.step / 1000
    end = one.span.at(one.span.steps - 1)
    drawn = [line for line in lines if line.points]  # nothing in the legend that is not there to be seen
    return chart(drawn, "share", width=_WIDTH, start=start, end=end, bands=_bands(one), limit=limit)


def _line(values: Sequence[tuple[float, float | None]]) -> tuple[tuple[float, float], ...]:
    return tuple((at, value) for at, value in values if value is not None)


def _bands(one: Replayed) -> list[Band]:
    """What is excluded, then tickets, pages above them, and above all what nobody saw."""
    step, last = one.span.step / 1000, one.span.at(one.span.steps - 1)
    longest = sorted(one.seen.gaps, key=lambda gap: -gap.steps)[:_GAPS]
    bands: list[Band] = []
    if one.excluding is not None:
        bands += [
            Band("excluded", begin, end, f"excluded: {moment(begin)} to {moment(end)}")
            for begin, end in one.excluding.times[:_GAPS]
        ]
    for severity in ("ticket", "page"):
        for alert in one.alerts:
            if alert.severity == severity:
                end = last if alert.end is None else alert.end
                bands.append(Band(severity, alert.start, end, f"{alert.tier}: {moment(alert.start)} to {moment(end)}"))
    bands += [
        Band("unseen", gap.first - step, gap.last, f"nothing seen: {moment(gap.first)} to {moment(gap.last)}")
        for gap in longest
    ]
    return bands
