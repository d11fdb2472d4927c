"""What is shown in Slack, as plain frozen values: no database, no Slack, nothing escaped yet."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

__all__ = [
    "ApprovalView",
    "DecisionView",
    "IncidentState",
    "IncidentView",
    "LinkView",
    "Mode",
    "Outcome",
    "PlanView",
    "Rendered",
    "RunView",
    "StepState",
    "StepView",
    "TimelineEntry",
]

Mode = Literal["observe", "suggest", "approve", "auto"]


class IncidentState(StrEnum):
    """Where an incident stands, for its first message."""

    FIRING = "firing"
    WAITING = "waiting"
    ACTING = "acting"
    VERIFYING = "verifying"
    RECOVERED = "recovered"
    PAGED = "paged"
    RESOLVED = "resolved"


class StepState(StrEnum):
    """Where one step of a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    IN_DOUBT = "in doubt"
    UNDONE = "undone"


class Outcome(StrEnum):
    """How an approval ended."""

    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready for Slack: `text` for notifications, `blocks` for the eye."""

    text: str
    blocks: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link with what it leads to."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened; `at` is aware."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a run would do: `text` in lines as they will be carried out, and the hash that an approval is bound to."""

    runbook: str
    text: str
    hash: str


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A question that waits for an answer.

    Attributes:
        token: the opaque id that the buttons carry; it says nothing and grants nothing by itself.
        approvers: Slack ids of people (U...) and user groups (S...), who are mentioned, or names, which are shown.
        otherwise: what happens when nobody answers, such as "the team assistants is paged".
        command: the command that answers without Slack, such as "failsoft approve 7".
    """

    token: str
    plan: PlanView
    expires_at: datetime
    approvers: tuple[str, ...]
    otherwise: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class DecisionView:
    """How a question ended. `by` is a Slack id or a name, empty where nobody decided; `note` says why."""

    outcome: Outcome
    at: datetime
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident as its first message shows it.

    Attributes:
        slo: what it is about, an SLO or a failure mode, as `what` says.
        model: empty where its alerts name none.
        title: what is wrong, for a person: "Users wait too long for the first token".
        sentence: the same with its numbers, and what it means for the error budget.
        severity: "page" or "ticket".
        timeline: oldest first.
        approval: the question that waits now, if any.
        command: the command that shows everything, such as "failsoft incidents show 7".
    """

    title: str
    slo: str
    model: str
    team: str
    severity: str
    state: IncidentState
    sentence: str
    mode: Mode
    opened_at: datetime
    links: tuple[LinkView, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    approval: ApprovalView | None = None
    command: str = ""
    what: str = "SLO"


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a run; `seconds` is how long it took, None while unknown."""

    name: str
    state: StepState
    detail: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run of a runbook, step by step."""

    runbook: str
    mode: Mode
    steps: tuple[StepView, ...]
