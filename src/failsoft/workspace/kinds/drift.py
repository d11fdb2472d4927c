"""DriftMonitor: which distributions of a model are compared with how they were."""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.families import LabelName, MetricName
from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Duration, Fixed, Name

__all__ = ["Counted", "DriftMonitorSpec", "Revision", "RevisionSeries", "Scored"]


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)  # to leave a list out is not to write an empty one


_SOME = Field(min_length=1, json_schema_extra=_without_default)


class Counted(Fixed):
    """Features that the serving process counts, in the bins of the reference."""

    features: Annotated[tuple[str, ...], _SOME] = ()
    """Which of the reference's; all of them, when left out."""


class RevisionSeries(Fixed):
    """A label that names the model's revision, on series that are there while it is served."""

    metric: MetricName
    """Such as `kube_pod_container_info` of kube-state-metrics."""

    select: dict[LabelName, str] = Field(default_factory=dict)
    """Labels that pick the model's series."""

    label: LabelName
    """The label, such as `image_id`."""


class Revision(OneOf):
    """Which revision of the model is served."""

    value: Annotated[str | None, Field(min_length=1)] = None
    """Its name, where the document is edited at every rollout."""

    series: RevisionSeries | None = None
    """Where Prometheus knows it."""


class Scored(Fixed):
    """Columns that a job scores with `failsoft drift score`, and exports under the monitor's name."""

    features: Annotated[tuple[str, ...], _SOME] = ()
    """Those that SLOs may name; any, when left out."""


class DriftMonitorSpec(Fixed):
    """A comparison of what a model does now with a stored reference."""

    model: Name
    reference: str
    """The reference profile, a JSON file, relative to the workspace; or a folder of them, one for each revision of the
    model, where `revision` says which is served, or where bins are counted."""

    revision: Revision | None = None
    """Which revision of the model is served; a reference of another one is never compared with it."""

    signals: Annotated[tuple[Name, ...], _SOME] = ()
    """Signals of the engine's catalogue, such as output-length; one of this, `counted` and `scored`."""

    counted: Counted | None = None
    """Features that `failsoft.drift.DriftCounter` counts in the serving process."""

    scored: Scored | None = None
    """Columns that a job scores: `failsoft drift score --monitor NAME --textfile FILE` or `--pushgateway URL`. Then
    `every` is how often it runs, and its own options say the rest."""

    window: Duration = Duration(3_600_000)
    """How much of the past a score judges."""

    every: Duration = Duration(60_000)
    """How often it is evaluated."""

    min_rows: Annotated[int, Field(ge=1)] = 200
    """Fewer rows than this are too few to judge; that is said, and is never "no drift"."""

    max_age: Duration | None = None
    """How far back a window may reach until it holds `minRows`; no further than `window` when left out."""

    stale_after: Duration | None = None
    """When a silent evaluation alerts; three evaluations when left out."""

    false_pages_per_30d: Annotated[Decimal | None, Field(gt=0, le=1000, alias="falsePagesPer30d")] = None
    """False pages that are bearable in 30 days, over all signals; `failsoft drift learn` finds the critical values."""

    false_tickets_per_30d: Annotated[Decimal | None, Field(gt=0, le=1000, alias="falseTicketsPer30d")] = None
    """The same for tickets, those that a false page leaves behind among them; four times the pages when left out."""

    floor: Annotated[Decimal, Field(ge=0, le=10)] = Decimal("0.02")
    """PSI below which a window is never bad, however surely it differs by more than chance."""

    @property
    def tickets(self) -> Decimal:
        """False tickets that are bearable in 30 days; where there is a budget."""
        return self.false_tickets_per_30d or 4 * (self.false_pages_per_30d or Decimal(1))

    @property
    def counted_features(self) -> tuple[str, ...]:
        """The features that are counted; empty where all of the reference are, or where none is."""
        return self.counted.features if self.counted is not None else ()

    @property
    def named(self) -> tuple[str, ...]:
        """What SLOs may name; empty where only the reference or the job knows."""
        return self.signals or self.counted_features or (self.scored.features if self.scored is not None else ())

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = bool(self.signals) + (self.counted is not None) + (self.scored is not None)
        if ways != 1:
            problem = "says twice what is compared" if ways else "does not say what is compared"
            raise PydanticCustomError("one-way", problem, {"expected": "one of signals, counted and scored"})
        if self.revision is not None and not self.signals:
            context = {"at": "revision", "expected": "no revision: counters and jobs name the reference that they use"}
            raise PydanticCustomError("revision", "is for signals of the engine", context)
        return self

    @model_validator(mode="after")
    def _patient(self) -> Self:
        if self.stale_after is not None and self.stale_after < self.every:
            context = {"at": "staleAfter", "expected": f"{self.every} or more, the time between two evaluations"}
            raise PydanticCustomError("stale", "takes every evaluation for stale", context)
        if self.max_age is not None and self.max_age < self.window:
            context = {"at": "maxAge", "expected": f"{self.window} or more, the window that it lets grow"}
            raise PydanticCustomError("age", "has a maxAge that is shorter than the window", context)
        return self

    @model_validator(mode="after")
    def _budgeted(self) -> Self:
        pages, tickets = self.false_pages_per_30d, self.false_tickets_per_30d
        if tickets is None or (pages is not None and tickets > pages):
            return self
        expected = "falsePagesPer30d beside it" if pages is None else f"more than the {pages} false pages"
        context = {"at": "falseTicketsPer30d", "expected": f"{expected}: a false page often leaves a ticket behind"}
        raise PydanticCustomError("budget", "has no room for tickets beside the false pages", context)
