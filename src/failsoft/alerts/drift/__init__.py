"""Drift of counted bins as recording rules: every statistic, its critical value, and whether anybody counts at all."""

from failsoft.alerts.drift.compile import MonitorFiles, monitor_files

__all__ = ["MonitorFiles", "monitor_files"]
