"""The hour of the week of each row of a column of moments."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from failsoft.drift.data.arrow import Unreadable
from failsoft.drift.rhythm import FIRST_HOUR, HOURS

__all__ = ["hours_of"]

_NONE = -1
_SECONDS = {"s": 3_600, "ms": 3_600_000, "us": 3_600_000_000, "ns": 3_600_000_000_000}


def hours_of(array: Any) -> tuple[Sequence[str | None], np.typing.NDArray[np.intp]]:
    """Keys that are hours of the week in UTC, Monday 0 to 1 o'clock the first; None where there is no moment.

    Raises `Unreadable` on anything but moments and dates.

    >>> from datetime import datetime
    >>> hours_of(pa.array([datetime(1970, 1, 5, 0, 59), None, datetime(1970, 1, 5, 1)]))
    (['0', None, '1'], array([0, 1, 2]))
    """
    kind = array.type
    if pa.types.is_date(kind):
        array = array.cast(pa.timestamp("s")) if pa.types.is_date32(kind) else array.cast(pa.timestamp("ms"))
        kind = array.type
    if not pa.types.is_timestamp(kind):
        raise Unreadable(f"a column of type {kind} holds no moments")
    ticks = array.cast(pa.int64())
    absent = (
        ticks.is_null().to_numpy(zero_copy_only=False) if isinstance(ticks, pa.Array) else ticks.is_null().to_numpy()
    )
    filled = ticks.fill_null(0)
    values = filled.to_numpy(zero_copy_only=False) if isinstance(filled, pa.Array) else filled.to_numpy()
    hours = np.where(absent, _NONE, (values // _SECONDS[kind.unit] + FIRST_HOUR) % HOURS)
    found, first, codes = np.unique(hours, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return [None if hour == _NONE else str(hour) for hour in found[order].tolist()], place[codes].astype(np.intp)
