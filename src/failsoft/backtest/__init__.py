"""Backtests: an SLO's alerts, replayed over what a Prometheus holds of the past, and what one could promise by it."""

from failsoft.backtest.judge import judge, span_of
from failsoft.backtest.questions import candidates, counted, evidence, joined, thresholds_of
from failsoft.backtest.result import Replayed
from failsoft.backtest.track import Filled, Span

__all__ = [
    "Filled",
    "Replayed",
    "Span",
    "candidates",
    "counted",
    "evidence",
    "joined",
    "judge",
    "span_of",
    "thresholds_of",
]
