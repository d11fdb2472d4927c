"""Runbook: what is done when an alert fires, step by step."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Duration, Fixed, Name, Percent
from failsoft.workspace.texts import Template, TemplateQuery

__all__ = [
    "Answers",
    "Approve",
    "Inspect",
    "Notify",
    "Page",
    "Query",
    "RunbookSpec",
    "Scale",
    "ShiftTraffic",
    "Step",
    "Verify",
]

OnInterrupted = Literal["rerun", "verify", "ask"]


class Query(Fixed):
    """Ask Prometheus and put the answer into the thread."""

    promql: TemplateQuery
    """`{slo}`, `{model}` and `{selector}` are filled in from the alert's declared SLO."""

    title: str = ""


class Inspect(Fixed):
    """Read the model's pods, nodes and events."""

    pods: bool = True
    nodes: bool = True
    events: Duration | None = None
    """Events of that much of the past."""


class Approve(Fixed):
    """Show the plan of the actions that follow, and wait for a person."""

    from_: Annotated[Literal["oncall", "people"], Field(alias="from")] = "oncall"
    """Who of the owner team may answer."""

    within: Duration = Duration(600_000)
    otherwise: Literal["page", "stop"] = "page"
    """What happens when nobody answers in time."""


class Scale(Fixed):
    """Set the replicas of the model's workload, or of its fallback."""

    model: Literal["this", "fallback"] = "this"
    replicas: Annotated[int, Field(ge=1, le=1000)]
    on_interrupted: OnInterrupted = "verify"


class ShiftTraffic(Fixed):
    """Move the model's traffic to its declared fallback."""

    to: Literal["fallback"] = "fallback"
    percent: Percent = Percent.parse("100%")
    """What the fallback has afterwards of the traffic of both; where it has as much already, nothing is changed."""

    on_interrupted: OnInterrupted = "verify"


class Verify(Fixed):
    """Wait until the SLO's own error ratio over a window is in budget; no data is a failure."""

    slo: Name = "this"
    """The SLO, or `this` for the alert's own."""

    for_: Annotated[Duration, Field(alias="for")] = Duration(120_000)
    """The window over which the error ratio is taken."""

    within: Duration = Duration(600_000)
    """How long to wait for it."""

    otherwise: tuple[Literal["undo", "page"], ...] = ("page",)
    """What happens when it fails."""


class Notify(Fixed):
    """Say something in the incident's thread."""

    text: Template
    """A sandboxed Jinja template over `slo`, `model`, `team`, `alert`."""


class Page(Fixed):
    """Page the owner."""

    summary: str = ""


class Step(OneOf):
    """One step."""

    beside: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Name | None = None
    query: Query | None = None
    inspect: Inspect | None = None
    approve: Approve | None = None
    scale: Scale | None = None
    shift_traffic: ShiftTraffic | None = None
    verify: Verify | None = None
    notify: Notify | None = None
    page: Page | None = None


class Answers(Fixed):
    """Which alerts the runbook answers; an alert matches when every key given here matches."""

    failure_modes: tuple[Name, ...] = ()
    slos: tuple[Name, ...] = ()
    models: tuple[Name, ...] = ()


class RunbookSpec(Fixed):
    """A runbook."""

    answers: Answers
    mode: Literal["observe", "suggest", "approve", "auto"] = "suggest"
    """How far it goes by itself."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=50)]
    description: str = ""
