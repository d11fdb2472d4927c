"""A board drawn on one self-contained HTML page, from the answers to the very queries that Grafana would ask."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from failsoft.alerts.dashboards.numbers import told
from failsoft.alerts.dashboards.panels import Board, Panel

__all__ = ["Answer", "Line", "page"]

_COLUMN, _HEIGHT = 46, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 22
_TICKS = 4
_SHOWN = 12
_ROWS = 30
_GAP_STEPS = 2.5
_NICE = (1, 2, 2.5, 5, 10)
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Line:
    """One series of an answer: its name, and its points as (seconds since the epoch, value)."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a panel's queries: their lines, or why there are none."""

    lines: tuple[Line, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Drawn:
    name: str
    paths: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    colour: int
    last: str


@dataclass(frozen=True, slots=True)
class _Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class _Chart:
    width: int
    lines: tuple[_Drawn, ...]
    more: int
    across: tuple[_Tick, ...]
    up: tuple[_Tick, ...]


def page(board: Board, answers: Sequence[Answer], *, start: float, end: float, chosen: Mapping[str, str]) -> str:
    """The page of a board.

    Args:
        board: what is drawn.
        answers: one for each of `board.panels`, in their order.
        start: of the time that is drawn, in seconds since the epoch.
        end: of the same.
        chosen: the values of the board's variables.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("failsoft.alerts.dashboards"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    by_panel = iter(answers)
    rows = [(title, [_shown(panel, next(by_panel), start, end) for panel in panels]) for title, panels in board.rows]
    return environment.get_template("board.html.j2").render(
        board=board,
        rows=rows,
        chosen=chosen,
        start=_stamp(start),
        end=_stamp(end),
        height=_HEIGHT,
        left=_LEFT,
        right=_RIGHT,
    )


def _shown(panel: Panel, answer: Answer, start: float, end: float) -> dict[str, object]:
    lasts = [(line.name, line.points[-1][1]) for line in answer.lines if line.points]
    figure = lasts[0][1] if panel.kind == "figure" and lasts else None
    return {
        "panel": panel,
        "problem": answer.problem,
        "empty": not lasts,
        "figure": None if figure is None else told(figure, panel.unit),
        "tone": "" if figure is None else _tone(panel, figure),
        "rows": [(name, told(value, panel.unit)) for name, value in lasts[:_ROWS]],
        "more": max(0, len(lasts) - _ROWS),
        "chart": _chart(panel, answer.lines, start, end) if panel.kind == "lines" and lasts else None,
    }


def _tone(panel: Panel, value: float) -> str:
    return next((meaning for above, meaning in reversed(panel.limits) if value >= above), "")


def _chart(panel: Panel, lines: Sequence[Line], start: float, end: float) -> _Chart:
    values = [value for line in lines for _, value in line.points if math.isfinite(value)] or [0.0]
    low, high = min(0.0, *values), max(values)
    step = _nice((high - low) / _TICKS or 1.0)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step

    width = _COLUMN * panel.width

    def x(at: float) -> float:
        return round(_LEFT + (at - start) / max(1e-9, end - start) * (width - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - (value - bottom) / (top - bottom) * (_HEIGHT - _TOP - _BOTTOM), 1)

    up = tuple(
        _Tick(y(bottom + index * step), told(bottom + index * step, panel.unit))
        for index in range(round((top - bottom) / step) + 1)
    )
    across = tuple(
        _Tick(x(start + share * (end - start)), _clock(start + share * (end - start), end - start))
        for share in (0.1, 0.3, 0.5, 0.7, 0.9)
    )
    drawn = []
    for index, line in enumerate(lines[:_SHOWN]):
        stretches = _stretches([(x(at), y(value), at) for at, value in line.points if math.isfinite(value)])
        paths = tuple("M" + "L".join(f"{px} {py}" for px, py, _ in run) for run in stretches if len(run) > 1)
        dots = tuple((run[0][0], run[0][1]) for run in stretches if len(run) == 1)
        last = told(line.points[-1][1], panel.unit) if line.points else ""
        drawn.append(_Drawn(line.name, paths, dots, index % _SHOWN, last))
    return _Chart(width, tuple(drawn), max(0, len(lines) - _SHOWN), across, up)


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


def _clock(at: float, span: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M" if span > _DAY else "%H:%M")


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
