"""What an SLO promises: by itself, or as its service class says."""

from typing import NamedTuple

from failsoft.findings import Place
from failsoft.workspace.kinds import ServiceClassSpec, SLOSpec
from failsoft.workspace.model import Document, Workspace
from failsoft.workspace.quantities import Duration, Percent

__all__ = ["Promised", "promised"]


class Promised(NamedTuple):
    """What an SLO promises.

    Attributes:
        objective, period: the share of good events, and over what time.
        alerting: the AlertWindows that are named; None where those for the period are meant.
        slo: the document, which may leave all of this to its class.
    """

    objective: Percent
    period: Duration
    alerting: str | None
    slo: Document[SLOSpec]

    def at(self, key: str) -> Place:
        """The place in the SLO from which a value comes: its own, or the name of its class."""
        of_class = self.slo.spec.class_ is not None and key not in self.slo.spec.model_fields_set
        return self.slo.at("spec", "class" if of_class else key)


def promised(workspace: Workspace, slo: Document[SLOSpec]) -> Promised | None:
    """What an SLO promises; None where its class is not there. What it says itself comes before what its class says."""
    spec, of = slo.spec, _class_of(workspace, slo.spec)
    objective = spec.objective if of is None else of.objective
    if objective is None:
        return None
    period, alerting = spec.period, spec.alerting
    if of is not None:
        period = of.period if of.period is not None and "period" not in spec.model_fields_set else period
        alerting = alerting or of.alerting
    return Promised(objective, period, alerting, slo)


def _class_of(workspace: Workspace, spec: SLOSpec) -> ServiceClassSpec | None:
    document = workspace.classes.get(spec.class_) if spec.class_ is not None else None
    return document.spec if document is not None else None
