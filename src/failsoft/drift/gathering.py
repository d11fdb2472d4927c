"""The rows of one column, gathered part by part, and the reference that they make."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from failsoft.drift.columns import Column, Labels, Numbers, family, labelled
from failsoft.drift.cuts import cuts_of, grid_of, interquartile_range
from failsoft.drift.features import (
    CategoricalReference,
    FeatureReference,
    NumericReference,
    Role,
    UncomparedReference,
    Why,
)

__all__ = ["MOST_CATEGORIES", "Part"]

MOST_CATEGORIES = 10_000
"""A text column with more different values is a column of identifiers: only its missing share is compared."""


@dataclass(slots=True)
class Part:
    """The rows of one column so far.

    Attributes:
        as_labels: whether its numbers are names.
        role, importance: what the reference says of itself.
    """

    as_labels: bool = False
    role: Role = "feature"
    importance: float | None = None
    numbers: list[NDArray[Any]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    missing: int = 0
    type: str = "any"
    too_many: bool = False

    def add(self, column: Column) -> None:
        """Take more rows. Raises `ValueError` where they are of another type than those before."""
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

    def reference(self) -> FeatureReference:
        """The reference of all rows; the part is empty afterwards."""
        values = self._values()
        if self.labels or self.too_many:
            return self._categorical()
        if not np.isfinite(values).any():
            return self._uncompared("no-finite-value" if self.rows else "no-value")
        finite = np.sort(values[np.isfinite(values)])
        cuts, grid = cuts_of(finite), grid_of(finite)
        bounds = np.array(sorted({*cuts, *grid}), dtype=np.float64)
        counts = np.bincount(bounds.searchsorted(values), minlength=len(bounds) + 1)
        return NumericReference(
            rows=self.rows,
            missing=self.missing,
            role=self.role,
            importance=self.importance,
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

    def _categorical(self) -> FeatureReference:
        if self.too_many:
            return self._uncompared("identifier")
        return CategoricalReference.of(
            self.labels,
            missing=self.missing,
            role=self.role,
            importance=self.importance,
            type=self.type,  # type: ignore[arg-type]  # the model checks it
        )

    def _uncompared(self, why: Why) -> UncomparedReference:
        return UncomparedReference(
            rows=self.rows,
            missing=self.missing,
            role=self.role,
            importance=self.importance,
            why=why,
            type=self.type,  # type: ignore[arg-type]  # the model checks it
        )
