"""One number from Prometheus, or the reason why there is none; nothing here ever turns missing data into a value."""

import math
from dataclasses import dataclass

from failsoft.clients.prometheus import Prometheus
from failsoft.errors import FailsoftError

__all__ = ["Reading", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, or None and why.

    Attributes:
        value: finite; None when there is no data.
        why: why there is none.
    """

    value: float | None
    why: str = ""


def read(prometheus: Prometheus, expression: str, *, at: float | None = None) -> Reading:
    """The one value of an expression. Nothing, NaN, infinity, several series and an absent server are no data."""
    try:
        samples = prometheus.query(expression, at=at)
    except FailsoftError as error:
        return Reading(None, str(error))
    if not samples:
        return Reading(None, "Prometheus has no data")
    if len(samples) > 1:
        return Reading(None, f"Prometheus has {len(samples)} series where one is expected")
    if not math.isfinite(samples[0].value):
        return Reading(None, f"Prometheus says {samples[0].value}")
    return Reading(samples[0].value)
