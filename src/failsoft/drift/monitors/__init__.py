"""Drift monitors: windows of what an engine exports to Prometheus, judged against a learned reference."""

from failsoft.drift.monitors.learn import learn
from failsoft.drift.monitors.queries import counts_query
from failsoft.drift.monitors.score import Score, Verdict, score
from failsoft.drift.monitors.watch import Watch, evaluate, watches

__all__ = ["Score", "Verdict", "Watch", "counts_query", "evaluate", "learn", "score", "watches"]
