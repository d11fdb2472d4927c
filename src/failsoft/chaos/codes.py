"""What can stand in the way of an experiment."""

from failsoft.findings import Code, Severity

__all__ = [
    "ANOTHER_RUN",
    "BUDGET_LOW",
    "CODES",
    "HALTED",
    "NOT_ALLOWED",
    "NOT_OPTED_IN",
    "NOT_READY",
    "NOT_STEADY",
    "NO_DATA",
    "NO_DISRUPTION_BUDGET",
    "NO_SLO",
    "NO_TARGET",
    "PAGE_FIRING",
    "TOO_MANY_NODES",
    "TOO_MANY_PODS",
    "UNRESTORED",
    "WOULD_BE_REFUSED",
]

NOT_OPTED_IN = Code("FS701", "not-opted-in", "The workload's namespace is not open to experiments.")
NO_TARGET = Code("FS702", "no-target", "There are not enough spot or opted-in nodes that run the model.")
TOO_MANY_NODES = Code("FS703", "too-many-nodes", "The experiment would take more nodes than its guards allow.")
TOO_MANY_PODS = Code("FS704", "too-many-pods", "The experiment would take more pods than its guards allow.")
BUDGET_LOW = Code("FS705", "budget-low", "An SLO of the model has too little error budget left.")
NOT_STEADY = Code("FS706", "not-steady", "An SLO of the model is not met now.")
NO_DATA = Code("FS707", "no-data", "A value that a guard needs is not there; nobody may break what nobody sees.")
PAGE_FIRING = Code("FS708", "page-firing", "The model pages somebody already.")
ANOTHER_RUN = Code("FS709", "another-run", "Another experiment runs.")
UNRESTORED = Code("FS710", "unrestored", "An earlier experiment was not undone.")
HALTED = Code("FS711", "halted", "The kill switch is on.")
NOT_ALLOWED = Code("FS712", "not-allowed", "Our account may not do what the experiment, or its undo, needs.")
NOT_READY = Code("FS713", "not-ready", "Not all replicas of the model are ready.")
NO_SLO = Code("FS714", "no-slo", "The model has no SLO by which the experiment could be judged.")
NO_DISRUPTION_BUDGET = Code(
    "FS715", "no-disruption-budget", "No PodDisruptionBudget covers the model's pods.", Severity.WARNING
)
WOULD_BE_REFUSED = Code("FS716", "would-be-refused", "An eviction of the plan would be refused now.", Severity.WARNING)

CODES = (
    NOT_OPTED_IN,
    NO_TARGET,
    TOO_MANY_NODES,
    TOO_MANY_PODS,
    BUDGET_LOW,
    NOT_STEADY,
    NO_DATA,
    PAGE_FIRING,
    ANOTHER_RUN,
    UNRESTORED,
    HALTED,
    NOT_ALLOWED,
    NOT_READY,
    NO_SLO,
    NO_DISRUPTION_BUDGET,
    WOULD_BE_REFUSED,
)
"""All codes of this room."""
