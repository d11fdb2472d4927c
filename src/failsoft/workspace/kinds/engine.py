"""Engine: what a serving engine exports, and how each indicator is read from it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.families import (
    AvailabilitySource,
    Bounds,
    Buckets,
    Family,
    LabelName,
    MetricName,
    RateSource,
    Renamed,
    Schema,
    Selection,
)
from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Fixed, Name

__all__ = [
    "CategorySource",
    "EngineLockSpec",
    "EngineSpec",
    "IndicatorName",
    "Indicators",
    "LengthSource",
    "PromptClasses",
    "Signal",
    "Source",
]

type IndicatorName = Literal[
    "ttft",
    "itl",
    "tpot",
    "e2e",
    "queueWait",
    "availability",
    "throughput",
    "kvCache",
    "preemption",
    "coldStart",
]


class Source(Fixed):
    """How the facts of this file are known."""

    version: str
    """The version that they were read from."""

    evidence: Literal["scrape", "code", "documentation"]
    """`scrape`: a server that ran, and what it exported is kept; anything else is shown as unverified."""

    detail: str = ""
    """Which package, commit, page or flags."""

    @property
    def verified(self) -> bool:
        """Whether a real server's answer proves it."""
        return self.evidence == "scrape"


class Indicators(Fixed):
    """How each indicator is read; those that are left out are not exported."""

    ttft: Selection | None = None
    """Histogram: from a request's arrival to its first token."""

    itl: Selection | None = None
    """Histogram: the time between two tokens, one event for each token or step."""

    tpot: Selection | None = None
    """Histogram: the mean time for each token after the first, one event for each request."""

    e2e: Annotated[Selection | None, Field(alias="e2e")] = None
    """Histogram: from arrival to the last token."""

    queue_wait: Selection | None = None
    """Histogram: from arrival until work begins."""

    availability: AvailabilitySource | None = None
    throughput: RateSource | None = None
    """Counter: output tokens."""

    kv_cache: Selection | None = None
    """Gauge: the share of the KV cache in use."""

    preemption: RateSource | None = None
    """Counter: requests that lost their place in the KV cache."""

    cold_start: Selection | None = None
    """Histogram or gauge: from start to ready."""

    def named(self) -> Mapping[str, Selection | AvailabilitySource]:
        """Those that are there, by their names in documents."""
        found = {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}
        return {name: source for name, source in found.items() if source is not None}


_TYPES = {
    "throughput": ("counter",),
    "preemption": ("counter",),
    "kvCache": ("gauge",),
    "coldStart": ("histogram", "gauge"),
    "availability": ("counter", "histogram"),
}


class LengthSource(Fixed):
    """A distribution read from a histogram's buckets."""

    family: MetricName
    bounds: tuple[Decimal, ...] = ()
    """Its usual bounds; left out where a server's flags decide."""

    match: dict[LabelName, str] = Field(default_factory=dict)
    """Labels that pick its series among those of its family."""

    without: tuple[str, ...] = ()


class CategorySource(Fixed):
    """Shares read from a counter by a label."""

    counter: MetricName
    by: LabelName
    values: tuple[str, ...] = ()
    """Its usual values; left out where nobody knows them."""

    match: dict[LabelName, str] = Field(default_factory=dict)
    """Labels that pick its series among those of its family."""

    without: tuple[str, ...] = ()


class Signal(OneOf):
    """Something whose distribution can drift."""

    beside: ClassVar[frozenset[str]] = frozenset({"role"})

    role: Literal["input", "output"] = "output"
    """What people send, or what the model makes of it: a change of prompts is no change of the model."""

    histogram: LengthSource | None = None
    categories: CategorySource | None = None


class PromptClasses(Fixed):
    """A label by which latencies are told apart by the length of the prompt."""

    label: LabelName
    values: Annotated[dict[Name, str], Field(min_length=1)]
    """The name of a class, such as `long`, -> the label's value."""


class EngineSpec(Fixed):
    """A serving engine, a router or a gateway."""

    source: Source
    endpoint: str = ""
    """Where its metrics are, and what turns them on."""

    identity: dict[Name, LabelName] = Field(default_factory=dict)
    """What tells its series apart: `model`, `replica`, ... -> the label."""

    many_models: bool = False
    """Whether one of it serves several models, so that a selector must never lose its model label."""

    prompt_classes: PromptClasses | None = None
    """Where it exports the length of the prompt with its latencies."""

    buckets: dict[Name, Buckets] = Field(default_factory=dict)
    families: dict[MetricName, Family]
    indicators: Indicators = Indicators()
    missing: dict[IndicatorName, str] = Field(default_factory=dict)
    """Indicators that it does not export -> what can measure them instead."""

    renames: dict[MetricName, Renamed] = Field(default_factory=dict)
    """Families of older versions."""

    signals: dict[Name, Signal] = Field(default_factory=dict)
    traps: tuple[str, ...] = ()
    """What surprises people who read its metrics."""

    def bounds(self, family: str) -> tuple[Decimal, ...]:
        """The bucket bounds of one of its histograms."""
        name = self.families[family].buckets
        return self.buckets[name].bounds if name else ()

    def foreign(self, family: str) -> frozenset[str]:
        """Labels that the engine puts on some of its families, but not on this one."""
        labels = self.families[family].labels
        return frozenset() if labels is None else self._labels - frozenset(labels)

    @property
    def mark(self) -> str:
        """What stands behind the engine's name wherever it is shown: whether no server proved what is known of it."""
        return " (unverified)" if self.families and not self.source.verified else ""

    @property
    def _labels(self) -> frozenset[str]:
        return frozenset(label for family in self.families.values() for label in family.labels or ())

    @model_validator(mode="after")
    def _joined(self) -> Self:
        for name, family in self.families.items():
            if (family.buckets is None) == (family.type == "histogram") or family.buckets not in {None, *self.buckets}:
                raise _wrong("a histogram with an entry of buckets, and no other family with one", "families", name)
        for name, source in self.indicators.named().items():
            for selection in source.selections if isinstance(source, AvailabilitySource) else (source,):
                self._fits(name, selection)
            codes = source.codes if isinstance(source, AvailabilitySource) else None
            if codes and codes.family not in {one.family for one in source.total}:  # type: ignore[union-attr]
                raise _wrong("codes of a family of total", "indicators", name)
        if both := [name for name in self.missing if name in self.indicators.named()]:
            raise _wrong("nothing here, for it is among the indicators", "missing", both[0])
        return self

    def _fits(self, name: str, selection: Selection) -> None:
        busy = selection.busy if isinstance(selection, RateSource) else None
        wanted = [(selection.family, _TYPES.get(name, ("histogram",))), *([(busy, ("gauge",))] if busy else [])]
        for family, types in wanted:
            if family not in self.families or self.families[family].type not in types:
                raise _wrong(f"{family} among families, as a {' or a '.join(types)}", "indicators", name)


class EngineLockSpec(Fixed):
    """The bucket bounds of servers that run, as `failsoft catalog lock` found them."""

    engine: Name
    models: tuple[Name, ...] = ()
    """The Models whose servers these are; all of the engine when left out."""

    source: str = ""
    """Where they were read."""

    bounds: dict[MetricName, Bounds] = Field(default_factory=dict)
    """Histogram -> its bounds, in the family's unit."""

    custom: tuple[MetricName, ...] = ()
    """Histograms that Prometheus stores as native ones with custom buckets (NHCB); they keep their bounds."""

    native: dict[MetricName, Schema] = Field(default_factory=dict)
    """Histograms that Prometheus stores as native ones -> their schema: a bucket is 2^(2^-schema) wide."""

    def knows(self, family: str) -> bool:
        """Whether it says anything about a histogram."""
        return family in self.bounds or family in self.custom or family in self.native

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.bounds or self.custom or self.native):
            raise PydanticCustomError("lock", "holds nothing", {"expected": "bounds, custom or native"})
        return self


def _wrong(expected: str, *at: str) -> PydanticCustomError:
    context = {"what": ".".join(at), "at": at[0], "expected": expected}
    return PydanticCustomError("engine", "does not fit together at {what}", context)
