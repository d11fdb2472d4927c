"""Numbers as people read them."""

import math

from failsoft.alerts.dashboards.panels import Unit

__all__ = ["told"]

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60
_SIGNS: dict[Unit, tuple[int, str]] = {"share": (100, "%"), "celsius": (1, "°C"), "watts": (1, "W")}


def told(value: float, unit: Unit) -> str:
    """A number as people read it.

    >>> told(0.98765, "share"), told(5400, "seconds"), told(1234567, "count"), told(float("nan"), "plain")
    ('98.8 %', '1.5 h', '1.23 M', 'not a number')
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "without end" if value > 0 else "-without end"
    if unit == "seconds":
        return _time(value)
    factor, sign = _SIGNS.get(unit, (1, ""))
    return f"{_short(value * factor)} {sign}" if sign else _scaled(value)


def _scaled(value: float) -> str:
    for size, sign in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{_short(value / (1000 if sign == ' k' else size))}{sign}"
    return _short(value)


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"  # noqa: PLR2004  # three digits


def _time(seconds: float) -> str:
    for size, sign in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if abs(seconds) >= size:
            return f"{_short(seconds / size)} {sign}"
    return f"{_short(seconds)} s"
