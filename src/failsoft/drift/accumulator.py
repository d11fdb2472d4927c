"""Counting rows into the bins of a reference: whole numbers that add up, so any split of the rows gives the same."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os import cpu_count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from failsoft.drift.columns import Column, Numbers, column_of, family, labelled
from failsoft.drift.distribution import Categories, Distribution, Histogram, coarser
from failsoft.drift.features import (
    CategoricalReference,
    FeatureReference,
    HistogramReference,
    NumericReference,
    UncomparedReference,
)
from failsoft.drift.profile import ReferenceProfile
from failsoft.drift.rhythm import FIRST_HOUR, HOURS
from failsoft.drift.unseen import Unseen

__all__ = [
    "Accumulator",
    "BinCounts",
    "CategoryCounts",
    "Counts",
    "PlainCounts",
    "WrongColumnError",
    "empty_counts",
    "wrong_type",
]

_THREADS_FROM = 200_000
"""Cells from which on a batch is worth a second thread."""


class WrongColumnError(ValueError):
    """A batch lacks a feature, or has another type of values in it."""


@dataclass(slots=True, eq=False)
class BinCounts:
    """Rows between fixed bounds.

    Attributes:
        bounds: k rising bounds.
        counts: k + 1 rows in (bound[i-1], bound[i]]; infinite values are in the outer ones.
        missing: rows without a value.
    """

    bounds: NDArray[np.float64]
    counts: NDArray[np.int64]
    missing: int = 0

    @property
    def rows(self) -> int:
        """Rows with a value."""
        return int(self.counts.sum())

    def over(self, cuts: tuple[float, ...]) -> Histogram:
        """The rows over some of the bounds."""
        return coarser(Histogram(tuple(self.bounds.tolist()), tuple(self.counts.tolist())), cuts)

    def update(self, column: Column) -> None:
        """Count the rows of a column of numbers."""
        values = _floats(column)
        found = np.bincount(self.bounds.searchsorted(values), minlength=len(self.counts))
        self.counts += found
        self.missing += column.missing

    def merge(self, other: "BinCounts") -> None:
        """Add another count over the same bounds."""
        self.counts += other.counts
        self.missing += other.missing


@dataclass(slots=True, eq=False)
class CategoryCounts:
    """Rows by category.

    Attributes:
        known: rows of each category of the reference.
        unseen: rows of the others.
        missing: rows without a value.
    """

    known: dict[str, int]
    unseen: Unseen = field(default_factory=Unseen)
    missing: int = 0

    @property
    def rows(self) -> int:
        """Rows with a value."""
        return sum(self.known.values()) + self.unseen.rows

    @property
    def distribution(self) -> Categories:
        """The rows by name."""
        return Categories({**self.known, **self.unseen.kept}, self.unseen.rows - sum(self.unseen.kept.values()))

    def update(self, column: Column) -> None:
        """Count the rows of a column by their text."""
        labels = labelled(column)
        new: dict[str, int] = {}
        for name, count in labels.counts.items():
            if name in self.known:
                self.known[name] += count
            else:
                new[name] = count
        if new:
            self.unseen.add(new)
        self.missing += labels.missing

    def merge(self, other: "CategoryCounts") -> None:
        """Add another count over the same categories."""
        for name, count in other.known.items():
            self.known[name] += count
        self.unseen.merge(other.unseen)
        self.missing += other.missing


@dataclass(slots=True, eq=False)
class PlainCounts:
    """Rows with and without a value, of a feature that is not compared."""

    rows: int = 0
    missing: int = 0

    def update(self, column: Column) -> None:
        """Count the rows of a column."""
        self.rows += column.rows - column.missing
        self.missing += column.missing

    def merge(self, other: "PlainCounts") -> None:
        """Add another count."""
        self.rows += other.rows
        self.missing += other.missing


type Counts = BinCounts | CategoryCounts | PlainCounts


class Accumulator:
    """Counts of a window of rows, in the bins of a reference.

    Any split of the rows in batches, in any order, on any machine, gives exactly the same counts as the whole.

    Args:
        profile: whose bins.

    >>> from failsoft.drift import fit_arrays
    >>> profile = fit_arrays({"age": [31, 44, 58, 23], "plan": ["free", "pro", "free", None]})
    >>> whole, part, other = Accumulator(profile), Accumulator(profile), Accumulator(profile)
    >>> whole.update({"age": [20, 70, None], "plan": ["free", "gold", "pro"]})
    >>> part.update({"age": [70, None], "plan": ["gold", "pro"]})
    >>> other.update({"age": [20], "plan": ["free"]})
    >>> part.merge(other)
    >>> part == whole, part.rows
    (True, 3)
    """

    def __init__(self, profile: ReferenceProfile) -> None:
        self.profile = profile
        self.rows = 0
        self.sums: dict[str, NDArray[np.int64]] = {
            column: np.zeros(embedding.size, dtype=np.int64) for column, embedding in profile.embeddings.items()
        }
        """Of the vectors of each embedding, on its grid."""

        self.hours = np.zeros(HOURS, dtype=np.int64)
        """Rows in each hour of the week, where the reference knows hours."""

        self.clusters: dict[str, int] = {}
        """Rows of each cluster, where the reference knows clusters."""

        self.counts: dict[str, Counts] = {name: empty_counts(feature) for name, feature in profile.features.items()}

    def update(self, batch: Mapping[str, Any]) -> None:
        """Count the rows of a batch; columns that the reference lacks are left alone.

        Raises `WrongColumnError` where a feature is not there, is of another type, or where the columns differ in
        length; nothing is counted then.

        Args:
            batch: by name, columns or what `column_of` takes, all of one length.
        """
        columns: dict[str, Column] = {}
        batch, sums = self._along(batch) if self.profile.embeddings else (batch, {})
        for name, feature in self.profile.features.items():
            if name not in batch:
                raise WrongColumnError(f"there is no column {name!r}")
            columns[name] = column_of(batch[name])
            if problem := wrong_type(feature, columns[name]):
                raise WrongColumnError(f"{name!r} {problem}")
        hours, clusters = self._hours(batch), self._clusters(batch)
        rows = {column.rows for column in columns.values()}
        if len(rows) > 1:
            raise WrongColumnError(f"the columns have {min(rows)} to {max(rows)} rows, not one number of them")
        each = [self._counting(name, column) for name, column in columns.items()]
        if sum(rows) * len(columns) >= _THREADS_FROM and (cpu_count() or 1) > 1:
            with ThreadPoolExecutor(cpu_count()) as threads:
                list(threads.map(lambda count: count(), each))
        else:
            for counting in each:
                counting()
        for column, found in sums.items():
            self.sums[column] += found
        self.hours += hours
        for cluster, count in clusters.items():
            self.clusters[cluster] = self.clusters.get(cluster, 0) + count
        self.rows += sum(rows)

    def _hours(self, batch: Mapping[str, Any]) -> NDArray[np.int64]:
        """Rows of a batch in each hour of the week."""
        if self.profile.rhythm is None:
            return np.zeros(HOURS, dtype=np.int64)
        name = self.profile.rhythm.time
        if name not in batch:
            raise WrongColumnError(f"there is no column {name!r}")
        moments = column_of(batch[name])
        if family(moments) not in {"time", "any"} or not isinstance(moments, Numbers):
            raise WrongColumnError(f"{name!r} is of type {family(moments)}, and holds no moments")
        hours = (np.floor(moments.values.astype(np.float64) / 3600).astype(np.int64) + FIRST_HOUR) % HOURS
        return np.bincount(hours, minlength=HOURS)

    def _clusters(self, batch: Mapping[str, Any]) -> Mapping[str, int]:
        """Rows of each cluster of a batch; those without one are clusters of one row, and are not counted."""
        if self.profile.clusters is None:
            return {}
        name = self.profile.clusters.column
        if name not in batch:
            raise WrongColumnError(f"there is no column {name!r}")
        try:
            return labelled(column_of(batch[name])).counts
        except ValueError as error:
            raise WrongColumnError(f"{name!r}: {error}") from None

    def _along(self, batch: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, NDArray[np.int64]]]:
        """A batch with embeddings along their directions, and the sums of their vectors."""
        from failsoft.drift.projection import expanded, on_grid, vectors_of

        if gone := [column for column in self.profile.embeddings if column not in batch]:
            raise WrongColumnError(f"there is no column {gone[0]!r}")
        sums = {}
        try:
            for column, embedding in self.profile.embeddings.items():
                vectors = vectors_of(batch[column], column, embedding)
                sums[column] = on_grid(embedding, vectors).sum(axis=0).astype(np.int64)
            return expanded(batch, self.profile.embeddings), sums
        except ValueError as error:
            raise WrongColumnError(str(error)) from None

    def merge(self, other: "Accumulator") -> None:
        """Add the counts of another part of the rows.

        Raises `ValueError` where it was counted with another reference.
        """
        if other.profile.digest != self.profile.digest:
            raise ValueError("the two were counted with different references")
        for name, counts in self.counts.items():
            counts.merge(other.counts[name])  # type: ignore[arg-type]  # one reference makes one kind of counts
        for column, found in other.sums.items():
            self.sums[column] += found
        self.hours += other.hours
        for cluster, count in other.clusters.items():
            self.clusters[cluster] = self.clusters.get(cluster, 0) + count
        self.rows += other.rows

    def distribution(self, name: str) -> Distribution | None:
        """The counts of a feature to be laid beside the reference's; None where it is not compared."""
        feature, counts = self.profile.features[name], self.counts[name]
        match counts:
            case BinCounts():
                return counts.over(feature.cuts if isinstance(feature, NumericReference | HistogramReference) else ())
            case CategoryCounts():
                return counts.distribution
            case PlainCounts():
                return None

    def as_json(self) -> dict[str, Any]:
        """The counts as plain JSON, to be sent to where they are merged."""
        return {
            "reference": self.profile.digest,
            "rows": self.rows,
            "counts": {name: _as_json(counts) for name, counts in self.counts.items()},
            "sums": {column: found.tolist() for column, found in self.sums.items()},
            "hours": self.hours.tolist() if self.profile.rhythm is not None else [],
            "clusters": dict(sorted(self.clusters.items())),
        }

    @classmethod
    def from_json(cls, profile: ReferenceProfile, content: Mapping[str, Any]) -> "Accumulator":
        """What `as_json` gave. Raises `ValueError` where it is of another reference."""
        if content["reference"] != profile.digest:
            raise ValueError("the counts are of another reference")
        made = cls(profile)
        made.rows = content["rows"]
        for name, counts in made.counts.items():
            _fill(counts, content["counts"][name])
        if content["hours"]:
            made.hours = np.array(content["hours"], dtype=np.int64)
        made.clusters = {cluster: int(count) for cluster, count in content["clusters"].items()}
        for column in made.sums:
            made.sums[column] = np.array(content["sums"][column], dtype=np.int64)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Accumulator) and self.as_json() == other.as_json()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _counting(self, name: str, column: Column) -> Callable[[], None]:
        counts = self.counts[name]
        return lambda: counts.update(column)


def _floats(column: Column) -> NDArray[np.float64]:
    """The numbers of a column; whole numbers that no integer type of numpy holds come as categories."""
    if isinstance(column, Numbers):
        return column.values.astype(np.float64, copy=False)
    labels = labelled(column)
    values = np.array([float(name) for name in labels.counts], dtype=np.float64)
    return np.repeat(values, list(labels.counts.values()))


def wrong_type(feature: FeatureReference, column: Column) -> str:
    """What is wrong with a column for a feature, in words; empty where nothing is."""
    given = family(column)
    wanted = "number" if isinstance(feature, HistogramReference) else feature.type
    if "any" in {given, wanted} or given == wanted:
        return ""
    return f"is of type {given}, the reference has {wanted}"


def empty_counts(feature: FeatureReference) -> Counts:
    """Counts of no row in the bins of a feature."""
    match feature:
        case NumericReference():
            return BinCounts(np.array(feature.bounds, dtype=np.float64), np.zeros(len(feature.counts), dtype=np.int64))
        case HistogramReference():
            return BinCounts(np.array(feature.cuts, dtype=np.float64), np.zeros(len(feature.counts), dtype=np.int64))
        case CategoricalReference():
            return CategoryCounts(dict.fromkeys((*feature.categories, *feature.rest), 0))
        case UncomparedReference():
            return PlainCounts()


def _as_json(counts: Counts) -> dict[str, Any]:
    match counts:
        case BinCounts():
            return {"counts": counts.counts.tolist(), "missing": counts.missing}
        case CategoryCounts():
            unseen = {"rows": counts.unseen.rows, "kept": dict(sorted(counts.unseen.kept.items()))}
            return {"known": counts.known, "unseen": unseen, "missing": counts.missing}
        case PlainCounts():
            return {"rows": counts.rows, "missing": counts.missing}


def _fill(counts: Counts, content: Mapping[str, Any]) -> None:
    match counts:
        case BinCounts():
            counts.counts += np.array(content["counts"], dtype=np.int64)
        case CategoryCounts():
            counts.known = {name: int(content["known"][name]) for name in counts.known}
            counts.unseen = Unseen(int(content["unseen"]["rows"]), dict(content["unseen"]["kept"]))
        case PlainCounts():
            counts.rows = int(content["rows"])
    counts.missing = int(content["missing"])
