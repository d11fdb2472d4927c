"""What a reference knows of one feature: its counts over fixed bins or of its categories, never a row."""

from collections.abc import Mapping
from itertools import pairwise
from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from failsoft.drift.distribution import TOP_CATEGORIES, Categories, Histogram, coarser
from failsoft.drift.packed import PackedFloats, PackedInts, PackedTexts

__all__ = [
    "CategoricalReference",
    "Count",
    "FeatureReference",
    "HistogramReference",
    "NumericReference",
    "Role",
    "Stored",
    "UncomparedReference",
    "Why",
    "by_frequency",
]

type Count = Annotated[int, Field(ge=0, le=2**62)]

type Role = Literal["feature", "prediction", "stratum"]

type Why = Literal["no-value", "no-finite-value", "identifier"]
"""Why a feature is not compared: it had no value, only infinite ones, or too many different ones for categories."""


class Stored(BaseModel):
    """A part of a profile's file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True)


class _Feature(Stored):
    rows: Count
    """Rows that have a value."""

    missing: Count = 0
    """Rows that have none: null or NaN."""

    role: Role = "feature"
    """Whether the model takes it, makes it, or it says of which stratum a row is."""

    importance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """What the model makes of it, in any unit; None where nobody said."""


class HistogramReference(_Feature):
    """Rows counted in bins that somebody else chose, such as the buckets of a Prometheus histogram."""

    kind: Literal["histogram"] = "histogram"
    cuts: Annotated[tuple[float, ...], Field(min_length=1)]
    """The k inner bounds, rising."""

    counts: tuple[Count, ...]
    """k + 1 counts of rows in (cut[i-1], cut[i]], the outer ones open to infinity."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.rows:
            raise ValueError("has no rows")
        _check_cuts(self.cuts)
        _check_counts(self.counts, len(self.cuts) + 1, self.rows)
        return self

    @property
    def distribution(self) -> Histogram:
        """The same as counts to compare with."""
        return Histogram(self.cuts, self.counts)


class NumericReference(_Feature):
    """Rows counted in bins at their own quantiles."""

    kind: Literal["numeric"] = "numeric"
    type: Literal["number", "time", "duration"] = "number"
    """Times are in seconds since the epoch, durations in seconds."""

    iqr: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """The interquartile range of the finite rows."""

    cuts: PackedFloats
    """The bounds of the ten bins, exact to the last bit."""

    grid: PackedFloats
    """The bounds of the finer grid, each within a 64th of the way to the next from the quantile that it stands for."""

    counts: PackedInts
    """Rows between the bounds of both together."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.rows:
            raise ValueError("has no rows")
        for cuts in (self.cuts, self.grid):
            _check_cuts(cuts)
        _check_counts(self.counts, len(self.bounds) + 1, self.rows)
        return self

    @property
    def bounds(self) -> tuple[float, ...]:
        """The bounds of bins and grid together, rising: what rows are counted between."""
        return tuple(sorted({*self.cuts, *self.grid}))

    @property
    def distribution(self) -> Histogram:
        """The rows in the ten bins."""
        return coarser(Histogram(self.bounds, self.counts), self.cuts)

    @property
    def over_grid(self) -> Histogram:
        """The rows in the finer grid."""
        return coarser(Histogram(self.bounds, self.counts), self.grid)


class CategoricalReference(_Feature):
    """Rows counted by category."""

    kind: Literal["categorical"] = "categorical"
    type: Literal["text", "boolean", "number"] = "text"
    categories: Annotated[tuple[str, ...], Field(min_length=1)]
    """The most frequent categories, at most 50, the most frequent first, ties by their text."""

    counts: tuple[Count, ...]
    """Of them."""

    rest: PackedTexts = ()
    """The other categories: they share one bin, and are not new."""

    rest_counts: PackedInts = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.rows:
            raise ValueError("has no rows")
        if len(self.counts) != len(self.categories) or len(self.rest) != len(self.rest_counts):
            raise ValueError("needs a count for each category")
        names = (*self.categories, *self.rest)
        _check_counts((*self.counts, *self.rest_counts), len(names), self.rows)
        if len(set(names)) != len(names):
            raise ValueError("names a category twice")
        return self

    @classmethod
    def of(
        cls,
        counted: Mapping[str, int],
        *,
        missing: int = 0,
        type: Literal["text", "boolean", "number"] = "text",  # noqa: A002  # as the file says it
        role: Role = "feature",
        importance: float | None = None,
    ) -> Self:
        """From counts, of which at least one is not 0."""
        names = by_frequency(counted)
        top, rest = names[:TOP_CATEGORIES], names[TOP_CATEGORIES:]
        return cls(
            rows=sum(counted[name] for name in names),
            missing=missing,
            role=role,
            importance=importance,
            type=type,
            categories=top,
            counts=tuple(counted[name] for name in top),
            rest=rest,
            rest_counts=tuple(counted[name] for name in rest),
        )

    @property
    def distribution(self) -> Categories:
        """The same as counts to compare with."""
        counts = zip((*self.categories, *self.rest), (*self.counts, *self.rest_counts), strict=True)
        return Categories(dict(counts))


class UncomparedReference(_Feature):
    """A feature of which only the missing share is compared."""

    kind: Literal["uncompared"] = "uncompared"
    type: Literal["any", "text", "number", "time", "duration"] = "any"
    why: Why

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.rows) is (self.why == "no-value"):
            raise ValueError("has rows with a value where it says that there are none, or none where there are")
        return self


FeatureReference = Annotated[
    HistogramReference | NumericReference | CategoricalReference | UncomparedReference, Field(discriminator="kind")
]


def by_frequency(counts: Mapping[str, float]) -> tuple[str, ...]:
    """The categories that have rows, the most frequent first, ties by their text."""
    return tuple(sorted((name for name in counts if counts[name] > 0), key=lambda name: (-counts[name], name)))


def _check_cuts(cuts: tuple[float, ...]) -> None:
    if not all(isfinite(cut) for cut in cuts) or any(low >= high for low, high in pairwise(cuts)):
        raise ValueError("needs finite cuts that rise")


def _check_counts(counts: tuple[int, ...], wanted: int, rows: int) -> None:
    if len(counts) != wanted or min(counts, default=0) < 0 or sum(counts) != rows:
        raise ValueError(f"needs {wanted} counts, together the rows")
