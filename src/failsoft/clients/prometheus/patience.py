"""How often a server that is there and cannot answer now is asked again, and after which pauses."""

from collections.abc import Callable
from time import sleep

from failsoft.errors import BusyError, UnavailableError

__all__ = ["TRIES", "patiently", "pause_after"]

TRIES = 6
_LONGEST_PAUSE = 60.0


def pause_after(tried: int, error: UnavailableError) -> float:
    """Seconds to wait after the first try (0) or a later one: as the server asks, and longer each time.

    >>> [pause_after(tried, UnavailableError("", delay=1.0)) for tried in range(TRIES - 1)]
    [1.0, 1.0, 2.0, 4.0, 8.0]
    >>> pause_after(0, UnavailableError("", delay=3600.0))
    60.0
    """
    return min(max(error.delay, 2.0**tried / 2), _LONGEST_PAUSE)


def patiently[T](ask: Callable[[], T]) -> T:
    """The answer, asked for again after a pause while the server is busy; every other error is final.

    Raises:
        BusyError: it was busy at each of six tries.
    """
    for tried in range(TRIES - 1):
        try:
            return ask()
        except BusyError as error:
            sleep(pause_after(tried, error))
    return ask()
