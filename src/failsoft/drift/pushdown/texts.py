"""Categories as an engine gives them back, by the text that a column in memory would have."""

from collections.abc import Iterable
from math import isnan
from typing import Any, Literal

from failsoft.drift.columns import Labels, number_text

__all__ = ["labels_of"]


def labels_of(grouped: Iterable[tuple[Any, int]], type_: Literal["text", "boolean", "number"]) -> Labels:
    """Rows by category.

    Args:
        grouped: each value with its rows; None and NaN are missing.
        type_: of the reference.

    >>> labels_of([(True, 3), (None, 1)], "boolean")
    Labels(counts={'true': 3}, missing=1, type='boolean')
    """
    counts: dict[str, int] = {}
    missing = 0
    for value, rows in grouped:
        if value is None or (isinstance(value, float) and isnan(value)):
            missing += rows
        else:
            name = _text(value)
            counts[name] = counts.get(name, 0) + rows
    return Labels(counts, missing, type_)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(value)
