"""Counter mode: bins of features counted in the process that serves the model, for Prometheus to compare."""

from failsoft.drift.counting.counter import DriftCounter

__all__ = ["DriftCounter"]
