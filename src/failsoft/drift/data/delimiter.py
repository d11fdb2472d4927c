"""Which character divides the columns of a CSV, or why nobody can say."""

import csv
from collections.abc import Iterable, Sequence

__all__ = ["DELIMITERS", "Undecided", "delimiter_of", "divided_by", "ragged"]

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
    fitting = [mark for mark in present if not ragged(lines[:_LINES], mark)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Undecided(f"may be divided by {' and '.join(map(repr, fitting))}", choose=True)
    wrong = "; ".join(f"when divided by {mark!r}, {ragged(lines[:_LINES], mark)}" for mark in present)
    raise Undecided(wrong, choose=len(present) > 1)


def divided_by(header: str, wrong: str) -> str:
    """Another delimiter that divides a header; empty where there is none."""
    others = (mark for mark in DELIMITERS if mark != wrong)
    return next((mark for mark in others if len(next(csv.reader([header], delimiter=mark))) > 1), "")


def ragged(lines: Iterable[str], mark: str) -> str:
    """The first row with another number of fields than the header, in words; empty where there is none.

    >>> ragged(["a,b", "1,2", "1,2,3"], ",")
    'line 3 has 3 fields, and the header 2'
    >>> ragged(["a,b", '"1,2', "3,4"], ",")
    'line 2 has 1 field, and the header 2 (a quote in it is open up to line 3)'
    """
    reader = csv.reader(lines, delimiter=mark)
    begins, header = 1, 0
    try:
        for row in reader:
            fields, header = len(row), header or len(row)
            if any(row) and fields != header:
                wrong = f"line {begins} has {fields} field{'s' if fields > 1 else ''}, and the header {header}"
                longer = reader.line_num > begins
                return wrong + (f" (a quote in it is open up to line {reader.line_num})" if longer else "")
            begins = reader.line_num + 1
    except csv.Error as error:
        return f"line {begins}: {error}"
    return ""
