"""Held-out windows from files: each file one window, or cut into windows of so many rows as they come."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from failsoft.cli.drift.files import Told, opened, stop
from failsoft.cli.drift.score import counted, types_of
from failsoft.findings import Finding, Place

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile
    from failsoft.drift.alarms.counted import WindowCounts
    from failsoft.drift.data.rows import TableSource

__all__ = ["held_out"]


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
    from failsoft.drift import codes
    from failsoft.drift.data import DataError
    from failsoft.drift.data.problems import reading
    from failsoft.drift.data.rows import TableSource

    names = profile.columns
    left: Any = None
    for path in paths:
        source = opened(path, form, delimiter=delimiter, types=types_of(profile))
        if gone := [name for name in names if name not in source.columns]:
            stop([Finding(codes.COLUMN_GONE, f"has no column {name!r}", Place(path.name)) for name in gone], form)
        try:
            for part in source.tables(names):
                with reading(path.name):
                    table = _plain(part)
                left = table if left is None else _joined(left, table, path.name)
                whole = left.num_rows // rows
                for at in range(whole):
                    yield TableSource(left.slice(at * rows, rows), path.name)
                left = left.slice(whole * rows)
        except DataError as error:
            stop([error.finding], form)


def _joined(left: Any, table: Any, shown: str) -> Any:
    """What is left of the files before, and what comes now; raises `DataError` where their types differ."""
    import pyarrow as pa

    from failsoft.drift.codes import DATA_UNREADABLE
    from failsoft.drift.data.problems import first_line, told

    try:
        return pa.concat_tables([left, table], promote_options="permissive")
    except pa.ArrowException as error:
        message = f"does not go on from the file before: {first_line(error)}"
        raise told(DATA_UNREADABLE, message, shown) from None


def _plain(part: Any) -> Any:
    """A part of a file as a table without dictionaries, which differ from part to part."""
    import pyarrow as pa

    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in part.columns
    ]
    return pa.table(columns, names=part.schema.names)
