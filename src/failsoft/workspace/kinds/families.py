"""Metric families of an engine, and series of them, as engine files write them."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.quantities import Fixed, Name

__all__ = [
    "CODE",
    "AvailabilitySource",
    "Bounds",
    "Buckets",
    "Choice",
    "CodesLabel",
    "Family",
    "Histograms",
    "LabelName",
    "MetricName",
    "RateSource",
    "Renamed",
    "Schema",
    "Selection",
    "matched",
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


def _choice(value: object) -> object:
    # 429 and "429" are the same choice
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _choice_text(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise PydanticCustomError(
            "choice", "names no outcome", {"expected": "a status code such as 429 or 5xx, or a word such as length"}
        )
    return text


MetricName = Annotated[str, AfterValidator(_metric)]
"""A metric's name, as every Prometheus takes it."""

CODE = re.compile(r"[1-5](xx|\d\d)")
"""An HTTP status code, or a class of them."""

LabelName = Annotated[str, AfterValidator(_label)]
"""A label's name, as every Prometheus takes it."""

Choice = Annotated[str, AfterValidator(_choice_text), BeforeValidator(_choice, json_schema_input_type=str | int)]
"""An outcome of a request that an author may call bad: a code, a class of codes such as `5xx`, or a word."""


def _rising(bounds: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    if list(bounds) != sorted(set(bounds)) or not all(bound.is_finite() for bound in bounds):
        raise PydanticCustomError("bounds", "has bounds out of order", {"expected": "finite bounds that rise"})
    return bounds


Bounds = Annotated[tuple[Decimal, ...], Field(min_length=1), AfterValidator(_rising)]
"""Bucket bounds, `+Inf` left out, in the unit of their families."""


type Histograms = Literal["classic", "native", "custom"]
"""As what Prometheus stores histograms: series with `le`; native ones with exponential buckets; native ones with custom
buckets (NHCB), which keep the bounds of classic ones."""

Schema = Annotated[int, Field(ge=-4, le=8)]
"""The resolution of a native histogram: its buckets are powers of 2^(2^-schema)."""


class Buckets(Fixed):
    """Bucket bounds that several families share."""

    bounds: Bounds
    changed_by: str = ""
    """The flag or the setting that replaces them."""


class Family(Fixed):
    """A metric family."""

    type: Literal["counter", "gauge", "histogram"]
    unit: Literal["", "s", "ms", "us", "ratio", "percent", "tokens"] = ""
    labels: tuple[LabelName, ...] | None = None
    """What the engine itself puts on it; None where that is not known."""

    buckets: Name | None = None
    """For a histogram: its entry in `buckets`."""

    enabled_by: str = ""
    """The flag without which it is not there."""

    from_start: bool = False
    """Whether its series are there from the start of the process, before anything has happened."""


class Renamed(Fixed):
    """What became of a family of older versions."""

    now: MetricName | None = None
    """Its name now; None where it is gone."""

    history: str = ""


class Selection(Fixed):
    """Series of a family."""

    family: MetricName
    match: dict[LabelName, str] = Field(default_factory=dict)
    """Label -> value; a value of the form `=~regex`, `!=value`, `!~regex` says how it is matched."""

    example: dict[LabelName, str] = Field(default_factory=dict)
    """Labels of one of them as really exported, where `match` does not say; the generated tests use it."""

    renamed: dict[LabelName, LabelName] = Field(default_factory=dict)
    """Labels of a model's selector that this family has under another name."""

    @property
    def labels(self) -> dict[str, str]:
        """The labels of one of the series."""
        plain = {label: text for label, text in self.match.items() if text[:2] not in {"=~", "!~", "!="}}
        return plain | self.example

    @model_validator(mode="after")
    def _exemplary(self) -> Self:
        if not matched(self.labels, self.match):
            raise PydanticCustomError(
                "example", "has no good example", {"at": "match", "expected": "an example with labels that match takes"}
            )
        return self


class RateSource(Selection):
    """A counter whose rate is judged."""

    busy: MetricName | None = None
    """A gauge that is above 0 while there is work; without work the rate is not judged."""


class CodesLabel(Fixed):
    """A label that holds exact HTTP status codes."""

    family: MetricName
    label: LabelName


class AvailabilitySource(Fixed):
    """How requests are counted, and which outcomes of them can be told apart."""

    total: Annotated[tuple[Selection, ...], Field(min_length=1)]
    """All requests; counters that are added up."""

    bad: dict[Choice, Selection] = Field(default_factory=dict)
    """Outcomes that an author may call bad; where one is of a family of `total`, it is a part of it."""

    codes: CodesLabel | None = None
    """Where any status code, and any class of them, can be called bad."""

    good: Selection | None = None
    """Where only good requests are counted: all others of `total` are bad, and nothing can be chosen."""

    default: tuple[Choice, ...] = ()
    """What is bad where the author does not say."""

    untold: dict[Choice, str] = Field(default_factory=dict)
    """Outcomes that people ask for and that it cannot tell -> as what they count, and what could tell them."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        known = bool(self.bad or self.codes)
        if bool(self.good) == known or bool(self.default) != known:
            raise PydanticCustomError(
                "outcomes", "does not say what is bad", {"expected": "either good, or bad or codes with a default"}
            )
        for choice in self.default:
            if choice not in self.bad and not (self.codes and CODE.fullmatch(choice)):
                raise PydanticCustomError(
                    "outcomes", "has a default that is none of its outcomes", {"expected": ", ".join(self.bad)}
                )
        if told := [choice for choice in self.untold if choice in self.bad]:
            expected = f"{told[0]} in one place, for it is among its outcomes"
            raise PydanticCustomError(
                "outcomes", "says that it cannot tell {choice}", {"choice": told[0], "expected": expected}
            )
        for choice, bad in self.bad.items():
            whole = next((one for one in self.total if one.family == bad.family), None)
            if whole is not None and not matched(whole.labels | bad.labels, whole.match):
                raise _wrong_example(choice, "labels that the matchers of the total take too")
            if whole is self.total[0] and matched(whole.labels, bad.match):
                raise _wrong_example(choice, "matchers that leave out the example of the total, a good request")
        return self

    @property
    def selections(self) -> tuple[Selection, ...]:
        """Everything that can be read."""
        return (*self.total, *self.bad.values(), *([self.good] if self.good else []))

    @property
    def needed(self) -> tuple[Selection, ...]:
        """What is read where the author chooses nothing."""
        bad = [self.bad[choice] for choice in self.default if choice in self.bad]
        return (*self.total, *bad, *([self.good] if self.good else []))


def _wrong_example(choice: str, expected: str) -> PydanticCustomError:
    return PydanticCustomError("example", "has wrong examples for {choice}", {"choice": choice, "expected": expected})


def matched(labels: Mapping[str, str], matchers: Mapping[str, str]) -> bool:
    """Whether a series with these labels is among those that the matchers of an engine's file take."""
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
