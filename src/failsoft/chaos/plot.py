"""The geometry of the report's plots: samples and moments in, coordinates out; the template draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from failsoft.chaos.evidence import SloSeen, Times
from failsoft.chaos.timeline import Moment

__all__ = ["HEIGHT", "WIDTH", "Axis", "Band", "Marker", "Panel", "Tick", "axis_of", "bands", "markers", "panel"]

WIDTH = 960
"""Of a plot, in its own units."""

HEIGHT = 190
"""Of one SLO's panel."""

_LEFT, _RIGHT = 64, 16
_TOP, _BOTTOM = 12, 12
_ROW = 22
_CLOSEST = 24
_CHARACTER = 6.6
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_NICE_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_TICKS = 9
_GAP_STEPS = 2.5


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of an axis: where, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The time axis that all panels share; `zero` is what its labels count from."""

    start: float
    end: float
    zero: float

    def x(self, at: float) -> float:
        """The coordinate of a time."""
        share = (at - self.start) / max(1e-9, self.end - self.start)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Round times after the fault."""
        step = next((s for s in _NICE_SECONDS if (self.end - self.start) / s <= _TICKS), _NICE_SECONDS[-1])
        first = math.ceil((self.start - self.zero) / step) * step
        count = int((self.end - self.zero - first) // step) + 1
        return tuple(Tick(self.x(self.zero + first + i * step), _clock(first + i * step)) for i in range(count))


@dataclass(frozen=True, slots=True)
class Marker:
    """A moment on the time axis.

    Attributes:
        number: its number in the timeline.
        x, y: where its badge has room in the strip above the panels.
        kind, title: of the moment.
        labelled: whether its title has room beside the badge.
    """

    number: int
    x: float
    y: float
    kind: str
    title: str
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A span of time with a name."""

    x: float
    width: float
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One SLO's plot.

    Attributes:
        slo: its name.
        lines: SVG paths, one for each stretch of samples without a gap.
        areas: the same closed down to zero.
        dots: samples that stand alone.
        limit: the y of the error ratio that just meets the SLO.
        limit_label: what it says.
        ticks: of the y axis.
        worst: the worst sample, as (x, y, label); None without samples.
    """

    slo: str
    lines: tuple[str, ...]
    areas: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    limit: float
    limit_label: str
    ticks: tuple[Tick, ...]
    worst: tuple[float, float, str] | None


def axis_of(slos: Sequence[SloSeen], times: Times, moments: Sequence[Moment]) -> Axis:
    """An axis that holds all samples and all moments, with a little room at its end."""
    zero = times.fault if times.fault is not None else times.started
    starts = [slo.points[0][0] for slo in slos if slo.points] + [times.started]
    ends = [times.ended, *(moment.at for moment in moments)]
    start, end = min(starts), max(ends)
    return Axis(start, end + 0.02 * (end - start), zero)


def bands(axis: Axis, times: Times) -> tuple[Band, ...]:
    """The notice, and the time that the nodes were away after it."""
    if times.fault is None or times.undone is None:
        return ()
    edge = min(times.notice_until or times.undone, times.undone)
    spans = (("notice", "notice", times.fault, edge), ("hold", "node away", edge, times.undone))
    return tuple(Band(axis.x(a), round(axis.x(b) - axis.x(a), 1), name, label) for name, label, a, b in spans if b > a)


def markers(axis: Axis, moments: Sequence[Moment]) -> tuple[Marker, ...]:
    """A numbered badge for each moment, in as many rows as it takes to keep them apart."""
    placed: list[Marker] = []
    for number, moment in enumerate(moments, 1):
        x = axis.x(moment.at)
        row = 0
        while any(abs(other.x - x) < _CLOSEST and other.y == row * _ROW for other in placed):
            row += 1
        placed.append(Marker(number, x, row * _ROW, moment.kind, moment.title))
    return tuple(replace(marker, labelled=_has_room(marker, placed)) for marker in placed)


def _has_room(marker: Marker, others: Sequence[Marker]) -> bool:
    """Whether the title fits between this badge and the next one of its row, clear of the lines that cross the row."""
    start, end = marker.x + _CLOSEST / 2, marker.x + _CLOSEST / 2 + len(marker.title) * _CHARACTER
    crossing = [other for other in others if other.y <= marker.y and other is not marker]
    return end < WIDTH and not any(
        start <= other.x + _CLOSEST / 2 and other.x - _CLOSEST / 2 <= end for other in crossing
    )


def panel(slo: SloSeen, axis: Axis, step: float) -> Panel:
    """The plot of one SLO."""
    top = _top(max([2 * slo.allowed, *(value for _, value in slo.points)]))

    def y(value: float) -> float:
        return round(_TOP + (1 - min(value, top) / top) * (HEIGHT - _TOP - _BOTTOM), 1)

    stretches = _stretches(slo.points, step)
    paths = ["M" + " L".join(f"{axis.x(at)},{y(value)}" for at, value in stretch) for stretch in stretches]
    floor = y(0)
    areas = [
        f"{path} L{axis.x(stretch[-1][0])},{floor} L{axis.x(stretch[0][0])},{floor} Z"
        for path, stretch in zip(paths, stretches, strict=True)
    ]
    worst = max(slo.points, key=lambda point: point[1], default=None)
    return Panel(
        slo=slo.slo,
        lines=tuple(path for path, stretch in zip(paths, stretches, strict=True) if len(stretch) > 1),
        areas=tuple(area for area, stretch in zip(areas, stretches, strict=True) if len(stretch) > 1),
        dots=tuple((axis.x(s[0][0]), y(s[0][1])) for s in stretches if len(s) == 1),
        limit=y(slo.allowed),
        limit_label=f"allowed {_percent(slo.allowed)}",
        ticks=tuple(Tick(y(value), _percent(value)) for value in (0.0, top / 2, top)),
        worst=None if worst is None else (axis.x(worst[0]), y(worst[1]), _percent(worst[1])),
    )


def _stretches(points: Sequence[tuple[float, float]], step: float) -> list[list[tuple[float, float]]]:
    """The samples, cut where some are missing: a gap is shown as a gap."""
    stretches: list[list[tuple[float, float]]] = []
    for point in points:
        if stretches and point[0] - stretches[-1][-1][0] <= _GAP_STEPS * step:
            stretches[-1].append(point)
        else:
            stretches.append([point])
    return stretches


def _top(largest: float) -> float:
    """The smallest round number that is not below `largest`; 1 at most.

    >>> _top(0.034), _top(0.9)
    (0.05, 1.0)
    """
    if largest <= 0:
        return 0.01
    power = 10.0 ** math.floor(math.log10(largest))
    return min(1.0, next(factor * power for factor in _NICE if factor * power >= largest * 0.999))


def _percent(value: float) -> str:
    return f"{100 * value:.3g}%"


def _clock(seconds: float) -> str:
    """A time after the fault.

    >>> _clock(-30), _clock(0), _clock(95)
    ('-0:30', '0:00', '1:35')
    """
    sign, rest = ("-" if seconds < 0 else ""), abs(round(seconds))
    hours, rest = divmod(rest, 3600)
    return f"{sign}{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{sign}{rest // 60}:{rest % 60:02d}"
