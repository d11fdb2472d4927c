"""What every source of rows shares: tables of Arrow, as columns or, key by key, as the columns of the rows of each."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from failsoft.drift.codes import DATA_UNREADABLE
from failsoft.drift.columns import Column, column_of, labelled
from failsoft.drift.data.arrow import Unreadable, column_of_arrow, is_vector
from failsoft.drift.data.problems import first_line, told
from failsoft.drift.source import Keys

__all__ = ["ArrowRows", "TableSource", "some_texts", "texts_of", "vectors_in"]


class ArrowRows:
    """Rows that come as tables of Arrow.

    Attributes:
        shown: the name of the source, for findings.
        columns: the names, each once.
        rows: about how many rows there are.
        vectors: those columns that hold lists of numbers.
    """

    shown: str
    columns: Sequence[str]
    rows: int
    vectors: Sequence[str] = ()

    def tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of some columns, in parts that fit in memory: tables or record batches of Arrow."""
        raise NotImplementedError

    def batches(self, columns: Sequence[str]) -> Iterator[Mapping[str, Column]]:
        """All rows of some columns, in parts that fit in memory."""
        for table in self.tables(columns):
            yield _columns(table, columns, self.shown)

    def keyed(
        self, columns: Sequence[str], key: str, keys: Keys | None = None
    ) -> Iterator[tuple[str | None, Mapping[str, Column]]]:
        """The same, the rows of each key apart.

        Args:
            columns: which.
            key: the column whose values tell rows apart.
            keys: how; by the text that a value has as a category, when left out. None is the key of missing values.
        """
        for table in self.tables([*columns, *([] if key in columns else [key])]):
            for name, part in divided(table, key, keys or texts_of, self.shown):
                yield name, _columns(part, columns, self.shown)


class TableSource(ArrowRows):
    """The rows of a table of Arrow that is in memory."""

    def __init__(self, table: Any, shown: str) -> None:
        self.shown = shown
        self.columns = tuple(table.schema.names)
        self.rows = table.num_rows
        self.vectors = vectors_in(table.schema)
        self._table = table

    def tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of some columns, in one part."""
        yield self._table.select(list(columns))


def vectors_in(schema: Any) -> tuple[str, ...]:
    """The columns of a schema of Arrow that hold lists of numbers."""
    return tuple(field.name for field in schema if is_vector(field.type))


def divided(table: Any, key: str, keys: Keys, shown: str) -> Iterator[tuple[str | None, Any]]:
    """The rows of each key of a table.

    >>> table = pa.table({"x": [1, 2, 3], "k": ["b", "a", "b"]})
    >>> {name: part.column("x").to_pylist() for name, part in divided(table, "k", texts_of, "t")}
    {'b': [1, 3], 'a': [2]}
    """
    names, codes = _keys(table, key, keys, shown)
    order = np.argsort(codes, kind="stable")
    sorted_ = table.take(pa.array(order))
    ends = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for index, name in enumerate(names):
        low, high = int(ends[index]), int(ends[index + 1])
        if high > low:
            yield name, sorted_.slice(low, high - low)


def texts_of(array: Any) -> tuple[Sequence[str | None], np.typing.NDArray[np.intp]]:
    """Keys that are the texts of values as categories; None where there is no value.

    >>> texts_of(pa.array([True, None, False, True]))
    (['true', None, 'false'], array([0, 1, 2, 0]))
    """
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(whole, pa.ChunkedArray):  # more than one chunk is left where a chunk cannot hold it all
        whole = pa.concat_arrays(whole.chunks)
    encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode(null_encoding="encode")
    values = encoded.dictionary
    plain = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    names = values.to_pylist() if plain else [_text(values.slice(index, 1)) for index in range(len(values))]
    codes = encoded.indices
    if codes.null_count:
        codes, names = codes.fill_null(len(names)), [*names, None]
    return names, codes.to_numpy(zero_copy_only=False).astype(np.intp)


def some_texts(chosen: Container[str]) -> Keys:
    """Keys that are texts as `texts_of` has them, of some values only; all other rows have the key None."""

    def keys(array: Any) -> tuple[Sequence[str | None], np.typing.NDArray[np.intp]]:
        names, codes = texts_of(array)
        kept = np.array([name is not None and name in chosen for name in names], dtype=bool)
        place = np.where(kept, np.cumsum(kept) - 1, kept.sum())
        return [*(name for name, is_kept in zip(names, kept, strict=True) if is_kept), None], place[codes]

    return keys


def _text(one: Any) -> str | None:
    counts = labelled(column_of(column_of_arrow(one))).counts
    return next(iter(counts), None)


def _keys(table: Any, key: str, keys: Keys, shown: str) -> tuple[Sequence[str | None], np.typing.NDArray[np.intp]]:
    try:
        return keys(table.column(table.schema.get_field_index(key)))
    except (Unreadable, pa.ArrowException) as error:
        raise told(DATA_UNREADABLE, f"{key!r}: {first_line(error)}", shown) from None


def _columns(table: Any, names: Sequence[str], shown: str) -> dict[str, Column]:
    made = {}
    for name in names:
        try:
            made[name] = column_of_arrow(table.column(table.schema.get_field_index(name)))
        except (Unreadable, pa.ArrowException) as error:
            raise told(DATA_UNREADABLE, f"{name!r}: {first_line(error)}", shown) from None
    return made
