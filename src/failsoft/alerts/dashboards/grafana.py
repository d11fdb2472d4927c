"""Boards as Grafana reads them: dashboard JSON of schema version 39, for Grafana 10 and newer.

Source of the format: Grafana's dashboard JSON model and the panel options of its 10.x releases.
"""

import json
from collections.abc import Iterable
from typing import Any

from failsoft.alerts.dashboards.boards import BOARDS
from failsoft.alerts.dashboards.panels import Board, Panel, Query, Variable

__all__ = ["FOLDER", "dashboard_files", "dashboard_json"]

FOLDER = "dashboards"
"""Where they are written, below the output folder."""

_SCHEMA = 39
_UNITS = {
    "share": "percentunit",
    "count": "short",
    "seconds": "s",
    "celsius": "celsius",
    "watts": "watt",
    "plain": "none",
}
_COLOURS = {"good": "green", "warning": "orange", "bad": "red"}
_TYPES = {"figure": "stat", "lines": "timeseries", "table": "table"}
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_HEIGHTS = {"figure": 4, "lines": 8, "table": 8}
_COLUMNS = 24

type Json = dict[str, Any]


def dashboard_files() -> dict[str, str]:
    """The text of each shipped board's file by its path, relative to the output folder."""
    return {f"{FOLDER}/{board.name}.json": dashboard_json(board) for board in BOARDS}


def dashboard_json(board: Board) -> str:
    """A board as Grafana imports and provisions it."""
    made = {
        "uid": board.name,
        "title": board.title,
        "tags": ["failsoft"],
        "schemaVersion": _SCHEMA,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [_datasource(), *(_variable(variable) for variable in board.variables)]},
        "links": [
            {"type": "dashboards", "tags": ["failsoft"], "asDropdown": True, "title": "failsoft", "keepTime": True}
        ],
        "panels": list(_panels(board)),
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _datasource() -> Json:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(variable: Variable) -> Json:
    query = f"label_values({variable.metric}, {variable.label})"
    made: Json = {
        "name": variable.name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": variable.name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": variable.several,
        "includeAll": variable.several,
    }
    if variable.several:
        made |= {"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    return made


def _panels(board: Board) -> Iterable[Json]:
    number, top = 0, 0
    for title, panels in board.rows:
        number += 1
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "collapsed": False, "panels": []}
        left, top, tallest = 0, top + 1, 0
        for panel in panels:
            if left + panel.width > _COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            number += 1
            height = _HEIGHTS[panel.kind]
            yield _panel(panel, number, {"x": left, "y": top, "w": panel.width, "h": height})
            left, tallest = left + panel.width, max(tallest, height)
        top += tallest


def _panel(panel: Panel, number: int, place: Json) -> Json:
    defaults: Json = {"unit": _UNITS[panel.unit], "noValue": "no data"}
    if panel.limits:
        steps: list[Json] = [{"color": "text", "value": None}]
        steps += [{"color": _COLOURS[meaning], "value": value} for value, meaning in panel.limits]
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "thresholds"}}
    made: Json = {
        "id": number,
        "type": _TYPES[panel.kind],
        "title": panel.title,
        "description": panel.about,
        "gridPos": place,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [_target(query, chr(ord("A") + index), panel) for index, query in enumerate(panel.queries)],
    }
    return made | _options(panel)


def _target(query: Query, ref: str, panel: Panel) -> Json:
    made: Json = {"refId": ref, "datasource": _SOURCE, "expr": query.expression, "legendFormat": query.legend}
    if panel.kind == "lines":
        return made | {"range": True}
    return made | {"instant": True, "range": False} | ({"format": "table"} if panel.kind == "table" else {})


def _options(panel: Panel) -> Json:
    if panel.kind == "figure":
        colour = "background" if panel.limits else "none"
        return {"options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": colour, "graphMode": "none"}}
    if panel.kind == "lines":
        return {"options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}}
    hidden = {"Time": True, "__name__": True, "instance": True, "job": True}
    return {"transformations": [{"id": "organize", "options": {"excludeByName": hidden}}]}
