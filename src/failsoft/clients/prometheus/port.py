"""The small interface through which everything in failsoft asks Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Prometheus", "Sample", "Series"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of an instant vector; `value` may be NaN or infinite, `at` is in seconds since the epoch."""

    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a range query; `points` are (seconds since the epoch, value), in order."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class Prometheus(Protocol):
    """A Prometheus server. Every method blocks; call it from a thread where an event loop runs.

    Every method raises `UnavailableError` when the server answers 5xx or something that is not its API (`TooSlowError`
    when it does not answer in time), `RefusedError` when it refuses the query (`TooLargeError` when that asks for too
    much), and `PermanentError` when it refuses us. No data is an empty tuple, never an error.
    """

    def query(self, expression: str, *, at: float | None = None) -> tuple[Sample, ...]:
        """An instant query, now or at a time (seconds since the epoch). A scalar is one sample without labels."""

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> tuple[Series, ...]:
        """A range query; all three in seconds."""
