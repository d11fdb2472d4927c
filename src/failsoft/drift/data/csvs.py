"""Rows of a CSV file: its delimiter is looked for, its types are guessed and widened where a later row needs it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from failsoft.drift.codes import COLUMN_TYPE, DATA_UNREADABLE
from failsoft.drift.columns import Type
from failsoft.drift.data.delimiter import Undecided, delimiter_of, divided_by, ragged
from failsoft.drift.data.problems import first_line, reading, told
from failsoft.drift.data.rows import ArrowRows

__all__ = ["CsvSource", "rows_in_line"]

_BLOCK = 4 << 20
_LINES = 50
_BYTES_A_ROW = 8
_WORDS = {"double": "number", "bool": "boolean", "string": "text"}
_FAILED = re.compile(r"In CSV column #(\d+): (?:Row #\d+: )?CSV conversion error to (\w+)")


class CsvSource(ArrowRows):
    """The rows of a CSV file with a header.

    Args:
        path: the file, in UTF-8.
        delimiter: of its columns; looked for, when empty.
        types: of columns; guessed for the others.
    """

    def __init__(self, path: Path, delimiter: str, types: Mapping[str, Type]) -> None:
        self.shown = path.name
        self._path = path
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
            lines = [line.rstrip("\r\n") for line in islice(stream, _LINES)]
        try:
            self._delimiter = delimiter or delimiter_of(lines)
        except Undecided as error:
            hint = "say which with --delimiter" if error.choose else ""
            raise told(DATA_UNREADABLE, str(error), self.shown, hint=hint) from None
        with rows_in_line(path, self._delimiter), self._open({}) as reader:
            self.columns: Sequence[str] = tuple(reader.schema.names)
        if delimiter and len(self.columns) == 1 and (other := divided_by(lines[0], delimiter)):
            message = f"is not divided by {delimiter!r}, but by {other!r}"
            raise told(DATA_UNREADABLE, message, self.shown, hint="leave out --delimiter: it is looked for")
        self._wanted = {name: arrow for name, type_ in types.items() if (arrow := _arrow(type_)) is not None}
        self._guessed: dict[str, Any] = {}
        self.rows = path.stat().st_size // (_BYTES_A_ROW * max(1, len(self.columns))) + 1

    def tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of some columns, a block of the file at a time.

        Raises `DataError` where a row is not of the type that was wanted, or where the file is no CSV.
        """
        with reading(self.shown), rows_in_line(self._path, self._delimiter):
            self._settle(columns)
            yield from self._read(columns)

    def _read(self, columns: Sequence[str]) -> Iterator[Any]:
        types = {name: self._wanted.get(name, self._guessed.get(name)) for name in columns}
        try:
            with self._open(types, columns) as reader:
                yield from reader
        except pa.ArrowInvalid as error:
            name = self._failed(error)
            if name not in self._wanted:
                raise
            value = str(error).rpartition(": ")[2].removeprefix("invalid value ")
            message = f"{name!r} has a value that is no {_WORDS.get(str(types[name]), types[name])}: {value}"
            raise told(COLUMN_TYPE, message, self.shown) from None

    def _settle(self, columns: Sequence[str]) -> None:
        """Guess the types of columns so that all rows have them: from the first block on, wider where a row fails."""
        unknown = [name for name in columns if name not in self._guessed and name not in self._wanted]
        if not unknown:
            return
        with self._open({}, unknown) as reader:
            types = {
                field.name: pa.float64() if pa.types.is_null(field.type) else field.type for field in reader.schema
            }
        while True:
            try:
                with self._open(types, unknown) as reader:
                    for _ in reader:
                        pass
            except pa.ArrowInvalid as error:
                name = self._failed(error)
                if name not in types or pa.types.is_string(types[name]):
                    raise
                types[name] = pa.float64() if pa.types.is_integer(types[name]) else pa.string()
            else:
                self._guessed |= types
                return

    def _failed(self, error: Exception) -> str:
        found = _FAILED.search(str(error))
        return self.columns[int(found[1])] if found and int(found[1]) < len(self.columns) else ""

    def _open(self, types: Mapping[str, Any], columns: Sequence[str] = ()) -> Any:
        from pyarrow import csv

        return csv.open_csv(
            self._path,
            read_options=csv.ReadOptions(block_size=_BLOCK),
            parse_options=csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict(types), include_columns=list(columns), strings_can_be_null=True
            ),
        )


@contextmanager
def rows_in_line(path: Path, delimiter: str) -> Iterator[None]:
    """What pyarrow cannot parse, as a `DataError` that says which line has how many fields."""
    try:
        yield
    except pa.ArrowInvalid as error:
        if "CSV parse error" not in str(error):
            raise
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
            first = ragged(stream, delimiter) or f"cannot be read: {first_line(error)}"
        raise told(DATA_UNREADABLE, first, path.name) from None


def _arrow(type_: Type) -> Any:
    """The type of Arrow to read a column as; None where it is to be guessed."""
    return {"number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}.get(type_)
