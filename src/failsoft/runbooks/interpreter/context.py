"""What a step may see: the documents, the run, the alert, and the outside world behind its ports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from failsoft.clients.kubernetes import Cluster
from failsoft.clients.prometheus import Prometheus
from failsoft.errors import PermanentError
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.runs import Run
from failsoft.runbooks.subjects import name_of, what
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import ModelSpec, TeamSpec

__all__ = ["StepContext", "World", "nobody"]


def nobody(_model: str) -> str | None:
    """No experiment is under way."""
    return None


@dataclass(frozen=True, slots=True)
class World:
    """The outside world, and the workspace that describes it.

    Attributes:
        experimenter: who runs an experiment on the model of that name by hand, None where nobody does; it may block
            and raises `TemporaryError` when it cannot tell.
    """

    workspace: Workspace
    cluster: Cluster
    prometheus: Prometheus
    experimenter: Callable[[str], str | None] = nobody


@dataclass(frozen=True, slots=True)
class StepContext:
    """What one step may see.

    Attributes:
        about: the name of the SLO; the failure mode, where the incident is no SLO's.
        model: None where the alert names none.
        alert: the labels of the newest alert that fires; text from outside, to be shown and never evaluated.
        fallback: the model's declared fallback, None where it has none.
    """

    world: World
    run: Run
    incident: Incident
    about: str
    model: Document[ModelSpec] | None
    fallback: Document[ModelSpec] | None
    team: Document[TeamSpec]
    alert: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World, run: Run, incident: Incident, alert: Mapping[str, str]) -> "StepContext":
        """The context of a run. Raises `PermanentError` when the workspace no longer has its SLO, model or team."""
        workspace = world.workspace
        of_slo = what(run.slo) == "SLO"
        for kind, name, known in (
            *((("SLO", run.slo, workspace.slos),) if of_slo else ()),
            *((("Model", run.model, workspace.models),) if of_slo or run.model else ()),
            ("Team", run.team, workspace.teams),
        ):
            if name not in known:
                raise PermanentError(f"the workspace has no {kind} {name} any more")
        model = workspace.models.get(run.model)
        fallback = workspace.models.get((model.spec.fallback if model else None) or "")
        team = workspace.teams[run.team]
        return cls(world, run, incident, name_of(run.slo), model, fallback, team, alert)

    @property
    def of_model(self) -> Document[ModelSpec]:
        """The model, for what cannot be done without. Raises `PermanentError` where the alert names none."""
        if self.model is None:
            raise PermanentError("the alert names no model")
        return self.model
