"""Gauge mode: what a job that scores rows found out, as metrics that never look healthy when it is not."""

from failsoft.drift.exported.scores import DriftScores

__all__ = ["DriftScores"]
