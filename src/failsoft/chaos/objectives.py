"""The SLOs by which an experiment on a model is judged, and what Prometheus is asked about each."""

from dataclasses import dataclass

from failsoft.slo.queries import budget_remaining, budget_spent, error_ratio, objective_of
from failsoft.workspace import Workspace
from failsoft.workspace.quantities import Duration

__all__ = ["Objective", "objectives"]


@dataclass(frozen=True, slots=True)
class Objective:
    """An SLO of the model.

    Attributes:
        slo: its name.
        allowed: the error ratio that just meets it, from 0 to 1.
        ratio: PromQL: the error ratio over the abort window; no sample where nothing is known.
        remaining: PromQL: the share of the period's budget that is left.
    """

    slo: str
    allowed: float
    ratio: str
    remaining: str

    def spent(self, workspace: Workspace, seconds: float) -> str:
        """PromQL: the share of the period's whole budget that the bad events of the last seconds are."""
        return budget_spent(workspace, self.slo, Duration(max(1, round(seconds * 1000))))


def objectives(workspace: Workspace, model: str, window: Duration) -> tuple[Objective, ...]:
    """The SLOs of a model that count requests, by name.

    Drift SLOs are left out: they judge slices of time far longer than an experiment's window.
    Raises `RefusedError` when one of them cannot be compiled.
    """
    return tuple(
        Objective(
            slo=name,
            allowed=float(objective_of(workspace, name).budget),
            ratio=error_ratio(workspace, name, window),
            remaining=budget_remaining(workspace, name),
        )
        for name, document in workspace.slos.items()
        if document.spec.model == model and document.spec.indicator.drift is None
    )
