"""The geometry of lines over time: values in, coordinates out; a template draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from failsoft.alerts.dashboards.numbers import told
from failsoft.alerts.dashboards.panels import Unit

__all__ = ["Band", "Chart", "Drawn", "Limit", "Line", "Tick", "chart"]

HEIGHT = 200
"""Of a chart, in its own units."""

LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 22
"""The margins around what is drawn."""

_TICKS = 4
_SHOWN = 12
_GAP_STEPS = 2.5
_NICE = (1, 2, 2.5, 5, 10)
_HOUR, _DAY = 3600, 86_400
_PACES = (60, 300, 600, 900, 1800, *(_HOUR * hours for hours in (1, 2, 3, 6, 12)), *(_DAY * days for days in (1, 2, 5)))
_EDGE = 0.03
"""Of the width: nearer to an end there is no room for the word of a tick."""
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
    """
    values = [value for line in lines for _, value in line.points if math.isfinite(value)] or [0.0]
    values += [limit.value] if limit is not None else []
    low, high = min(0.0, *values), max(values)
    step = _nice((high - low) / _TICKS or 1.0)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step

    def x(at: float) -> float:
        share = min(1.0, max(0.0, (at - start) / max(1e-9, end - start)))
        return round(LEFT + share * (width - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    up = tuple(
        Tick(y(bottom + index * step), told(bottom + index * step, unit))
        for index in range(round((top - bottom) / step) + 1)
    )
    across = tuple(Tick(x(at), word) for at, word in _moments(start, end))
    drawn = []
    for index, line in enumerate(lines[:_SHOWN]):
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


def _nice(step: float) -> float:
    scale = 10.0 ** math.floor(math.log10(step))
    return next(scale * nice for nice in _NICE if scale * nice >= step * (1 - 1e-9))


def _moments(start: float, end: float) -> list[tuple[float, str]]:
    """Some ticks, seven at most, at round minutes, hours or days of UTC, and what each says.

    >>> [word for _, word in _moments(1_700_000_000, 1_700_086_400)]
    ['00:00', '06:00', '12:00', '18:00']
    >>> [word for _, word in _moments(1_767_225_600, 1_767_225_600 + 30 * 86_400)]
    ['02 Jan', '07 Jan', '12 Jan', '17 Jan', '22 Jan', '27 Jan']
    """
    span = max(1.0, end - start)
    fine = next((pace for pace in _PACES if span / pace <= _TICKS + 2), 0)
    pace = fine or math.ceil(span / (_TICKS + 2) / (10 * _DAY)) * 10 * _DAY
    first, last = start + _EDGE * span, end - _EDGE * span
    form = "%d %b" if pace >= _DAY else "%d %b %H:%M" if span > _DAY else "%H:%M"
    ticks = (number * pace for number in range(math.ceil(first / pace), math.floor(last / pace) + 1))
    return [(at, datetime.fromtimestamp(at, UTC).strftime(form)) for at in ticks]
