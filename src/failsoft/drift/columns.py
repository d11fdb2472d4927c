"""What a column of any library comes down to: numbers in float64, or how many rows each category has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EXACT_INTEGERS",
    "Column",
    "Labels",
    "Numbers",
    "Type",
    "Vectors",
    "column_of",
    "family",
    "labelled",
    "number_text",
    "vectors_of_matrix",
]

EXACT_INTEGERS = 2**53
"""The largest number up to which float64 holds all whole numbers."""

type Type = Literal["number", "time", "duration", "text", "boolean", "vector", "any"]
"""What values are. `any`: there is none to tell by."""

_FIRST_DAY = datetime(1970, 1, 1)  # noqa: DTZ001  # of times without a zone


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Rows of numbers.

    Attributes:
        values: those that are not missing; whole numbers may be of an integer type.
        missing: how many are.
        type: times in seconds since the epoch, durations in seconds.
    """

    values: NDArray[Any]
    missing: int = 0
    type: Literal["number", "time", "duration"] = "number"

    @property
    def rows(self) -> int:
        """All rows."""
        return self.values.size + self.missing

    @property
    def has_large_integers(self) -> bool:
        """Whether float64 would take two of the whole numbers for one."""
        if self.values.dtype.kind not in "iu" or not self.values.size:
            return False
        return int(self.values.max()) > EXACT_INTEGERS or int(self.values.min()) < -EXACT_INTEGERS


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Rows of categories.

    Attributes:
        counts: rows of each.
        missing: rows of none.
        type: `number` where they are whole numbers too large for float64.
    """

    counts: Mapping[str, int]
    missing: int = 0
    type: Literal["text", "boolean", "number"] = "text"

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.counts.values()) + self.missing


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Rows of vectors of one length.

    Attributes:
        values: those that are not missing, shape (rows, size).
        missing: how many are: null, or with a NaN in them.
    """

    values: NDArray[Any]
    missing: int = 0
    type: Literal["vector"] = "vector"

    @property
    def rows(self) -> int:
        """All rows."""
        return len(self.values) + self.missing

    @property
    def size(self) -> int:
        """Numbers of a vector."""
        return int(self.values.shape[1])


type Column = Numbers | Labels | Vectors


def family(column: Column) -> Type:
    """The type of a column; `any` where it holds no value, so that it fits all."""
    empty = not column.counts if isinstance(column, Labels) else not column.values.size
    return "any" if empty else column.type


def labelled(column: Column) -> Labels:
    """The column as categories: numbers by their text, whole ones without a point. Raises `ValueError` on vectors."""
    if isinstance(column, Labels):
        return column
    if isinstance(column, Vectors):
        raise ValueError("vectors are no categories")  # noqa: TRY004  # as every column that does not fit
    values, counts = np.unique(column.values, return_counts=True)
    pairs = zip(values.tolist(), counts.tolist(), strict=True)
    return Labels({number_text(value): count for value, count in pairs}, column.missing, "number")


def column_of(values: Any) -> Column:
    """A column from anything that numpy takes for an array of one dimension, of two for vectors, or a column already.

    None, NaN and NaT are missing. Booleans are the categories `false` and `true`, dates are seconds since the epoch.
    Raises `ValueError` where there are more dimensions.

    >>> column_of([1.0, None, float("inf")])
    Numbers(values=array([ 1., inf]), missing=1, type='number')
    >>> column_of([True, False, True])
    Labels(counts={'false': 1, 'true': 2}, missing=0, type='boolean')
    >>> column_of(np.array(["1970-01-02"], dtype="datetime64[D]"))
    Numbers(values=array([86400.]), missing=0, type='time')
    """
    if isinstance(values, Numbers | Labels | Vectors):
        return values
    array = values if isinstance(values, np.ndarray) else _array(values)
    if array.ndim == 2 and array.dtype.kind in "fiu":  # noqa: PLR2004  # a matrix
        return vectors_of_matrix(array, 0)
    if array.ndim != 1:
        raise ValueError(f"a column has {array.ndim} dimensions, not 1")
    if isinstance(array, np.ma.MaskedArray):
        plain = column_of(array.compressed())
        masked = int(array.size - array.count())
        if isinstance(plain, Vectors):
            return Vectors(plain.values, plain.missing + masked)
        if isinstance(plain, Numbers):
            return Numbers(plain.values, plain.missing + masked, plain.type)
        return Labels(plain.counts, plain.missing + masked, plain.type)
    return _of_array(array)


def vectors_of_matrix(table: NDArray[Any], missing: int) -> Vectors:
    """Vectors from the rows of a matrix; those with a NaN in them are missing.

    Args:
        table: shape (rows, size).
        missing: rows beside them that are null.
    """
    absent = np.isnan(table).any(axis=1) if table.dtype.kind == "f" else np.zeros(len(table), dtype=bool)
    return Vectors(table[~absent] if absent.any() else table, missing + int(absent.sum()))


def _array(values: Any) -> NDArray[Any]:
    made = np.asarray(values) if hasattr(values, "__array__") else None
    if made is None:
        made = np.empty(len(values), dtype=object)
        made[:] = list(values)
    return made


def _of_array(array: NDArray[Any]) -> Column:  # noqa: PLR0911  # one for each kind
    match array.dtype.kind:
        case "f":
            wide = array.astype(np.float64, copy=False)
            absent = np.isnan(wide)
            missing = int(np.count_nonzero(absent))
            return Numbers(wide[~absent] if missing else wide, missing)
        case "i" | "u":
            return Numbers(array)
        case "b":
            true = int(np.count_nonzero(array))
            return _booleans(true, array.size - true, 0)
        case "M" | "m":
            present = array[~np.isnat(array)]
            return _times(present, array.size - present.size)
        case "U" | "T":
            return Labels(dict(Counter(array.tolist())))
        case "S":
            return Labels(dict(Counter(text.decode("utf-8", "replace") for text in array.tolist())))
        case "O":
            return _of_objects(array.tolist())
        case kind:
            raise ValueError(f"a column of numpy's kind {kind!r} has neither numbers nor categories")


def _booleans(true: int, false: int, missing: int) -> Labels:
    counts = {"false": false, "true": true}
    return Labels({name: count for name, count in counts.items() if count}, missing, "boolean")


def _times(present: NDArray[Any], missing: int) -> Numbers:
    unit = np.datetime_data(present.dtype)[0]
    if present.dtype.kind == "M":
        if unit in {"generic", "Y", "M"}:
            present = present.astype("datetime64[s]")
        seconds = (present - np.datetime64(0, "s")) / np.timedelta64(1, "s")
        return Numbers(np.asarray(seconds, dtype=np.float64), missing, "time")
    if unit in {"generic", "Y", "M"}:
        raise ValueError(f"durations in numpy's unit {unit!r} have no length in seconds")
    return Numbers(np.asarray(present / np.timedelta64(1, "s"), dtype=np.float64), missing, "duration")


def _of_objects(values: Sequence[Any]) -> Column:  # noqa: PLR0911  # one for each type
    if set(map(type, values)) <= {str, type(None)}:
        counts = Counter(values)
        missing = counts.pop(None, 0)
        return Labels(dict(counts), missing) if counts else Numbers(np.empty(0), missing)
    present = [value for value in values if not _is_missing(value)]
    missing = len(values) - len(present)
    kinds = {type(value) for value in present}
    if not present:
        return Numbers(np.empty(0), missing)
    if all(issubclass(kind, list | tuple | np.ndarray) for kind in kinds):
        return _vectors(present, missing)
    if all(issubclass(kind, bool | np.bool_) for kind in kinds):
        true = sum(map(bool, present))
        return _booleans(true, len(present) - true, missing)
    if all(issubclass(kind, int | np.integer) and kind is not bool for kind in kinds):
        return _whole([int(value) for value in present], missing)
    if all(issubclass(kind, int | float | np.integer | np.floating | Decimal) and kind is not bool for kind in kinds):
        return Numbers(np.array([float(value) for value in present]), missing)
    if all(issubclass(kind, date | np.datetime64) for kind in kinds):
        return Numbers(np.array([_seconds(value) for value in present]), missing, "time")
    if all(issubclass(kind, timedelta | time | np.timedelta64) for kind in kinds):
        return Numbers(np.array([_length(value) for value in present]), missing, "duration")
    return Labels(dict(Counter(map(_text, present))), missing)


def _vectors(present: Sequence[Any], missing: int) -> Vectors:
    lengths = {len(value) for value in present}
    if len(lengths) > 1:
        raise ValueError(f"a column has lists of {min(lengths)} to {max(lengths)} values; vectors have one length")
    try:
        table = np.array([np.asarray(value, dtype=np.float64) for value in present])
    except (TypeError, ValueError):
        raise ValueError("a column has lists of values that are no numbers") from None
    return vectors_of_matrix(table.reshape(len(present), -1), missing)


def _whole(values: Sequence[int], missing: int) -> Column:
    if max(values) < 2**63 and min(values) >= -(2**63):
        return Numbers(np.array(values, dtype=np.int64), missing)
    return Labels(dict(Counter(map(str, values))), missing, "number")


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124  # NaN and NaT are not themselves
    except Exception:  # noqa: BLE001  # what another library's object does when it is compared
        return type(value).__name__ == "NAType"  # pandas' NA refuses to be true or false


def _seconds(value: Any) -> float:
    if isinstance(value, np.datetime64):
        return float((value - np.datetime64(0, "s")) / np.timedelta64(1, "s"))
    if not isinstance(value, datetime):
        return float((value - _FIRST_DAY.date()).total_seconds())
    return float((value - (_FIRST_DAY if value.tzinfo is None else _FIRST_DAY.replace(tzinfo=UTC))).total_seconds())


def _length(value: Any) -> float:
    if isinstance(value, np.timedelta64):
        return float(value / np.timedelta64(1, "s"))
    if isinstance(value, time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) + value.microsecond / 1e6
    return float(value.total_seconds())


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value)


def number_text(value: float) -> str:
    """A number as the name of a category: whole ones without a point."""
    return str(int(value)) if isfinite(value) and value == int(value) else repr(value)
