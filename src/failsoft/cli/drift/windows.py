"""Held-out windows from files: each file one window, or cut into windows of so many rows as they come."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from failsoft.cli.drift.files import Told, opened, stop
from failsoft.cli.drift.score import counted
from failsoft.findings import Finding, Place

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile
    from failsoft.drift.alarms.counted import WindowCounts
    from failsoft.drift.data.rows import TableSource

__all__ = ["held_out"]

_ROWS_AT_ONCE = 65_536


def held_out(
    profile: "ReferenceProfile", paths: Sequence[Path], rows: int, form: str, delimiter: str
) -> "tuple[list[WindowCounts], list[int]]":
    """The counts and the rows of each window, in the order of time; ends the command where a file cannot be read.

    Args:
        profile: whose bins.
        paths: the files, in the order of time.
        rows: of a window; 0 where each file is one. What is left at the end of the last file is no window.
        form: of findings.
        delimiter: of a CSV; looked for, when empty.
    """
    from failsoft.drift import WrongColumnError, codes
    from failsoft.drift.alarms.counted import window_counts
    from failsoft.drift.stratified import count

    told = Told("counting windows")
    made: list[WindowCounts] = []
    sizes: list[int] = []
    if not rows:
        for path in paths:
            window, _ = counted(profile, path, form, delimiter)
            made.append(window_counts(window))
            sizes.append(window.rows)
            told(len(made), len(paths), "windows")
        return made, sizes
    from failsoft.drift.data import DataError  # `counted` and `_cut` say what is missing where it is not installed

    for source in _cut(profile, paths, rows, form, delimiter):
        try:
            window = count(profile, source)
        except DataError as error:
            stop([error.finding], form)
        except WrongColumnError as error:
            stop([Finding(codes.COLUMN_TYPE, str(error), Place(source.shown))], form)
        made.append(window_counts(window))
        sizes.append(window.rows)
        told(len(made), 0, "windows")
    return made, sizes


def _cut(
    profile: "ReferenceProfile", paths: Sequence[Path], rows: int, form: str, delimiter: str
) -> "Iterator[TableSource]":
    import pyarrow as pa

    from failsoft.drift import codes
    from failsoft.drift.data.rows import TableSource

    names = profile.columns
    left: Any = None
    for path in paths:
        source = opened(path, form, delimiter=delimiter)  # what is wrong with the file is said here, in words
        if gone := [name for name in names if name not in source.columns]:
            stop([Finding(codes.COLUMN_GONE, f"has no column {name!r}", Place(path.name)) for name in gone], form)
        try:
            for batch in _batches(path, profile, delimiter):
                table = pa.Table.from_batches([batch])
                left = table if left is None else pa.concat_tables([left, table], promote_options="permissive")
                whole = left.num_rows // rows
                for at in range(whole):
                    yield TableSource(left.slice(at * rows, rows), path.name)
                left = left.slice(whole * rows)
        except (pa.ArrowException, OSError, EOFError, ValueError) as error:
            first = (str(error) or type(error).__name__).splitlines()[0]
            stop([Finding(codes.DATA_UNREADABLE, f"cannot be read: {first}", Place(path.name))], form)


def _batches(path: Path, profile: "ReferenceProfile", delimiter: str) -> Iterator[Any]:
    """The rows of a file in their order."""
    from pyarrow import csv, dataset

    suffix = path.suffix.lower()
    layout: Any = {".parquet": "parquet", ".pq": "parquet"}.get(suffix, "ipc")
    if suffix in {".csv", ".tsv", ".txt"}:
        layout = dataset.CsvFileFormat(
            parse_options=csv.ParseOptions(delimiter=delimiter or _delimiter(path), newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types=_types(profile), strings_can_be_null=True),
        )
    rows = dataset.dataset(path, format=layout)
    yield from rows.to_batches(columns=list(profile.columns), batch_size=_ROWS_AT_ONCE, use_threads=False)


def _delimiter(path: Path) -> str:
    from itertools import islice

    from failsoft.drift.data.delimiter import delimiter_of

    with path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
        return delimiter_of([line.rstrip("\r\n") for line in islice(stream, 50)])


def _types(profile: "ReferenceProfile") -> dict[str, Any]:
    """What a CSV's columns are read as; the first rows of a file do not say what the others are."""
    import pyarrow as pa

    types = {"number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}
    kinds = {
        name: "number" if feature.kind == "histogram" else feature.type for name, feature in profile.features.items()
    }
    return {name: types[kind] for name, kind in kinds.items() if kind in types}
