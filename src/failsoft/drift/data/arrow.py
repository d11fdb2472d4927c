"""Columns from Arrow arrays."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from failsoft.drift.columns import Column, Labels, Numbers, Vectors, vectors_of_matrix

__all__ = ["Unreadable", "column_of_arrow", "is_vector"]

_DAY = 86_400
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


class Unreadable(ValueError):  # noqa: N818  # it is caught and told as a finding
    """A column of a type that has neither numbers nor categories."""


def column_of_arrow(array: Any) -> Column:  # noqa: PLR0911  # one for each kind
    """A column from an Arrow array or chunked array; nulls and NaN are missing.

    Lists of numbers, all of one length, are vectors. Raises `Unreadable` on other lists, structs and the like.

    >>> column_of_arrow(pa.array([1.5, None, float("nan")]))
    Numbers(values=array([1.5]), missing=2, type='number')
    >>> column_of_arrow(pa.array(["b", None, "a", "b"]).dictionary_encode())
    Labels(counts={'b': 2, 'a': 1}, missing=1, type='text')
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return column_of_arrow(pa.chunked_array([chunk.storage for chunk in _chunks(array)], kind.storage_type))
    if is_vector(kind):
        return _vectors(array)
    if pa.types.is_null(kind):
        return Numbers(np.empty(0), len(array))
    if pa.types.is_dictionary(kind) and not _is_text(kind.value_type):
        return column_of_arrow(array.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        true = pc.sum(array).as_py() or 0
        counts = {"false": len(array) - array.null_count - true, "true": true}
        return Labels({name: count for name, count in counts.items() if count}, array.null_count, "boolean")
    if pa.types.is_dictionary(kind) or _is_text(kind):
        return _texts(array)
    return _numbers(array, kind)


def is_vector(kind: Any) -> bool:
    """Whether a type of Arrow is one of vectors: lists of numbers."""
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(test(kind) for test in lists):
        return False
    return bool(pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))


def _vectors(array: Any) -> Vectors:
    chunks = [_matrix(chunk.drop_null()) for chunk in _chunks(array)]
    filled = [table for table in chunks if len(table)]
    sizes = sorted({table.shape[1] for table in filled})
    if len(sizes) > 1:
        raise Unreadable(f"lists of {sizes[0]} and of {sizes[-1]} values; vectors have one length")
    table = np.concatenate(filled) if filled else np.empty((0, 1))
    return vectors_of_matrix(table, array.null_count)


def _matrix(chunk: Any) -> np.typing.NDArray[Any]:
    """The rows of an array of lists without nulls, shape (rows, size)."""
    if not len(chunk):
        return np.empty((0, 1))
    lengths = pc.list_value_length(chunk)
    low, high = pc.min_max(lengths).as_py().values()
    if low != high or not high:
        raise Unreadable(f"lists of {low} to {high} values; vectors have one length")
    flat = chunk.flatten()
    values = flat.cast(pa.float64()).to_numpy(zero_copy_only=False) if flat.null_count else _numpy(flat)
    return values.reshape(len(chunk), high)


def _numbers(array: Any, kind: Any) -> Numbers:
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = array.cast(pa.float64()).to_numpy(zero_copy_only=False) if _is_array(array) else _plain(array)
        present = values[~np.isnan(values)]
        return Numbers(values if present.size == values.size else present, values.size - present.size)
    missing = array.null_count
    present = array.drop_null() if missing else array
    if pa.types.is_integer(kind):
        return Numbers(_numpy(present), missing)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Numbers(_seconds(present, kind), missing, "time")
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return Numbers(_seconds(present, kind), missing, "duration")
    raise Unreadable(f"a column of type {kind} has neither numbers nor categories")


def _seconds(array: Any, kind: Any) -> np.typing.NDArray[np.float64]:
    if pa.types.is_date32(kind):
        return _numpy(array.cast(pa.int32())).astype(np.float64) * _DAY
    per_second = _UNITS["ms"] if pa.types.is_date64(kind) else _UNITS[kind.unit]
    whole = _numpy(array.cast(pa.int32()).cast(pa.int64()) if pa.types.is_time32(kind) else array.cast(pa.int64()))
    return whole.astype(np.float64) / per_second


def _texts(array: Any) -> Labels:
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        array = array.cast(pa.large_string())
    counted = pc.value_counts(array)
    values, counts = counted.field("values"), counted.field("counts").to_pylist()
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    made: dict[str, int] = {}
    missing = 0
    for value, count in zip(values.to_pylist(), counts, strict=True):
        if value is None:
            missing += count
        else:
            made[value] = made.get(value, 0) + count
    return Labels(made, missing)


def _is_text(kind: Any) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return any(test(kind) for test in tests) or pa.types.is_large_binary(kind)


def _is_array(array: Any) -> bool:
    return isinstance(array, pa.Array)


def _plain(array: Any) -> np.typing.NDArray[np.float64]:
    made: np.typing.NDArray[np.float64] = array.cast(pa.float64()).to_numpy()
    return made


def _numpy(array: Any) -> np.typing.NDArray[Any]:
    made: np.typing.NDArray[Any] = array.to_numpy(zero_copy_only=False) if _is_array(array) else array.to_numpy()
    return made


def _chunks(array: Any) -> list[Any]:
    return list(array.chunks) if isinstance(array, pa.ChunkedArray) else [array]
