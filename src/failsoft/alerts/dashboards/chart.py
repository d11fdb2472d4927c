"""The geometry of lines over time: values in, coordinates out; a template draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from failsoft.alerts.dashboards.axes import moments, steps
from failsoft.alerts.dashboards.numbers import told
from failsoft.alerts.dashboards.panels import First, Unit

__all__ = ["Band", "Chart", "Drawn", "Limit", "Line", "Tick", "chart"]

HEIGHT = 200
"""Of a chart, in its own units."""

LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 22
"""The margins around what is drawn."""

_SHOWN = 12
_GAP_STEPS = 2.5
_THINNEST = 1.5


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its name, and its points as (seconds since the epoch, value)."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time that is marked: its kind, its two ends in seconds since the epoch, and what it is."""

    kind: str
    start: float
    end: float
    title: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A value that is marked, and what it is."""

    value: float
    title: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line as it is drawn: paths of points that follow each other, dots of those that stand alone."""

    name: str
    paths: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    colour: int
    last: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of an axis: where, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A band as it is drawn."""

    kind: str
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn of a panel.

    Attributes:
        width, height, left, right, top, floor: in its own units; `floor` is the lower end of what is drawn.
        lines, more: the lines, and how many there was no room for.
        across, up: the ticks.
        bands, limit: what is marked.
    """

    width: int
    lines: tuple[Drawn, ...]
    more: int
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    bands: tuple[Marked, ...] = ()
    limit: Tick | None = None
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    floor: int = HEIGHT - BOTTOM


def chart(  # noqa: PLR0913  # what is drawn, and where
    lines: Sequence[Line],
    unit: Unit,
    *,
    width: int,
    start: float,
    end: float,
    bands: Sequence[Band] = (),
    limit: Limit | None = None,
    first: First = "highest",
) -> Chart:
    """The drawing of lines between two moments.

    Args:
        lines: what is drawn; a gap in one stays a gap.
        unit: what the values are.
        width: of the drawing.
        start: of the time, in seconds since the epoch.
        end: of the same.
        bands: stretches that are marked.
        limit: a value that is marked; there is room for it.
        first: which lines are drawn where there are too many.
    """
    values = [value for line in lines for _, value in line.points if math.isfinite(value)] or [0.0]
    values += [limit.value] if limit is not None else []
    marks = steps(min(0.0, *values), max(values), unit, whole=all(value == int(value) for value in values))
    bottom, top = marks[0], marks[-1]

    def x(at: float) -> float:
        share = min(1.0, max(0.0, (at - start) / max(1e-9, end - start)))
        return round(LEFT + share * (width - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    up = tuple(Tick(y(mark), told(mark, unit)) for mark in marks)
    across = tuple(Tick(x(at), label) for at, label in moments(start, end))
    drawn = []
    for index, line in enumerate(_chosen(lines, first)):
        stretches = _stretches([(x(at), y(value), at) for at, value in line.points if math.isfinite(value)])
        paths = tuple("M" + "L".join(f"{px} {py}" for px, py, _ in run) for run in stretches if len(run) > 1)
        dots = tuple((run[0][0], run[0][1]) for run in stretches if len(run) == 1)
        last = told(line.points[-1][1], unit) if line.points else ""
        drawn.append(Drawn(line.name, paths, dots, index % _SHOWN, last))
    marked = tuple(
        Marked(band.kind, x(band.start), max(_THINNEST, round(x(band.end) - x(band.start), 1)), band.title)
        for band in bands
    )
    marked_limit = None if limit is None else Tick(y(limit.value), limit.title)
    return Chart(width, tuple(drawn), max(0, len(lines) - _SHOWN), across, up, marked, marked_limit)


def _stretches(points: Sequence[tuple[float, float, float]]) -> list[list[tuple[float, float, float]]]:
    """Points that follow each other; a gap stays a gap, for nothing is known of it."""
    if not points:
        return []
    apart = min((b[2] - a[2] for a, b in pairwise(points)), default=0.0)
    runs = [[points[0]]]
    for before, point in pairwise(points):
        if point[2] - before[2] > _GAP_STEPS * apart:
            runs.append([])
        runs[-1].append(point)
    return runs


def _chosen(lines: Sequence[Line], first: First) -> Sequence[Line]:
    """Those that are drawn, in their order: where there are too many, the ones that went farthest."""
    if len(lines) <= _SHOWN:
        return lines

    def farthest(index: int) -> float:
        values = [value for _, value in lines[index].points if math.isfinite(value)]
        return (-max(values) if first == "highest" else min(values)) if values else math.inf

    return [lines[index] for index in sorted(sorted(range(len(lines)), key=farthest)[:_SHOWN])]
