"""AlertRule: an alert that is no SLO's, with the reason for its severity and the stories that prove it."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.families import LabelName, MetricName
from failsoft.workspace.quantities import Duration, Fixed, Name

__all__ = ["AlertRuleSpec", "Differs", "Fires", "Needs", "Story"]


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise PydanticCustomError("line", "is no line of text", {"expected": "one printable line that says something"})
    return text.strip()


def _promql(text: str) -> str:
    if not text.strip() or not all(line.isprintable() for line in text.splitlines()):
        raise PydanticCustomError("promql", "is no PromQL", {"expected": "printable text"})
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


Line = Annotated[str, AfterValidator(_one_line)]
"""Text on one line."""

PromQL = Annotated[str, AfterValidator(_promql)]
"""An expression; promtool judges it."""


class Needs(Fixed):
    """What has to be scraped for the alert to see anything."""

    exporter: Name
    """Such as dcgm-exporter or kube-state-metrics."""

    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1)]
    """The metrics of it that the expression reads."""

    note: str = ""
    """What has to be switched on, or what surprises people about them."""


class Differs(Fixed):
    """A failure that looks much the same, and what tells the two apart."""

    from_: Annotated[Line, Field(alias="from")]
    """The other AlertRule, or the other failure in words."""

    by: Line
    """The sign that is different."""


class Fires(Fixed):
    """A moment of a story at which the alert fires."""

    at: Duration
    labels: dict[LabelName, str] = Field(default_factory=dict)
    """Labels of the alert that fires; there is exactly one with them."""

    alerts: Annotated[int, Field(ge=1)] = 1
    """How many fire at that moment in all."""


class Story(Fixed):
    """What happens to the series, and when the alert has to fire or to be quiet."""

    name: Line
    every: Duration = Duration(60_000)
    """How far apart the samples are."""

    series: Annotated[dict[Line, Line], Field(min_length=1)]
    """Series -> values, in the notation of promtool: `0x5 79x10` is six times 0, then eleven times 79."""

    fires: tuple[Fires, ...] = ()
    quiet: tuple[Duration, ...] = ()
    """Moments at which it does not fire."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.fires and not self.quiet:
            raise PydanticCustomError("story", "expects nothing", {"expected": "fires, quiet, or both"})
        return self


class AlertRuleSpec(Fixed):
    """An alert."""

    topic: Name
    """The rule file it stands in, together with the others of that topic."""

    failure_mode: Name
    """What it stands for, by which runbooks are chosen."""

    severity: Literal["page", "ticket"]
    because: Line
    """Why this severity, in one sentence."""

    about: Literal["fleet", "pod", "workload", "engine", "model"] = "fleet"
    """How the Model behind an alert is found, and with it the team.

    `pod`: by the labels namespace and pod, through the workload of the Model. `workload`: by namespace and workload.
    `engine`: by job and model_name, through its selector. `model`: by the label model, as failsoft's series have it.
    `fleet`: not at all; it is the fleet owner's.
    """

    owner: Name | None = None
    """The Team that hears it; `alerts.owner` of the Workspace when left out."""

    expr: PromQL
    every: Duration = Duration(60_000)
    """How often it is evaluated; what is in no hurry costs less with 5m."""

    for_: Annotated[Duration | None, Field(alias="for")] = None
    """How long the expression has to hold."""

    keep_firing_for: Duration | None = None
    """How long the alert goes on after that, so that flaps are one episode."""

    summary: Line
    """One sentence; a template of Prometheus over `$labels` and `$value`."""

    description: Line
    """What it means and what to look at first; a template too."""

    runbook: str = ""
    """The address of a runbook; when left out, the Runbook that answers the failure mode is named."""

    needs: Annotated[tuple[Needs, ...], Field(min_length=1)]
    differs: tuple[Differs, ...] = ()
    tests: Annotated[tuple[Story, ...], Field(min_length=1)]
    enabled: bool = True

    @model_validator(mode="after")
    def _proven(self) -> Self:
        if not any(story.fires for story in self.tests) or not any(story.quiet for story in self.tests):
            problem = {"at": "tests", "expected": "a story in which it fires, and a moment at which it is quiet"}
            raise PydanticCustomError("unproven", "proves too little", problem)
        return self
