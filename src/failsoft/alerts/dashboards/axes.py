"""Where the ticks of an axis are: at numbers and moments that people would choose."""

import math
from datetime import UTC, datetime

from failsoft.alerts.dashboards.panels import Unit

__all__ = ["moments", "steps"]

_TICKS = 4
_MOMENTS = 6
_EDGE = 0.03
"""Of the width: nearer to an end there is no room for the word of a tick."""

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_TIMES = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 12)),
    *(days * _DAY for days in (1, 2, 5, 7, 10, 15, 30, 90, 180, 365)),
)
"""Steps of time, in seconds."""


def steps(low: float, high: float, unit: Unit, *, whole: bool = False) -> tuple[float, ...]:
    """The values of the ticks, from at most `low` to at least `high`.

    Args:
        low: the least value.
        high: the largest one.
        unit: time has steps of its own.
        whole: whether the values are whole numbers, between which there is nothing.

    >>> steps(0, 1, "share"), steps(0, 1000, "seconds"), steps(0, 1, "plain", whole=True)
    ((0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 300.0, 600.0, 900.0, 1200.0), (0.0, 1.0))
    """
    wanted = (high - low) / _TICKS or 1.0
    step = _nice(wanted)
    if unit == "seconds" and wanted > _TIMES[0]:
        step = next((float(time) for time in _TIMES if time >= wanted), step)
    if whole and unit in {"count", "plain"}:
        step = max(1.0, step if step == int(step) else 2 * step)  # 2.5 is the only one above 1
    bottom, top = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(index * step for index in range(bottom, max(top, bottom + 1) + 1))


def moments(start: float, end: float) -> tuple[tuple[float, str], ...]:
    """Some ticks between two moments in seconds since the epoch, and what each says, in UTC.

    >>> [word for _, word in moments(1_700_000_000, 1_700_086_400)]
    ['00:00', '04:00', '08:00', '12:00', '16:00', '20:00']
    >>> [word for _, word in moments(1_767_225_600, 1_767_225_600 + 30 * 86_400)]
    ['02 Jan', '07 Jan', '12 Jan', '17 Jan', '22 Jan', '27 Jan']
    """
    span = max(1.0, end - start)
    step = next((time for time in _TIMES if span / time <= _MOMENTS), _TIMES[-1])
    first, last = start + _EDGE * span, end - _EDGE * span
    form = "%d %b" if step >= _DAY else "%d %b %H:%M" if span > _DAY else "%H:%M" if step >= _MINUTE else "%H:%M:%S"
    marks = (index * step for index in range(math.ceil(first / step), math.floor(last / step) + 1))
    return tuple((float(at), datetime.fromtimestamp(at, UTC).strftime(form)) for at in marks)


def _nice(step: float) -> float:
    scale = 10.0 ** math.floor(math.log10(step))
    return next(scale * nice for nice in _NICE if scale * nice >= step * (1 - 1e-9))
