"""Rows of Parquet, CSV and Arrow files, read a part at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from failsoft.drift.codes import DATA_COLUMNS, DATA_MISSING, DATA_UNREADABLE
from failsoft.drift.columns import Type
from failsoft.drift.data.csvs import CsvSource
from failsoft.drift.data.problems import reading, told
from failsoft.drift.data.rows import ArrowRows, vectors_in

__all__ = ["open_data"]

_ROWS_AT_ONCE = 16_384
_BUFFER = 1 << 16


def open_data(path: Path, *, delimiter: str = "", types: Mapping[str, Type] | None = None) -> ArrowRows:
    """The rows of a file: Parquet, CSV (`.csv`, `.tsv`) or Arrow IPC (`.arrow`, `.feather`, `.ipc`), by its name.

    Raises `DataError` where it is not there, cannot be read, or has columns that share a name.

    Args:
        path: the file.
        delimiter: of a CSV; looked for, when left out.
        types: of columns of a CSV, which has none of its own; guessed for the others.
    """
    shown = path.name
    if not path.is_file():
        message = "is a folder" if path.is_dir() else "is not there"
        raise told(DATA_MISSING, message, shown, expected="a Parquet, CSV or Arrow file")
    with reading(shown):
        match path.suffix.lower():
            case ".parquet" | ".pq":
                return _checked(ParquetSource(path))
            case ".csv" | ".tsv" | ".txt":
                return _checked(CsvSource(path, delimiter, types or {}))
            case ".arrow" | ".feather" | ".ipc":
                return _checked(ArrowSource(path))
            case other:
                raise told(
                    DATA_UNREADABLE, f"ends in {other!r}", shown, expected=".parquet, .csv, .tsv, .arrow or .feather"
                )


class ParquetSource(ArrowRows):
    """The rows of a Parquet file."""

    def __init__(self, path: Path) -> None:
        from pyarrow.parquet import ParquetFile

        self.shown = path.name
        self._path = path
        with ParquetFile(path) as file:
            schema = file.schema_arrow
            self.columns: Sequence[str] = tuple(schema.names)
            self.rows = file.metadata.num_rows
        self.vectors = vectors_in(schema)
        self._texts = [
            field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]

    def tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of some columns; no more than the pages at hand are in memory."""
        from pyarrow.parquet import ParquetFile

        texts = [name for name in self._texts if name in columns]
        with (
            reading(self.shown),
            ParquetFile(self._path, read_dictionary=texts, buffer_size=_BUFFER, pre_buffer=False) as file,
        ):
            yield from file.iter_batches(_ROWS_AT_ONCE, columns=list(columns))


class ArrowSource(ArrowRows):
    """The rows of an Arrow IPC file or stream."""

    def __init__(self, path: Path) -> None:
        self.shown = path.name
        self._path = path
        self.rows = 0
        with pa.memory_map(str(path)) as mapped:
            reader, batches = _opened(mapped)
            self.columns: Sequence[str] = tuple(reader.schema.names)
            self.vectors = vectors_in(reader.schema)
            for batch in batches:
                self.rows += batch.num_rows

    def tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of some columns; the file is mapped, not read."""
        with reading(self.shown), pa.memory_map(str(self._path)) as mapped:
            _, batches = _opened(mapped)
            for batch in batches:
                for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                    yield batch.slice(start, _ROWS_AT_ONCE).select(list(columns))


def _opened(mapped: Any) -> tuple[Any, Iterator[Any]]:
    try:
        file = pa.ipc.open_file(mapped)
    except pa.ArrowInvalid:
        mapped.seek(0)
        stream = pa.ipc.open_stream(mapped)
        return stream, iter(stream)
    return file, (file.get_batch(index) for index in range(file.num_record_batches))


def _checked[S: (ParquetSource, CsvSource, ArrowSource)](source: S) -> S:
    if twice := sorted(name for name, times in Counter(source.columns).items() if times > 1):
        raise told(DATA_COLUMNS, f"has more than one column {twice[0]!r}", source.shown)
    if not source.columns:
        raise told(DATA_UNREADABLE, "has no columns", source.shown)
    return source
