"""Time as chaos sees it, and patience: repeating a call while its error says that a retry may help."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from failsoft.errors import TemporaryError

__all__ = ["Clock", "SystemClock", "from_rfc3339", "persist", "rfc3339"]

_SHORTEST_PAUSE_S = 0.05


class Clock(Protocol):
    """The time, and waiting for it to pass."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def persist[T](call: Callable[[], T], *, until: float, clock: Clock) -> T:
    """What `call` returns, called again on each `TemporaryError` after the delay that it asks for.

    Args:
        call: what to do; it has to decide anew each time that it is called.
        until: the time after which the last error is raised, in seconds since the epoch.
        clock: tells the time and waits.
    """
    while True:
        try:
            return call()
        except TemporaryError as error:
            left = until - clock.now()
            if left <= 0:
                raise
            clock.sleep(max(_SHORTEST_PAUSE_S, min(error.delay, left)))


def rfc3339(at: float) -> str:
    """A time as Kubernetes' MicroTime writes it.

    >>> rfc3339(0.5)
    '1970-01-01T00:00:00.500000Z'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_rfc3339(text: str) -> float:
    """Seconds since the epoch. Raises `ValueError` on text that is no time.

    >>> from_rfc3339("1970-01-01T00:00:00.500000Z")
    0.5
    """
    return datetime.fromisoformat(text).timestamp()
