"""The report as one HTML document that loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failsoft.drift.accumulator import BinCounts, CategoryCounts, Counts
from failsoft.drift.comparison import Compared
from failsoft.drift.explanation import clustered, explanation, tally, unpromised, verdict
from failsoft.drift.features import NumericReference
from failsoft.drift.judgement import Judged, Severity, worst
from failsoft.drift.report.plot import BARS, CURVE, Bars, Curve, bars, curve
from failsoft.drift.report.words import Bin, moves
from failsoft.drift.stratified import Stratified, Window, centroid_cosines

if TYPE_CHECKING:
    from failsoft.drift.distribution import Histogram

__all__ = ["page"]

_MOST_PLOTS = 100
_MOST_NAMES = 8
_SIGNS = {
    Severity.PAGE: ("bad", "✗"),
    Severity.TICKET: ("unknown", "!"),
    Severity.NONE: ("ok", "✓"),
    Severity.UNJUDGED: ("unknown", "?"),
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A feature as the template draws it."""

    judged: Judged
    tone: str
    sign: str
    moves: tuple[Bin, ...]
    unseen: tuple[tuple[str, int], ...]
    bars: Bars | None
    curve: Curve | None


def page(window: Window, features: Sequence[Judged], *, source: str, calibrated: bool = False) -> str:
    """The report of a window as HTML.

    Args:
        window: the counts.
        features: what became of them.
        source: where the rows of the window came from.
        calibrated: whether a calibration judged them.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("failsoft.drift.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "number": _number}
    sorted_ = sorted(features, key=lambda one: one.rank)
    found = worst(features)
    shown = [_shown(one, window, plotted=index < _MOST_PLOTS) for index, one in enumerate(sorted_)]
    loud = {Severity.PAGE, Severity.TICKET}
    return environment.get_template("report.html.j2").render(
        profile=window.profile,
        source=source,
        rows=window.rows,
        tone=_SIGNS[found][0],
        sign=_SIGNS[found][1],
        verdict=verdict(features, calibrated=calibrated),
        tally=tally(features),
        unpromised=unpromised(calibrated=calibrated),
        explanation=explanation(features),
        clustered=clustered(features),
        cosines=centroid_cosines(window),
        drifted=[one for one in shown if one.judged.severity in loud],
        quiet=[one for one in shown if one.judged.severity not in loud],
        features=shown,
        bars_width=BARS,
        curve_width=CURVE,
    )


def _shown(one: Judged, window: Window, *, plotted: bool) -> _Shown:
    compared = one.compared
    counts = _counts(window, compared)
    unseen: tuple[tuple[str, int], ...] = ()
    if isinstance(counts, CategoryCounts):
        names = sorted(counts.unseen.kept.items(), key=lambda pair: (-pair[1], pair[0]))
        unseen = tuple(names[:_MOST_NAMES])
    over: Histogram | None = None
    if isinstance(counts, BinCounts) and isinstance(compared.feature, NumericReference):
        over = counts.over(compared.feature.grid)
    return _Shown(
        judged=one,
        tone=_SIGNS[one.severity][0],
        sign=_SIGNS[one.severity][1],
        moves=moves(compared),
        unseen=unseen,
        bars=bars(compared) if plotted else None,
        curve=curve(compared, over) if plotted else None,
    )


def _counts(window: Window, compared: Compared) -> Counts:
    if isinstance(window, Stratified):
        return window.parts[compared.stratum].counts[compared.name] if compared.stratum else window.mix
    return window.counts[compared.name]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.3g}%"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
