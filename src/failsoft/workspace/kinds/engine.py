"""Engine: what a serving engine exports, and how each indicator is read from it."""

import re
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Fixed, Name

__all__ = [
    "CategorySource",
    "EngineSpec",
    "EventRatio",
    "HistogramThreshold",
    "IndicatorSource",
    "LabelName",
    "LengthSource",
    "MetricName",
    "Signal",
    "Source",
]


def _metric(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", text):
        raise PydanticCustomError(
            "metric", "is no metric name", {"expected": "letters, digits, _ and :, no digit first"}
        )
    return text


def _label(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", text):
        raise PydanticCustomError("label", "is no label name", {"expected": "letters, digits and _, no digit first"})
    return text


MetricName = Annotated[str, AfterValidator(_metric)]
"""A metric's name, as every Prometheus takes it."""

LabelName = Annotated[str, AfterValidator(_label)]
"""A label's name, as every Prometheus takes it."""


class HistogramThreshold(Fixed):
    """Events of a histogram; good are those at or below the threshold."""

    family: MetricName
    """The histogram's name, without `_bucket`."""

    bounds: Annotated[tuple[Decimal, ...], Field(min_length=1)]
    """Its bucket bounds, +Inf left out, in `unit`."""

    unit: Literal["s", "ms"] = "s"
    without: tuple[LabelName, ...] = ()
    """Labels of the model's selector that this family does not have."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.bounds) != sorted(set(self.bounds)) or not all(bound.is_finite() for bound in self.bounds):
            raise PydanticCustomError("bounds", "has bounds out of order", {"expected": "finite bounds that rise"})
        return self


class EventRatio(Fixed):
    """Bad events among all events, both counters."""

    total: MetricName
    """The counter's name."""

    bad: MetricName | None = None
    """The counter of bad events; the same counter when left out."""

    total_matchers: dict[LabelName, str] = Field(default_factory=dict)
    """Label -> value; a value of the form `=~regex`, `!=value`, `!~regex` says how it is matched."""

    bad_matchers: dict[LabelName, str] = Field(default_factory=dict)
    """The same for bad events; beside those of the total where both are one counter."""

    example: dict[LabelName, str] = Field(default_factory=dict)
    """Labels of one good event, as really exported; the generated tests count with it."""

    bad_example: dict[LabelName, str] = Field(default_factory=dict)
    """What is different in one bad event."""

    without: tuple[LabelName, ...] = ()
    """Labels of the model's selector that the counters do not have."""

    @property
    def bad_labels(self) -> dict[str, str]:
        """The labels of one bad event in the counter of bad events."""
        return self.example | self.bad_example if self.bad is None else self.bad_example

    @model_validator(mode="after")
    def _exemplary(self) -> Self:
        shared = self.total_matchers | self.bad_matchers if self.bad is None else self.bad_matchers
        if not _matched(self.example, self.total_matchers):
            raise _wrong_example("example", "labels that totalMatchers match")
        if not _matched(self.bad_labels, shared):
            raise _wrong_example("badExample", "labels that the matchers match")
        if self.bad is None and _matched(self.example, self.bad_matchers):
            raise _wrong_example("example", "a good event, which badMatchers leave out")
        return self


def _wrong_example(key: str, expected: str) -> PydanticCustomError:
    return PydanticCustomError("example", "has a wrong {key}", {"key": key, "expected": expected})


def _matched(labels: dict[str, str], matchers: dict[str, str]) -> bool:
    for label, text in matchers.items():
        value = labels.get(label, "")
        operator = text[:2] if text[:2] in {"=~", "!~", "!="} else ""
        if operator in {"=~", "!~"}:
            try:
                hit = re.fullmatch(text[2:], value) is not None
            except re.error as error:
                raise PydanticCustomError(
                    "regex", "has a broken regular expression for {label}", {"label": label, "expected": str(error)}
                ) from error
        else:
            hit = value == text[len(operator) :]
        if hit is (operator in {"!~", "!="}):
            return False
    return True


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
