"""How old the data behind answers are: when each feature, index or cache was last brought up to date."""

import time
from collections.abc import Callable
from math import isfinite

from prometheus_client import REGISTRY, CollectorRegistry, Gauge

__all__ = ["UPDATED", "Freshness"]

UPDATED = "failsoft_data_updated_timestamp_seconds"
"""Gauge; labels model, data: the Unix time of the newest row or document that is served."""


class Freshness:
    """Exports when data were last brought up to date, for an SLO with `freshness: {youngerThan: ...}`.

    A time is exported and no age, so that a pipeline that dies grows older by itself.

    Args:
        model: the Model of the workspace that is served from them.
        registry: where the gauge is registered.
        clock: seconds since the epoch.

    >>> registry = CollectorRegistry()
    >>> Freshness("chat", registry=registry).updated("product-index", at=1_700_000_000)
    >>> registry.get_sample_value(UPDATED, {"model": "chat", "data": "product-index"})
    1700000000.0
    """

    def __init__(
        self, model: str, *, registry: CollectorRegistry = REGISTRY, clock: Callable[[], float] = time.time
    ) -> None:
        self._model = model
        self._clock = clock
        self._gauge = Gauge(UPDATED, "When data were last brought up to date.", ("model", "data"), registry=registry)

    def updated(self, data: str, *, at: float | None = None) -> None:
        """Say that data are up to date as of `at` (Unix time in seconds), now when left out.

        The time is that of the data, such as the event time of the newest row, and not that of the job's end, wherever
        it is known. Raises `ValueError` for what is no time, or lies more than a minute ahead: it would hide a lag.
        """
        now = self._clock()
        moment = now if at is None else float(at)
        if not isfinite(moment) or moment > now + 60:
            raise ValueError(f"{at} is no time up to now, in seconds since the epoch")
        self._gauge.labels(self._model, data).set(moment)
