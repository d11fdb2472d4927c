"""What a model makes of its features, from the command line: `name=weight`, or a file of both."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from failsoft.errors import UsageError

__all__ = ["importances"]

_LARGEST = 1_000_000
_PAIR = 2


def importances(given: Sequence[str]) -> dict[str, float]:
    """Weights by column. Raises `UsageError` where one is no weight, or a file cannot be read.

    Args:
        given: `name=weight`, or the name of a file: a JSON object, or a CSV with a name and a weight in each line, of
            which the first may be a header.
    """
    found: dict[str, float] = {}
    for text in given:
        name, equals, weight = text.rpartition("=")
        pairs = [(name, weight)] if equals and not Path(text).exists() else _of_file(Path(text))
        for column, value in pairs:
            found[column] = _weight(column, value, text)
    return found


def _of_file(path: Path) -> list[tuple[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            text = stream.read(_LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--importance {path}: neither NAME=WEIGHT nor a file that can be read: {why}") from None
    if text.lstrip().startswith("{"):
        try:
            return list(json.loads(text).items())
        except json.JSONDecodeError as error:
            raise UsageError(f"--importance {path}: line {error.lineno} is no JSON: {error.msg}") from None
    return list(_lines(text, path))


def _lines(text: str, path: Path) -> Iterator[tuple[str, Any]]:
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if not row:
            continue
        if len(row) != _PAIR:
            raise UsageError(f"--importance {path}: line {number} has {len(row)} fields; expected a name and a weight")
        if number > 1 or _number(row[1]) is not None:  # else it is a header
            yield row[0], row[1]


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _weight(column: str, value: Any, given: str) -> float:
    found = _number(value)
    if found is None or not isfinite(found) or found < 0:
        raise UsageError(f"--importance {given}: the weight of {column!r} is {value!r}; expected a number from 0 on")
    return found
