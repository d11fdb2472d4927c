"""The bins of a feature as a counter has them: those of its distribution, then `other`, `new` and `missing`."""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from failsoft.drift.accumulator import wrong_type
from failsoft.drift.columns import Column, Labels, Numbers, labelled
from failsoft.drift.counting.series import MISSING_BIN, NEW_BIN, OTHER_BIN, PRESENT_BIN
from failsoft.drift.distribution import spans
from failsoft.drift.features import (
    CategoricalReference,
    FeatureReference,
    HistogramReference,
    NumericReference,
    UncomparedReference,
)

__all__ = ["Bins", "WrongTypeError", "bins_of"]

_SHOWN = 64


class WrongTypeError(ValueError):
    """Values of another type than the reference's."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins(ABC):
    """The bins of a feature.

    Attributes:
        feature: its reference.
        names: of the bins, the last one `missing`.
        holds: what is in each, for people.
        reference: the reference's rows in each.
    """

    feature: FeatureReference
    names: tuple[str, ...]
    holds: tuple[str, ...]
    reference: tuple[int, ...]

    @abstractmethod
    def of_value(self, value: Any) -> int | None:
        """The bin of one value; None where only `of_column` knows."""

    @abstractmethod
    def of_column(self, column: Column) -> Sequence[int]:
        """The rows of a column in each bin. Raises `WrongTypeError`."""


def bins_of(feature: FeatureReference) -> Bins:
    """The bins of a feature.

    >>> from failsoft.drift import fit_arrays
    >>> profile = fit_arrays({"plan": ["free", "pro", "free", None], "flag": [True, False, True, True]})
    >>> made = bins_of(profile.features["plan"])
    >>> made.names, made.holds, made.reference
    (('00', '01', 'new', 'missing'), ('free', 'pro', 'new', 'missing'), (2, 1, 0, 1))
    >>> made.of_value("gold"), made.of_value(None)
    (2, 3)
    """
    match feature:
        case NumericReference() | HistogramReference():
            return _numeric(feature)
        case CategoricalReference():
            return _categorical(feature)
        case UncomparedReference():
            names = (PRESENT_BIN, MISSING_BIN)
            return _Plain(feature, names, names, (feature.rows, feature.missing))


@dataclass(frozen=True, slots=True, eq=False)
class _Numeric(Bins):
    cuts: tuple[float, ...]
    edges: NDArray[np.float64]
    plain: bool
    """Whether a number is a value of it, not a time or a duration."""

    def of_value(self, value: Any) -> int | None:
        kind = type(value)
        if value is None:
            return len(self.names) - 1
        if not self.plain or (kind is not float and kind is not int):
            return None
        if kind is int:
            try:
                value = float(value)
            except OverflowError:
                value = inf if value > 0 else -inf
        return len(self.names) - 1 if isnan(value) else bisect_left(self.cuts, value)

    def of_column(self, column: Column) -> Sequence[int]:
        _check(self.feature, column)
        if isinstance(column, Numbers):
            values = column.values.astype(np.float64, copy=False)
            counts = np.bincount(self.edges.searchsorted(values), minlength=len(self.names) - 1).tolist()
        else:  # whole numbers that no integer type of numpy holds
            counts = [0] * (len(self.names) - 1)
            for name, count in labelled(column).counts.items():
                counts[bisect_left(self.cuts, float(name))] += count
        return [*counts, column.missing]


def _numeric(feature: NumericReference | HistogramReference) -> _Numeric:
    found = feature.distribution
    names = tuple(f"{index:02}" for index in range(len(found.counts)))
    plain = isinstance(feature, HistogramReference) or feature.type == "number"
    return _Numeric(
        feature,
        (*names, MISSING_BIN),
        (*spans(found.cuts), MISSING_BIN),
        (*map(int, found.counts), feature.missing),
        found.cuts,
        np.array(found.cuts, dtype=np.float64),
        plain,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Categorical(Bins):
    type: str
    index: Mapping[str, int]
    new: int

    def of_value(self, value: Any) -> int | None:
        if type(value) is str and self.type == "text":
            return self.index.get(value, self.new)
        if type(value) is bool and self.type == "boolean":
            return self.index.get("true" if value else "false", self.new)
        return self.new + 1 if value is None else None

    def of_column(self, column: Column) -> Sequence[int]:
        if self.type != "text" or not isinstance(column, Numbers) or column.type != "number":
            _check(self.feature, column)  # numbers that are names, such as postal codes, go by their text
        labels: Labels = labelled(column)
        counts = [0] * len(self.names)
        index, new = self.index, self.new
        for name, count in labels.counts.items():
            counts[index.get(name, new)] += count
        counts[-1] += labels.missing
        return counts


def _categorical(feature: CategoricalReference) -> _Categorical:
    names = [f"{index:02}" for index in range(len(feature.categories))]
    holds, rows = [_short(name) for name in feature.categories], list(feature.counts)
    index = {name: position for position, name in enumerate(feature.categories)}
    if feature.rest:
        index |= dict.fromkeys(feature.rest, len(names))
        names.append(OTHER_BIN)
        holds.append(OTHER_BIN)
        rows.append(sum(feature.rest_counts))
    new = len(names)
    return _Categorical(
        feature,
        (*names, NEW_BIN, MISSING_BIN),
        (*holds, NEW_BIN, MISSING_BIN),
        (*rows, 0, feature.missing),
        feature.type,
        index,
        new,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Plain(Bins):
    def of_value(self, value: Any) -> int | None:
        return 1 if value is None else None

    def of_column(self, column: Column) -> Sequence[int]:
        _check(self.feature, column)
        return column.rows - column.missing, column.missing


def _check(feature: FeatureReference, column: Column) -> None:
    if problem := wrong_type(feature, column):
        raise WrongTypeError(problem)


def _short(name: str) -> str:
    # half of a surrogate pair is no UTF-8, which the exposition is written in
    text = name.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
