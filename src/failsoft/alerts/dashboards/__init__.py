"""Dashboards: what people look at, as values; drawn by Grafana, or on a page of failsoft's own."""

from failsoft.alerts.dashboards.boards import BOARDS
from failsoft.alerts.dashboards.grafana import dashboard_files
from failsoft.alerts.dashboards.panels import Board, Panel, Query, Variable

__all__ = ["BOARDS", "Board", "Panel", "Query", "Variable", "dashboard_files"]
