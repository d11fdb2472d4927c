"""`map` in two processes: for work that takes seconds, where the machine has more than one processor."""

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import Struct

from failsoft.workspace.spread import Spread

__all__ = ["can_share", "shared", "shared_from"]

_PARTS = 64
"""Into how many parts work is cut: the two end at about the same time, however fast each of them is."""

_LENGTH = Struct("Q")


def can_share() -> bool:
    """Whether there is a processor for a second process, and no thread that a copy of this one would lose."""
    return len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1


def shared_from(least: int, meanwhile: Callable[[], object] = lambda: None) -> Spread:
    """`shared` for so many items or more where `can_share`, else `map`; `meanwhile` is called here in either case."""

    def spread[T, R](function: Callable[[T], R], items: Sequence[T], /) -> Iterable[R]:
        if len(items) >= least and can_share():
            return shared(function, items, meanwhile)
        meanwhile()
        return map(function, items)

    return spread


def shared[T, R](
    function: Callable[[T], R], items: Sequence[T], /, meanwhile: Callable[[], object] = lambda: None
) -> Iterable[R]:
    """What `map` gives, in the same order; a copy of this process does a part, which is about a half.

    Work is cut into parts of items from everywhere, and whoever is done with one takes the next. The copy has the items
    already, so only its results travel. Where it fails, for want of memory or because somebody killed it, its parts are
    done here: nothing is lost but time, and an error of `function` is raised as `map` does.

    Args:
        function: what is done with each item.
        items: what it is done with.
        meanwhile: called here once the copy is at work.
    """
    parts = [items[first::_PARTS] for first in range(min(_PARTS, len(items)))]
    done: dict[int, list[R]] = {}
    copy = _Copy(lambda part: [function(item) for item in parts[part]], len(parts))
    try:
        meanwhile()
        for part in copy.taken(1):
            done[part] = [function(item) for item in parts[part]]
            done |= copy.arrived(wait=False)
        while arrived := copy.arrived(wait=True):
            done |= arrived
    finally:
        copy.end()
    for part, mine in enumerate(parts):
        if part not in done:
            done[part] = [function(item) for item in mine]
    return [done[place % _PARTS][place // _PARTS] for place in range(len(items))]


class _Copy[R]:
    """A copy of this process that does parts of its work.

    Whoever wants a part takes its number out of a pipe. The results lie in a file in memory, and a second pipe says how
    long each is: so the copy waits for nobody, and ends where nobody is there to hear it.
    """

    def __init__(self, work: Callable[[int], list[R]], parts: int) -> None:
        self._parts = parts
        self._tickets, given = os.pipe()
        os.write(given, bytes(range(2, parts)))  # each of the two begins with one of its own
        os.close(given)
        self._results, self._read = os.memfd_create("results"), 0
        self._told, telling = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            self._work(work, telling)
        os.close(telling)

    def taken(self, first: int) -> Iterator[int]:
        """The parts that fall to one of the two."""
        if first < self._parts:
            yield first
            while ticket := os.read(self._tickets, 1):
                yield ticket[0]

    def arrived(self, *, wait: bool) -> dict[int, list[R]]:
        """The results of the copy that were not there before; where one waits and there are none, it has ended."""
        os.set_blocking(self._told, wait)
        done = {}
        try:
            lengths = os.read(self._told, 64 * _LENGTH.size)
        except BlockingIOError:
            return {}
        for (length,) in _LENGTH.iter_unpack(lengths):
            part, results = pickle.loads(os.pread(self._results, length, self._read))  # noqa: S301  # ours
            self._read += length
            done[part] = results
        return done

    def end(self) -> None:
        """End it, whether it is done or not."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        for descriptor in (self._tickets, self._results, self._told):
            os.close(descriptor)

    def _work(self, work: Callable[[int], list[R]], telling: int) -> None:
        """Do what falls to the copy; it leaves no trace in the files and buffers that it shares with the first."""
        failed = 1
        os.close(self._told)  # with one reader, the first process, its end is told by the next result
        try:
            with open(self._results, "wb", buffering=0, closefd=False) as results:  # it has no path
                for part in self.taken(0):
                    raw = memoryview(pickle.dumps((part, work(part)), pickle.HIGHEST_PROTOCOL))
                    sent = 0
                    while sent < len(raw):
                        sent += results.write(raw[sent:])
                    os.write(telling, _LENGTH.pack(len(raw)))
            failed = 0
        finally:
            os._exit(failed)
