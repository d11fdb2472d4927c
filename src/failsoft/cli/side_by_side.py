"""`map` in two processes: for work that takes seconds, where the machine has more than one processor."""

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Sequence

from failsoft.workspace.spread import Spread

__all__ = ["can_halve", "halves", "halves_from"]


def can_halve() -> bool:
    """Whether there is a processor for a second process, and no thread that a copy of this one would lose."""
    return len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1


def halves_from(least: int) -> Spread:
    """`halves` for so many items or more where `can_halve`, else `map`."""

    def spread[T, R](function: Callable[[T], R], items: Sequence[T], /) -> Iterable[R]:
        return halves(function, items) if len(items) >= least and can_halve() else map(function, items)

    return spread


def halves[T, R](function: Callable[[T], R], items: Sequence[T], /) -> Iterable[R]:
    """What `map` gives, in the same order; a copy of this process does every second item.

    So both do about as much where small items come before large ones, as Models do before SLOs.

    The copy has the items already, so only its results travel. Where it fails, for want of memory or because somebody
    killed it, its half is done here: nothing is lost but time, and an error of `function` is raised as `map` does.
    """
    mine, other = items[::2], items[1::2]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(function, other, read, write)
    os.close(write)
    try:
        first = [function(item) for item in mine]
        with os.fdopen(read, "rb") as stream:
            answer = stream.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child, 0)
    second = pickle.loads(answer) if status == 0 else [function(item) for item in other]  # noqa: S301  # ours
    results: list[R] = [*first, *second]
    results[::2], results[1::2] = first, second
    return results


def _answer[T, R](function: Callable[[T], R], items: Sequence[T], read: int, write: int) -> None:
    """Write the results, and end without a trace in the files and buffers that the copy shares with the first."""
    failed = 1
    try:
        os.close(read)
        with os.fdopen(write, "wb") as stream:
            stream.write(pickle.dumps([function(item) for item in items], pickle.HIGHEST_PROTOCOL))
        failed = 0
    finally:
        os._exit(failed)
