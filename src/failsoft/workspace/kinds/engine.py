"""Engine: what a serving engine exports, and how each indicator is read from it."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Fixed, Name

__all__ = ["CategorySource", "EngineSpec", "EventRatio", "HistogramThreshold", "LengthSource", "Signal", "Source"]


class HistogramThreshold(Fixed):
    """Events of a histogram; good are those at or below the threshold."""

    family: str
    """The histogram's name, without `_bucket`."""

    bounds: Annotated[tuple[Decimal, ...], Field(min_length=1)]
    """Its bucket bounds, +Inf left out, in `unit`."""

    unit: Literal["s", "ms"] = "s"
    without: tuple[str, ...] = ()
    """Labels of the model's selector that this family does not have."""


class EventRatio(Fixed):
    """Bad events among all events, both counters."""

    total: str
    """The counter's name."""

    bad: str = ""
    """The counter of bad events; the same counter when empty."""

    total_matchers: dict[str, str] = Field(default_factory=dict)
    """Label -> value; a value of the form `=~regex`, `!=value`, `!~regex` says how it is matched."""

    bad_matchers: dict[str, str] = Field(default_factory=dict)
    without: tuple[str, ...] = ()


class IndicatorSource(OneOf):
    """How an indicator is measured."""

    threshold: HistogramThreshold | None = None
    ratio: EventRatio | None = None


class LengthSource(Fixed):
    """A distribution read from a histogram's buckets."""

    family: str
    bounds: tuple[Decimal, ...]
    without: tuple[str, ...] = ()


class CategorySource(Fixed):
    """Shares read from a counter by a label."""

    counter: str
    by: str
    values: tuple[str, ...]
    without: tuple[str, ...] = ()


class Signal(OneOf):
    """Something whose distribution can drift."""

    histogram: LengthSource | None = None
    categories: CategorySource | None = None


class Source(Fixed):
    """How the facts of this file are known."""

    version: str
    evidence: str


class EngineSpec(Fixed):
    """A serving engine."""

    source: Source
    model_label: str = ""
    """The label that names the model; empty where there is none."""

    indicators: dict[Name, IndicatorSource]
    signals: dict[Name, Signal] = Field(default_factory=dict)
    traps: tuple[str, ...] = ()
    """What surprises people who read its metrics."""
