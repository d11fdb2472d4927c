"""Making a reference from rows: exact quantiles and counts of each column, a few columns at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from failsoft.drift.columns import Column, Labels, Numbers, column_of, family, labelled
from failsoft.drift.cuts import cuts_of, grid_of, interquartile_range
from failsoft.drift.features import CategoricalReference, FeatureReference, NumericReference, UncomparedReference, Why
from failsoft.drift.profile import ReferenceProfile

__all__ = ["MOST_CATEGORIES", "Role", "Source", "fit", "fit_arrays"]

MOST_CATEGORIES = 10_000
"""A text column with more different values is a column of identifiers: only its missing share is compared."""

_BYTES_AT_ONCE = 256_000_000
_CELL = 8

type Role = Literal["feature", "prediction"]


class Source(Protocol):
    """Rows that can be read more than once."""

    @property
    def columns(self) -> Sequence[str]:
        """The names, each once."""

    @property
    def rows(self) -> int:
        """About how many rows there are, to choose how many columns are held at once."""

    def batches(self, columns: Sequence[str]) -> Iterator[Mapping[str, Column]]:
        """All rows of some columns, in parts that fit in memory."""


def fit(  # noqa: PLR0913  # what a profile says of itself
    source: Source,
    *,
    columns: Sequence[str] | None = None,
    predictions: Sequence[str] = (),
    categorical: Sequence[str] = (),
    model: str = "",
    revision: str = "",
    at: datetime | None = None,
    of: str = "",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> ReferenceProfile:
    """The reference profile of the rows of a source.

    Memory holds as many columns at once as fit in 256 MB, at least one.
    Raises `ValueError` where the source has no rows or lacks a column.

    Args:
        source: the rows.
        columns: which, the most important first; all of them, when left out.
        predictions: those that the model makes; they come first.
        categorical: numbers that are names, such as postal codes.
        model: the Model whose features these are.
        revision: what the model served.
        at: when; now, when left out.
        of: where the rows came from, for people.
        progress: is told how many of all columns are done.
    """
    chosen = list(columns) if columns is not None else list(source.columns)
    ordered = [*predictions, *(name for name in chosen if name not in predictions)]
    if unknown := [name for name in (*ordered, *categorical) if name not in source.columns]:
        raise ValueError(f"there is no column {unknown[0]!r}")
    features: dict[str, FeatureReference] = {}
    for group in _groups(ordered, source.rows):
        parts = {name: _Part(as_labels=name in categorical) for name in group}
        for batch in source.batches(group):
            for name, part in parts.items():
                part.add(batch[name])
        for name, part in parts.items():
            features[name] = part.reference("prediction" if name in predictions else "feature")
            progress(len(features), len(ordered))
    if not any(feature.rows + feature.missing for feature in features.values()):
        raise ValueError("there are no rows")
    when = at if at is not None else datetime.now(UTC).replace(microsecond=0)
    return ReferenceProfile(model=model, revision=revision, learned_at=when, learned_from=of, features=features)


def fit_arrays(arrays: Mapping[str, Any], **how: Any) -> ReferenceProfile:
    """The reference profile of columns in memory.

    Args:
        arrays: by name, what `column_of` takes, all of one length.
        how: as `fit` takes it.

    >>> profile = fit_arrays({"x": [0.0, 1.0, 2.0, 3.0, float("nan")]}, model="chat")
    >>> profile.features["x"].rows, profile.features["x"].missing, profile.features["x"].distribution.cuts[:2]
    (4, 1, (0.30000000000000004, 0.6000000000000001))
    """
    return fit(_Arrays({name: column_of(values) for name, values in arrays.items()}), **how)


@dataclass(frozen=True, slots=True)
class _Arrays:
    held: Mapping[str, Column]

    @property
    def columns(self) -> Sequence[str]:
        return tuple(self.held)

    @property
    def rows(self) -> int:
        lengths = {column.rows for column in self.held.values()}
        if len(lengths) > 1:
            raise ValueError(f"the columns have {min(lengths)} to {max(lengths)} rows, not one number of them")
        return max(lengths, default=0)

    def batches(self, columns: Sequence[str]) -> Iterator[Mapping[str, Column]]:
        yield {name: self.held[name] for name in columns}


def _groups(names: Sequence[str], rows: int) -> Iterator[Sequence[str]]:
    size = max(1, _BYTES_AT_ONCE // (_CELL * max(1, rows)))
    for start in range(0, len(names), size):
        yield names[start : start + size]


@dataclass(slots=True)
class _Part:
    """The rows of one column so far."""

    as_labels: bool = False
    numbers: list[NDArray[Any]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    missing: int = 0
    type: str = "any"
    too_many: bool = False

    def add(self, column: Column) -> None:
        self.rows += column.rows - column.missing
        self.missing += column.missing
        found = family(column)
        if found == "any":
            return
        if self.type not in {"any", found}:
            raise ValueError(f"a column has values of type {self.type} and of type {found}")
        self.type = found
        if isinstance(column, Labels) or self.as_labels:
            self._label(column)
        else:
            self.numbers.append(column.values)

    def _label(self, column: Column) -> None:
        if self.too_many:
            return
        for name, count in labelled(column).counts.items():
            self.labels[name] = self.labels.get(name, 0) + count
        if len(self.labels) > MOST_CATEGORIES:
            self.too_many = True
            self.labels.clear()

    def reference(self, role: Role) -> FeatureReference:
        values = self._values()
        if self.labels or self.too_many:
            return self._categorical(role)
        if not np.isfinite(values).any():
            return self._uncompared(role, "no-finite-value" if self.rows else "no-value")
        finite = np.sort(values[np.isfinite(values)])
        cuts, grid = cuts_of(finite), grid_of(finite)
        bounds = np.array(sorted({*cuts, *grid}), dtype=np.float64)
        counts = np.bincount(bounds.searchsorted(values), minlength=len(bounds) + 1)
        return NumericReference(
            rows=self.rows,
            missing=self.missing,
            role=role,
            type=self.type,  # type: ignore[arg-type]  # the model checks it
            iqr=interquartile_range(finite),
            cuts=cuts,
            grid=grid,
            counts=tuple(counts.tolist()),
        )

    def _values(self) -> NDArray[np.float64]:
        """The numbers in float64; where that would take two for one they become categories, and none is left."""
        if not self.numbers:
            return np.empty(0)
        if self.type == "number" and any(Numbers(part).has_large_integers for part in self.numbers):
            parts, self.numbers = self.numbers, []
            for part in parts:
                self._label(Numbers(part))
            return np.empty(0)
        values = np.concatenate([part.astype(np.float64, copy=False) for part in self.numbers])
        self.numbers.clear()
        return values

    def _categorical(self, role: Role) -> FeatureReference:
        if self.too_many:
            return self._uncompared(role, "identifier")
        return CategoricalReference.of(
            self.labels,
            missing=self.missing,
            role=role,
            type=self.type,  # type: ignore[arg-type]  # the model checks it
        )

    def _uncompared(self, role: Role, why: Why) -> UncomparedReference:
        return UncomparedReference(
            rows=self.rows,
            missing=self.missing,
            role=role,
            why=why,
            type=self.type,  # type: ignore[arg-type]  # the model checks it
        )
