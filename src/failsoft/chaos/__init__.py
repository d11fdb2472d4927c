"""Chaos: breaking things on purpose, within guards, undone whatever happens, judged by the same SLOs.

What others give to it: `IncidentSource`. What they take from it, imported where it is used: `run.run`, `janitor.sweep`,
`ledger.experimenter`, `report.write`.
"""

from failsoft.chaos.incidents import Ask, Incident, IncidentSource, StepSeen

__all__ = ["Ask", "Incident", "IncidentSource", "StepSeen"]
