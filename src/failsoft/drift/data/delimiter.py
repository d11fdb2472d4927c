"""Which character divides the columns of a CSV, or why nobody can say."""

import csv
from collections.abc import Sequence

__all__ = ["DELIMITERS", "Undecided", "delimiter_of", "divided_by"]

DELIMITERS = (",", ";", "\t", "|")
"""What is looked for."""

_LINES = 50


class Undecided(ValueError):  # noqa: N818  # it is caught and told as a finding
    """Two characters may be the delimiter, or none divides all lines alike.

    Attributes:
        choose: whether naming the delimiter can help.
    """

    def __init__(self, message: str, *, choose: bool = False) -> None:
        super().__init__(message)
        self.choose = choose


def delimiter_of(lines: Sequence[str]) -> str:
    """The delimiter that divides each of the first lines in as many fields as the header; a comma for one column.

    Raises `Undecided` where there is more than one, or where none does though one is in the header.

    >>> delimiter_of(["a;b", "1,5;2", "2,5;3"])
    ';'
    >>> delimiter_of(["name", "ann", "ben"])
    ','
    """
    seen = [line for line in lines[:_LINES] if line.strip()]
    if not seen:
        raise Undecided("has no header")
    present = [mark for mark in DELIMITERS if mark in seen[0]]
    if not present:
        return ","
    fitting = [mark for mark in present if not _ragged(lines, mark)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Undecided(f"may be divided by {' and '.join(map(repr, fitting))}", choose=True)
    ragged = "; ".join(f"when divided by {mark!r}, {_ragged(lines, mark)}" for mark in present)
    raise Undecided(ragged, choose=len(present) > 1)


def divided_by(header: str, wrong: str) -> str:
    """Another delimiter that divides a header; empty where there is none."""
    others = (mark for mark in DELIMITERS if mark != wrong)
    return next((mark for mark in others if len(next(csv.reader([header], delimiter=mark))) > 1), "")


def _ragged(lines: Sequence[str], mark: str) -> str:
    """The first line with another number of fields than the header, in words; empty where there is none."""
    reader = csv.reader(lines[:_LINES], delimiter=mark)
    rows = ((reader.line_num, len(row)) for row in reader if any(row))
    _, header = next(rows)
    wrong = next(((line, fields) for line, fields in rows if fields != header), None)
    if wrong is None:
        return ""
    line, fields = wrong
    return f"line {line} has {fields} field{'s' if fields > 1 else ''}, and the header {header}"
