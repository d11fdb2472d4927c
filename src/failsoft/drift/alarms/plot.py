"""A page that shows how far held-out windows came, and where the alarm is: one HTML file that loads nothing."""

from html import escape
from math import log10

import numpy as np

from failsoft.drift.alarms.calibration import Calibrated, Calibration
from failsoft.drift.alarms.signals import TableTest
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.alarms.words import text

__all__ = ["page"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 560, 260, 56, 40, 12
_DECADES = 6
_SHOWN = 20

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #7b8794; --law: #2f6fab; --held: #1f2933; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa5b1; --law: #7db4e6; --held: #e4e7eb; --bad: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); }
pre { white-space: pre-wrap; font-size: 13px; } figure { display: inline-block; margin: 0 1rem 1.5rem 0; }
svg { max-width: 100%; height: auto; } text { fill: var(--soft); font-size: 11px; }
.axis { stroke: var(--soft); stroke-width: 1; } .grid { stroke: var(--soft); stroke-width: .3; }
.law { stroke: var(--law); fill: none; stroke-width: 2; } .base { stroke-dasharray: 5 4; stroke-width: 1.2; }
.held { fill: var(--held); fill-opacity: .55; }
.bad { stroke: var(--bad); stroke-width: 2; } .bad-text { fill: var(--bad); }
"""


def page(found: Calibration, title: str) -> str:
    """The page: the promise in words, then for each feature how often windows are further off than a PSI."""
    tables = [one for one in found.tests if isinstance(one.test, TableTest)]
    shown = sorted(tables, key=lambda one: -one.wander)[:_SHOWN]
    figures = "\n".join(_figure(one, one.test) for one in shown if isinstance(one.test, TableTest))
    more = f"<p>{len(tables) - _SHOWN} more features wander less.</p>" if len(tables) > _SHOWN else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n<pre>{escape(text(found))}</pre>\n"
        "<p>Each dot is a held-out window: the share of windows that are at least as far from the reference. "
        "The dashed line is the law where windows differ by chance only, the solid one what was fitted to these, the "
        f"red one the critical value.</p>\n{figures}\n{more}</body></html>\n"
    )


def _figure(one: Calibrated, test: TableTest) -> str:
    held = np.sort(test.held.z)[::-1] * test.error if test.held is not None else np.zeros(0)
    right = 1.15 * max(one.value, float(held.max(initial=0.0)))
    psi = np.linspace(0, right, 120)
    law, base = (np.exp(each.log_sf(psi / test.error)) for each in (test.law, test.base))
    dots = "".join(
        f'<circle class="held" cx="{_x(held[at], right):.1f}" cy="{_y((at + 1) / len(held)):.1f}" r="2"/>'
        for at in _thinned(len(held))
    )
    at = _x(one.value, right)
    name = escape(test.name)
    return (
        f'<figure><figcaption>{name}</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'role="img" aria-label="{name}: share of windows above a PSI">{_axes(right)}'
        f'<path class="law base" d="{_path(psi, base, right)}"/><path class="law" d="{_path(psi, law, right)}"/>{dots}'
        f'<line class="bad" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        f'<text class="bad-text" x="{at - 4:.1f}" y="{_TOP + 10}" text-anchor="end">{one.value:.3g}</text>'
        "</svg></figure>"
    )


def _thinned(count: int) -> list[int]:
    """All of the first, fewer and fewer of the rest: a thousand dots on one another say nothing."""
    return sorted({*range(min(count, 60)), *(int(at) for at in np.geomspace(1, max(count, 1), 120)[:-1] if at < count)})


def _x(psi: float, right: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 10) * psi / right


def _y(share: float) -> float:
    down = min(_DECADES, -log10(max(share, 10.0**-_DECADES))) / _DECADES
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * down


def _path(psi: Floats, share: Floats, right: float) -> str:
    seen = [(x, y) for x, y in zip(psi, share, strict=True) if y >= 10.0**-_DECADES]
    return "M" + "L".join(f"{_x(x, right):.1f},{_y(y):.1f}" for x, y in seen)


def _axes(right: float) -> str:
    parts = []
    for decade in range(_DECADES + 1):
        y = _y(10.0**-decade)
        label = "1" if not decade else f"1 in 10{_RAISED[decade]}"
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    low = _HEIGHT - _BOTTOM
    for at in np.linspace(0, right, 5):
        anchor = "middle" if at < right else "end"
        parts.append(f'<text x="{_x(at, right):.1f}" y="{low + 14}" text-anchor="{anchor}">{at:.2g}</text>')
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{low}" y2="{low}"/>')
    parts.append(f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 8}" text-anchor="end">PSI of a window</text>')
    return "".join(parts)


_RAISED = {1: "", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶"}
