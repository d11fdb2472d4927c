"""SLO, ServiceClass and AlertWindows: what healthy means, and how fast its loss is told."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError

from failsoft.workspace.kinds.events import OwnEvents
from failsoft.workspace.kinds.families import Choice, LabelName, MetricName
from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Duration, Fixed, Latency, Name, Percent, Rate

__all__ = [
    "AlertWindowsSpec",
    "Availability",
    "Below",
    "DriftBelow",
    "Freshness",
    "GaugeWithin",
    "Goodput",
    "GroupBy",
    "Indicator",
    "KvCache",
    "Preemption",
    "SLOSpec",
    "ServiceClassSpec",
    "Throughput",
    "Tier",
]


class Below(Fixed):
    """The share of events that take no longer than a threshold."""

    below: Latency
    """The threshold; a bucket bound of the engine's histogram."""

    snap: Literal["up", "down"] | None = None
    """Take the next bound where the threshold is none: `up` is looser, `down` is stricter."""


class Availability(Fixed):
    """The share of requests that come to a good end."""

    bad: Annotated[tuple[Choice, ...], Field(min_length=1)] | None = None
    """What counts as bad, such as [5xx, 429, length]; the engine's default when left out."""


class Throughput(Fixed):
    """The share of time in which, while there is work, output tokens come fast enough."""

    above: Rate


class Preemption(Fixed):
    """The share of time in which few requests lose their place in the KV cache."""

    below: Rate


class KvCache(Fixed):
    """The share of time in which the KV cache of every replica has room."""

    below: Percent
    by: Literal["worst", "average"] = "worst"
    """Whether a replica's worst moment decides about a slice of time, or its average."""


class DriftBelow(Fixed):
    """The share of time in which a drift score stays in tolerance."""

    monitor: Name
    """The DriftMonitor."""

    signal: Annotated[str, Field(min_length=1)]
    """One of its signals or counted features; `all` is the worst of all counted features, for the statistic excess."""

    statistic: Literal["psi", "tvd", "ks", "js", "missing", "new", "excess"] = "psi"
    """What is limited. Of counted features also js, the shares missing and new, and excess: how many times its own
    limit the worst of distribution, missing and new rows is. A limit is what chance allows at the budget of false
    pages, or the least that matters, whichever is larger; so excess is held below 1."""

    below: Annotated[Decimal, Field(gt=0, le=100)] | None = None
    """The score above which a slice of time is bad; the critical value by the monitor's budget, when left out."""

    @model_validator(mode="after")
    def _calibrated(self) -> Self:
        if self.below is None and self.statistic != "psi":
            context = {"at": "statistic", "expected": "below beside it, or psi, which alone is calibrated"}
            raise PydanticCustomError("drift", "has no critical value", context)
        return self


class GaugeWithin(OneOf):
    """The share of time in which a gauge of one's own stays within its limit; exactly one limit is given."""

    beside: ClassVar[frozenset[str]] = frozenset({"metric", "select", "by"})

    metric: MetricName
    """The gauge, such as an evaluation's score."""

    select: dict[LabelName, str] = Field(default_factory=dict)
    """Labels of its series; the model's own selector is not used."""

    below: Annotated[Decimal, Field(allow_inf_nan=False)] | None = None
    """A slice of time is bad when any of its series is above this."""

    above: Annotated[Decimal, Field(allow_inf_nan=False)] | None = None
    """A slice of time is bad when any of its series is below this."""

    younger_than: Duration | None = None
    """For a gauge that holds a Unix time: a slice is bad when any of its series is older than this."""

    by: Literal["worst", "average"] = "worst"
    """Whether a series' worst moment decides about a slice of time, or its average."""


class Freshness(Fixed):
    """The share of time in which the data behind a model's answers are young enough: features, indexes, caches."""

    younger_than: Duration
    """A slice of time is bad when any of the data was older than this at some moment of it."""

    data: str = ""
    """One value of the label `data` of `failsoft_data_updated_timestamp_seconds`; all of the model's when left out."""

    metric: MetricName | None = None
    """A gauge of one's own instead, such as a feature store's or a pipeline's."""

    select: dict[LabelName, str] = Field(default_factory=dict)
    """Labels of that gauge's series."""

    holds: Literal["time", "age"] = "time"
    """What that gauge holds: the Unix time of the last update, or the age in seconds."""

    @model_validator(mode="after")
    def _whose(self) -> Self:
        if self.metric is None and (self.select or self.holds != "time"):
            at, expected = ("select" if self.select else "holds"), "a metric of one's own beside it, or only data"
            raise PydanticCustomError("freshness", "describes no metric of one's own", {"at": at, "expected": expected})
        if self.metric is not None and self.data:
            problem = {"at": "data", "expected": "select: {data: ...} beside a metric of one's own"}
            raise PydanticCustomError("freshness", "belongs to failsoft's own metric", problem)
        return self


class Goodput(Fixed):
    """The share of requests that succeed with their first token and every later one in time.

    No engine counts this by itself: it is bounded by what the parts say. `atLeast` counts every request that any part
    calls bad, as if none were bad twice; `atMost` counts the worst part alone.
    """

    ttft: Latency | None = None
    tpot: Latency | None = None
    e2e: Annotated[Latency | None, Field(alias="e2e")] = None
    bad: Annotated[tuple[Choice, ...], Field(min_length=1)] | None = None
    """What counts as a failed request; the engine's default when left out."""

    snap: Literal["up", "down"] | None = None
    """Take the next bound where a threshold is none: `up` is looser, `down` is stricter."""

    bound: Literal["atLeast", "atMost"] = "atLeast"

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.ttft is None and self.tpot is None and self.e2e is None:
            expected = "a threshold for ttft, tpot or e2e"
            raise PydanticCustomError("goodput", "asks for no latency", {"expected": expected})
        return self


class Indicator(OneOf):
    """What is measured."""

    ttft: Below | None = None
    itl: Below | None = None
    tpot: Below | None = None
    e2e: Annotated[Below | None, Field(alias="e2e")] = None
    queue_wait: Below | None = None
    availability: Availability | None = None
    goodput: Goodput | None = None
    throughput: Throughput | None = None
    kv_cache: KvCache | None = None
    preemption: Preemption | None = None
    cold_start: Below | None = None
    events: OwnEvents | None = None
    gauge: GaugeWithin | None = None
    drift: DriftBelow | None = None
    freshness: Freshness | None = None

    @property
    def key(self) -> str:
        """The name of what is set, as written in documents."""
        return type(self).model_fields[self.choice].alias or self.choice


class GroupBy(Fixed):
    """Groups of requests, each with a budget and alerts of its own."""

    label: LabelName
    """The label that tells them apart, such as a tenant, a LoRA adapter or a route."""

    cap: Annotated[int, Field(ge=2, le=100)] = 20
    """How many are counted by themselves, those with the most traffic; all others count together as `(other)`."""

    added: bool = False
    """Whether the scrape configuration adds the label, so that the engine's catalogue does not know it."""

    @model_validator(mode="after")
    def _free(self) -> Self:
        if self.label in {"le", "quantile", "__name__"}:
            raise PydanticCustomError("group", "groups by {label}", {"label": self.label, "expected": "another label"})
        return self


class Sloth(Fixed):
    """What an SLO is called in Sloth; its id there is the two with a hyphen between."""

    service: Annotated[str, Field(min_length=1, max_length=200)]
    slo: Annotated[str, Field(min_length=1, max_length=200)]


class SLOSpec(Fixed):
    """A service level objective."""

    model: Name
    indicator: Indicator
    objective: Percent | None = None
    """The share of events that is to be good; either this or a class."""

    class_: Annotated[Name | None, Field(alias="class")] = None
    """The ServiceClass that says the objective."""

    period: Duration = Duration(30 * 86_400_000)
    """That of its class where that says one and this is left out."""

    prompts: Name | None = None
    """A class of prompt lengths, one of its engine's `promptClasses`; all requests when left out."""

    group_by: GroupBy | None = None
    """A label for each value of which the objective holds by itself."""

    alerting: Name | None = None
    """The AlertWindows; without it, those of its class, else the shipped ones for the period."""

    min_bad_events: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many bad events a long window must hold before an alert fires; 5 for requests, 1 for slices of time."""

    names: Literal["failsoft", "sloth"] | None = None
    """`sloth`: record it under Sloth's names and labels too; as the Workspace's `output.names` when left out."""

    sloth: Sloth | None = None
    """What it is called there; its Model and its own name when left out."""

    failure_mode: Name | None = None
    """What its alerts stand for, by which runbooks are chosen; else the indicator's own."""

    description: str = ""

    @model_validator(mode="after")
    def _promises_once(self) -> Self:
        if (self.objective is None) == (self.class_ is None):
            problem = "promises nothing" if self.objective is None else "promises twice"
            raise PydanticCustomError("promise", problem, {"expected": "an objective or a class"})
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler.resolve_ref_schema(handler(schema))
        made["oneOf"] = [{"required": ["objective"]}, {"required": ["class"]}]
        return made

    @property
    def stands_for(self) -> str:
        """The failure mode of its alerts."""
        return self.failure_mode or FAILURE_MODES[self.indicator.choice]


FAILURE_MODES = {
    "ttft": "latency-degraded",
    "itl": "latency-degraded",
    "tpot": "latency-degraded",
    "e2e": "latency-degraded",
    "queue_wait": "latency-degraded",
    "goodput": "latency-degraded",
    "availability": "requests-failing",
    "throughput": "throughput-degraded",
    "kv_cache": "kv-cache-exhausted",
    "preemption": "kv-cache-exhausted",
    "cold_start": "slow-cold-start",
    "events": "requests-failing",
    "gauge": "gauge-out-of-range",
    "drift": "model-degraded",
    "freshness": "model-degraded",
}
"""What the alerts of each indicator stand for, unless the SLO says otherwise."""


class ServiceClassSpec(Fixed):
    """How much a service matters: what is promised for all SLOs of the class."""

    objective: Percent
    period: Duration | None = None
    """For SLOs that say none; 30d where the class says none either."""

    alerting: Name | None = None
    """The AlertWindows of SLOs that name none."""

    description: str = ""

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        if not 0 < self.objective.value < 100:  # noqa: PLR2004  # percent
            problem = {"at": "objective", "expected": "above 0% and below 100%, such as 99.9%"}
            raise PydanticCustomError("budget", "leaves no error budget, or allows everything to fail", problem)
        return self


class Tier(Fixed):
    """One pair of windows."""

    name: Name
    severity: Literal["page", "ticket"]
    budget: Percent
    """The share of the period's budget that is gone when it fires."""

    short: Duration
    long: Duration

    for_: Annotated[Duration | None, Field(alias="for")] = None
    """How long both windows have to stay above it; not at all when left out. It hides bursts that are shorter."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.short >= self.long:
            raise PydanticCustomError(
                "windows", "has a short window that is not shorter than the long one", {"expected": "short < long"}
            )
        if self.budget.value <= 0:
            raise PydanticCustomError("windows", "spends no budget", {"expected": "a budget above 0%"})
        return self


class AlertWindowsSpec(Fixed):
    """Multi-window burn-rate alerts, fastest tier first."""

    period: Duration | None = None
    """The period for which these windows are the default; None for use by name only."""

    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=8)]

    keep_firing_for: Duration = Duration(300_000)
    """How long an alert goes on after its condition ends, so that flaps are one episode."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [tier.name for tier in self.tiers]
        if len(set(names)) != len(names):
            raise PydanticCustomError(
                "windows", "names two tiers alike", {"expected": "a name of its own for each tier"}
            )
        return self

    def __hash__(self) -> int:
        # what is planned for them is looked up for each SLO; those that differ in more are few
        return hash((self.period, len(self.tiers)))
