"""A board drawn on one self-contained HTML page, from the answers to the very queries that Grafana would ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from failsoft.alerts.dashboards.chart import Line, chart
from failsoft.alerts.dashboards.numbers import told
from failsoft.alerts.dashboards.panels import Board, Panel

__all__ = ["Answer", "Line", "page"]

_COLUMN = 46
_ROWS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a panel's queries: their lines, or why there are none."""

    lines: tuple[Line, ...] = ()
    problem: str = ""


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
    )


def _shown(panel: Panel, answer: Answer, start: float, end: float) -> dict[str, object]:
    lasts = [(line.name, line.points[-1][1]) for line in answer.lines if line.points]
    figure = lasts[0][1] if panel.kind == "figure" and lasts else None
    width = _COLUMN * panel.width
    drawn = None
    if panel.kind == "lines" and lasts:
        drawn = chart(answer.lines, panel.unit, width=width, start=start, end=end, first=panel.first)
    return {
        "panel": panel,
        "problem": answer.problem,
        "empty": not lasts,
        "figure": None if figure is None else told(figure, panel.unit),
        "tone": "" if figure is None else _tone(panel, figure),
        "rows": [(name, told(value, panel.unit)) for name, value in lasts[:_ROWS]],
        "more": max(0, len(lasts) - _ROWS),
        "chart": drawn,
    }


def _tone(panel: Panel, value: float) -> str:
    return next((meaning for above, meaning in reversed(panel.limits) if value >= above), "")


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
