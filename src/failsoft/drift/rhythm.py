"""References that know the hour of the week: a window is compared with the mixture that its own hours ask for."""

from collections.abc import Sequence
from typing import Final, Literal, Self

from pydantic import model_validator

from failsoft.drift.features import (
    CategoricalReference,
    FeatureReference,
    HistogramReference,
    NumericReference,
    Stored,
)
from failsoft.drift.packed import PackedInts

__all__ = ["FIRST_HOUR", "HOURS", "LEAST_ROWS", "Rhythm", "groups_of", "hour_of", "mixed"]

HOURS: Final = 168
"""Of a week; Monday, 0 to 1 o'clock UTC, is the first."""

LEAST_ROWS: Final = 500
"""An hour with fewer rows shares its cell: with the same hour of all working days or weekends, then of a quarter of the
day, then of all."""

_DAY, _FRIDAY, _QUARTER = 24, 4, 6
FIRST_HOUR: Final = 3 * 24
"""The hour of the week in which 1970 began, a Thursday."""


def hour_of(seconds: float) -> int:
    """The hour of the week of a moment, in seconds since the epoch.

    >>> hour_of(0.0), hour_of(4 * 86_400.0)
    (72, 0)
    """
    return int((seconds // 3600 + FIRST_HOUR) % HOURS)


def groups_of(rows: Sequence[int]) -> tuple[frozenset[int], ...]:
    """For each hour of the week the hours whose rows are its reference: itself, where there are enough.

    Args:
        rows: of each hour, shape (168,).

    >>> groups_of([600] * 168)[5] == {5}
    True
    >>> sorted(groups_of([600] * 5 + [100] * 163)[5])
    [5, 29, 53, 77, 101]
    """
    return tuple(_group(hour, rows) for hour in range(HOURS))


def _group(hour: int, rows: Sequence[int]) -> frozenset[int]:
    weekend, clock = hour // _DAY > _FRIDAY, hour % _DAY
    alike = [other for other in range(HOURS) if (other // _DAY > _FRIDAY) is weekend]
    wider = (
        [hour],
        [other for other in alike if other % _DAY == clock],
        [other for other in alike if other % _DAY // _QUARTER == clock // _QUARTER],
    )
    return next(
        (frozenset(some) for some in wider if sum(rows[one] for one in some) >= LEAST_ROWS), frozenset(range(HOURS))
    )


class Rhythm(Stored):
    """The rows of each cell of the week, bin by bin."""

    kind: Literal["hour-of-week"] = "hour-of-week"
    time: str
    """The column of moments."""

    cells: PackedInts
    """The cell of each hour of the week."""

    rows: PackedInts
    """Of each cell; cells of pooled hours may have rows in common."""

    counts: dict[str, PackedInts]
    """By feature, cell after cell: its rows in each bin, and last those without a value."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.cells) != HOURS or not self.rows or sorted(set(self.cells)) != list(range(len(self.rows))):
            raise ValueError("needs a cell for each hour of the week, and the rows of each cell")
        for name, counts in self.counts.items():
            width, left = divmod(len(counts), len(self.rows))
            parts = [counts[at * width : (at + 1) * width] for at in range(len(self.rows))]
            if left or min(counts, default=0) < 0 or [sum(part) for part in parts] != list(self.rows):
                raise ValueError(f"needs the rows of each cell in the bins of {name!r}")
        return self


def mixed(name: str, feature: FeatureReference, rhythm: Rhythm, hours: Sequence[int]) -> FeatureReference:
    """A feature as it is, as a rule, in a window that has so many rows in each hour of the week.

    Each cell's shares count by the window's rows in it. The reference then says as much as n = 1 / sum(w^2 / n_cell)
    rows, the number that gives a mean of independent cells its variance; counts are rounded to whole rows.

    Args:
        name: of the feature.
        feature: all hours together.
        rhythm: the cells.
        hours: rows of the window in each hour, shape (168,).
    """
    weights: dict[int, float] = {}
    for hour, rows in enumerate(hours):
        if rows:
            cell = rhythm.cells[hour]
            weights[cell] = weights.get(cell, 0.0) + rows / sum(hours)
    if not weights:
        return feature
    size = 1 / sum(weight**2 / rhythm.rows[cell] for cell, weight in weights.items())
    width = len(rhythm.counts[name]) // len(rhythm.rows)
    bins = [0.0] * width
    for cell, weight in weights.items():
        own = rhythm.counts[name][cell * width : (cell + 1) * width]
        for at, count in enumerate(own):
            bins[at] += size * weight * count / rhythm.rows[cell]
    *present, missing = (round(count) for count in bins)
    return _with(feature, present, missing)


def _with(feature: FeatureReference, counts: list[int], missing: int) -> FeatureReference:
    rows = sum(counts)
    match feature:
        case NumericReference() | HistogramReference():
            return feature.model_copy(update={"counts": tuple(counts), "rows": rows, "missing": missing})
        case CategoricalReference():
            *top, rest = counts
            shares = _shared(rest, feature.rest_counts)
            kept = {"counts": tuple(top), "rest_counts": shares, "rows": sum(top) + sum(shares), "missing": missing}
            return feature.model_copy(update=kept)
        case _:
            return feature.model_copy(update={"rows": rows, "missing": missing})


def _shared(rows: int, like: Sequence[int]) -> tuple[int, ...]:
    """Rows shared out as others are; what is left over goes to the first."""
    whole = sum(like)
    if not whole:
        return tuple(like)
    shares = [rows * count // whole for count in like]
    shares[0] += rows - sum(shares)
    return tuple(shares)
