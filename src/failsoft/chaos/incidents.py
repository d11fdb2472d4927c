"""What the incidents of a model look like to an experiment; whoever keeps them shows them through `IncidentSource`."""

from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["Ask", "Incident", "IncidentSource", "StepSeen"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A person or team that was asked or paged. All times are in seconds since the epoch.

    Attributes:
        team: the Team.
        how: asked in the incident's thread, or paged.
        at: when.
        answer: such as `approved`, `denied` or `expired`; empty while there is none.
        by: who answered.
        answered_at: when; None while nobody did.
    """

    team: str
    how: Literal["asked", "paged"]
    at: float
    answer: str = ""
    by: str = ""
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step of the runbook's run.

    Attributes:
        name: as in the runbook.
        type: such as `inspect`, `approve`, `shiftTraffic`.
        acts: whether it changes the outside world.
        started_at: when it began.
        ended_at: when it ended; None while it goes on.
        outcome: such as `done`, `failed`, `waiting`.
        detail: one line.
    """

    name: str
    type: str
    acts: bool
    started_at: float
    ended_at: float | None
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident.

    Attributes:
        id: its name.
        slo, model, team: what it is about and whose it is.
        opened_at: when.
        closed_at: when it ended; None while it is open.
        runbook: the Runbook that answered; empty when none did.
        steps: what that did, in order.
        asks: who was asked or paged, in order.
    """

    id: str
    slo: str
    model: str
    team: str
    opened_at: float
    closed_at: float | None
    runbook: str = ""
    steps: tuple[StepSeen, ...] = ()
    asks: tuple[Ask, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether its runbook still does something."""
        return any(step.ended_at is None for step in self.steps)


class IncidentSource(Protocol):
    """Where incidents are kept."""

    def incidents(self, model: str, *, since: float) -> tuple[Incident, ...]:
        """Those of a model that were opened since, oldest first. Raises `UnavailableError` when nobody can say."""
