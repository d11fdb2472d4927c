"""SLOs: what is measured, which windows watch it, what is recorded, and how others ask about it."""

from failsoft.slo.queries import (
    bad_events,
    budget_remaining,
    budget_spent,
    error_ratio,
    objective_of,
    recorded_error_ratio,
    total_events,
)
from failsoft.slo.resolve import Objective, resolve

__all__ = [
    "Objective",
    "bad_events",
    "budget_remaining",
    "budget_spent",
    "error_ratio",
    "objective_of",
    "recorded_error_ratio",
    "resolve",
    "total_events",
]
