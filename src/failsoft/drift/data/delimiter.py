"""Which character divides the columns of a CSV, or why nobody can say."""

import csv
from collections.abc import Sequence

__all__ = ["DELIMITERS", "Undecided", "delimiter_of"]

DELIMITERS = (",", ";", "\t", "|")
"""What is looked for."""

_LINES = 50


class Undecided(ValueError):  # noqa: N818  # it is caught and told as a finding
    """Two characters may be the delimiter, or none divides all lines alike."""


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
    fitting = [mark for mark in present if len({len(row) for row in csv.reader(seen, delimiter=mark)}) == 1]
    if len(fitting) == 1:
        return fitting[0]
    shown = " and ".join(repr(mark) for mark in fitting or [mark for mark in DELIMITERS if mark in "".join(seen)])
    if fitting:
        raise Undecided(f"may be divided by {shown}")
    raise Undecided(f"is divided by {shown}, but not all lines in as many fields as the header")
