"""The geometry of the report's plots: counts in, coordinates out; the template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, floor, log10

from failsoft.drift.comparison import Compared
from failsoft.drift.distribution import Histogram
from failsoft.drift.features import NumericReference
from failsoft.drift.report.words import Bin, bins_of, value_text

__all__ = ["BARS", "CURVE", "Bars", "Curve", "Row", "Tick", "apart", "bars", "curve", "rounded"]

BARS = 600
"""Width of the plot of bins, in its own units."""

CURVE = 340
"""Width and height of the plot of distribution functions."""

_LABEL, _VALUE = 190, 120
_CHARACTER = 6.6
_ROW, _TOP = 26, 8
_MOST_ROWS = 16
_LEFT, _BOTTOM, _PAD = 40, 26, 12
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of an axis: where, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One bin: two bars beside each other.

    Attributes:
        y: of its upper edge.
        bin: what it holds.
        reference, current: lengths of the bars.
        change: by how many points the share changed, in words.
    """

    y: float
    bin: Bin
    reference: float
    current: float
    change: str


@dataclass(frozen=True, slots=True)
class Bars:
    """The bins of a feature, and how many had no room; `left` is where the bars begin."""

    rows: tuple[Row, ...]
    hidden: int
    height: float
    left: float = _LABEL


@dataclass(frozen=True, slots=True)
class Curve:
    """Two distribution functions over a grid.

    Attributes:
        reference, current: SVG paths.
        xticks, yticks: of the axes.
        gap: where they are furthest apart, as (x, y, y); None where they are nowhere.
        floor: the y of 0.
    """

    reference: str
    current: str
    xticks: tuple[Tick, ...]
    yticks: tuple[Tick, ...]
    gap: tuple[float, float, float] | None
    floor: float


def bars(compared: Compared) -> Bars | None:
    """The shares of both sides, bin by bin; of many categories those that changed most. None without rows."""
    bins = bins_of(compared)
    if not bins:
        return None
    shown = bins
    if len(bins) > _MOST_ROWS:
        kept = sorted(bins, key=lambda one: -abs(one.change))[:_MOST_ROWS]
        shown = tuple(one for one in bins if one in kept)
    widest = max(max(one.reference, one.current) for one in shown) or 1.0
    unit = (BARS - _LABEL - _VALUE) / widest
    rows = tuple(
        Row(
            y=_TOP + index * _ROW,
            bin=one,
            reference=round(one.reference * unit, 1),
            current=round(one.current * unit, 1),
            change=_points(one.change),
        )
        for index, one in enumerate(shown)
    )
    return Bars(rows, len(bins) - len(shown), _TOP + len(rows) * _ROW)


def curve(compared: Compared, current: Histogram | None) -> Curve | None:
    """The two distribution functions between the ends of the grid; None where there is no grid to speak of.

    Args:
        compared: a feature.
        current: the window's rows over the grid of the reference.
    """
    feature = compared.feature
    if not isinstance(feature, NumericReference) or current is None or not current.rows or len(feature.grid) < 2:  # noqa: PLR2004
        return None
    low, high = feature.grid[0], feature.grid[-1]
    width, height = CURVE - _LEFT - _PAD, CURVE - _BOTTOM - _PAD

    def x(value: float) -> float:
        return round(_LEFT + (value / 2 - low / 2) / (high / 2 - low / 2) * width, 1)

    def y(share: float) -> float:
        return round(_PAD + (1 - share) * height, 1)

    sides = [_below(feature.over_grid.counts), _below(current.counts)]
    paths = [
        "M" + " L".join(f"{x(cut)},{y(share)}" for cut, share in zip(feature.grid, side, strict=True)) for side in sides
    ]
    gaps = [abs(one - other) for one, other in zip(*sides, strict=True)]
    at = max(range(len(gaps)), key=gaps.__getitem__)
    gap = (x(feature.grid[at]), y(sides[0][at]), y(sides[1][at])) if gaps[at] else None
    return Curve(
        reference=paths[0],
        current=paths[1],
        xticks=apart([Tick(x(value), value_text(value, feature.type)) for value in rounded(low, high)]),
        yticks=tuple(Tick(y(share), f"{share:.0%}") for share in (0.0, 0.5, 1.0)),
        gap=gap,
        floor=y(0),
    )


def _below(counts: Sequence[float]) -> list[float]:
    """The share of rows not above each cut."""
    rows = sum(counts)
    return [count / rows for count in accumulate(counts)][:-1]


def apart(ticks: Sequence[Tick], width: float = CURVE) -> tuple[Tick, ...]:
    """Those ticks whose labels have room beside the one before, and within the plot."""
    kept: list[Tick] = []
    for tick in ticks:
        half = len(tick.label) * _CHARACTER / 2
        start = kept[-1].at + len(kept[-1].label) * _CHARACTER / 2 + _PAD if kept else 0.0
        if tick.at - half >= start and tick.at + half <= width:
            kept.append(tick)
    return tuple(kept)


def rounded(low: float, high: float) -> list[float]:
    """Two to five round values between two others.

    >>> rounded(-2.1, 2.2)
    [-2.0, 0.0, 2.0]
    """
    span = high / 4 - low / 4
    power = 10.0 ** floor(log10(span)) if span > 0 else 0.0
    if not power:
        return [low]
    step = next(factor * power for factor in _NICE if factor * power >= span * 0.999)
    return [index * step for index in range(ceil(low / step), floor(high / step) + 1)]


def _points(change: float) -> str:
    """A change of share in points.

    >>> _points(0.0412), _points(-0.2), _points(0.0)
    ('+4.1', '-20.0', '0')
    """
    points = round(100 * change, 1)
    return f"{points:+.1f}" if points else "0"
