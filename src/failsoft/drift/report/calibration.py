"""The page on a calibration: what is promised, what it costs, and how far held-out windows came."""

from dataclasses import dataclass
from math import log10

import numpy as np

from failsoft.drift.alarms.calibration import Calibrated, Calibration
from failsoft.drift.alarms.signals import TableTest
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.alarms.words import cells, said
from failsoft.drift.report.plot import Tick, apart, rounded

__all__ = ["page"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 480, 270, 52, 40, 18, 12
_DECADES = 6
_RAISED = ("", "", "²", "³", "⁴", "⁵", "⁶")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Figure:
    """How often windows are further off than a PSI, for one feature, in the units of the drawing.

    Attributes:
        name: of the feature.
        law, base: SVG paths: of the fitted law, and of that of chance.
        dots: one for each held-out window, (x, y).
        critical, value: where the critical value stands, and what it is.
        anchor: on which side of its line there is room to say so.
        xticks: of the axis.
    """

    name: str
    law: str
    base: str
    dots: tuple[tuple[float, float], ...]
    critical: float
    value: str
    anchor: str
    xticks: tuple[Tick, ...]


def page(found: Calibration, title: str) -> str:
    """The page as HTML that loads nothing: sentences, a table of the tests, and a plot for each feature."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("failsoft.drift.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ordered = sorted(found.tests, key=lambda one: -one.value)
    wandering = sorted(
        ((one, one.test) for one in ordered if isinstance(one.test, TableTest)), key=lambda pair: -pair[0].wander
    )
    return environment.get_template("calibration.html.j2").render(
        title=title,
        said=said(found),
        promised=found.promised,
        tables=[cells(one, found) for one in ordered if isinstance(one.test, TableTest)],
        shares=[cells(one, found) for one in ordered if not isinstance(one.test, TableTest)],
        figures=[_figure(one, test) for one, test in wandering[:_SHOWN]],
        hidden=max(0, len(wandering) - _SHOWN),
        yticks=[Tick(_y(10.0**-decade), f"1 in 10{_RAISED[decade]}" if decade else "all") for decade in range(7)],
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        top=_TOP,
        floor=_HEIGHT - _BOTTOM,
    )


def _figure(one: Calibrated, test: TableTest) -> _Figure:
    held = np.sort(test.held.z)[::-1] * test.error if test.held is not None else np.zeros(0)
    right = 1.15 * max(one.value, float(held.max(initial=0.0)))
    psi = np.linspace(0, right, 120)
    law, base = (np.exp(each.log_sf(psi / test.error)) for each in (test.law, test.base))
    at = _x(one.value, right)
    return _Figure(
        name=test.name,
        law=_path(psi, law, right),
        base=_path(psi, base, right),
        dots=tuple((_x(held[index], right), _y((index + 1) / len(held))) for index in _thinned(len(held))),
        critical=at,
        value=f"{one.value:.3g}",
        anchor="end" if at > _WIDTH / 2 else "start",
        xticks=apart([Tick(_x(value, right), f"{value:g}") for value in rounded(0.0, right)], _WIDTH),
    )


def _thinned(count: int) -> list[int]:
    """All of the first, fewer and fewer of the rest: a thousand dots on one another say nothing."""
    return sorted({*range(min(count, 60)), *(int(at) for at in np.geomspace(1, max(count, 1), 120)[:-1] if at < count)})


def _x(psi: float, right: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * psi / right, 1)


def _y(share: float) -> float:
    down = min(_DECADES, -log10(max(share, 10.0**-_DECADES))) / _DECADES
    return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * down, 1)


def _path(psi: Floats, share: Floats, right: float) -> str:
    seen = [(x, y) for x, y in zip(psi, share, strict=True) if y >= 10.0**-_DECADES]
    return "M" + " L".join(f"{_x(x, right):.1f},{_y(y):.1f}" for x, y in seen)
