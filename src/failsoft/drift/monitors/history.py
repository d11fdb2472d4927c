"""Windows of the past, from range queries: how a model's signals were counted, one window after another."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from failsoft.clients.prometheus.port import Sample, Series
from failsoft.drift.distribution import Categories, Distribution, Histogram
from failsoft.drift.monitors.window import Unusable, Why, read_categories, read_histogram
from failsoft.workspace.kinds.engine import Signal
from failsoft.workspace.quantities import Duration

__all__ = ["MOST_WINDOWS", "History", "Window", "added", "read_history", "windows"]

MOST_WINDOWS = 20_000
"""More windows than this are too many to hold."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One signal in one window after another.

    Attributes:
        counted: by the end of a window, seconds since the epoch, in order; all over the same bins.
        left_out: windows whose counts could not be read or have other bins.
        reason: why the newest of those could not be read; empty where all could.
    """

    counted: Mapping[float, Distribution]
    left_out: int = 0
    reason: str = ""

    def within(self, ends: Collection[float]) -> "History":
        """The same, of some windows only."""
        counted = {end: window for end, window in self.counted.items() if end in ends}
        reason = self.reason or "the revision was not served by itself in any window"
        return History(counted, self.left_out, self.reason if counted else reason)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """All signals in one window that holds enough rows.

    Attributes:
        end: seconds since the epoch.
        seconds: its length.
        counts: by signal.
    """

    end: float
    seconds: float
    counts: Mapping[str, Distribution]


def read_history(signal: Signal, answers: Sequence[Series]) -> History:
    """One signal's windows, over the bins of the newest one that can be read.

    Args:
        signal: what was counted.
        answers: to `counts_query` at the end of each window.
    """
    samples: dict[float, list[Sample]] = {}
    for series in answers:
        for at, value in series.points:
            samples.setdefault(at, []).append(Sample(series.labels, value, at))
    read = _reader(signal)
    cuts: tuple[float, ...] | None = None
    counted: dict[float, Distribution] = {}
    refused: list[str] = []
    for at in sorted(samples, reverse=True):
        found = read(samples[at], cuts)
        if isinstance(found, Unusable):
            refused += [found.reason] if found.why is Why.NOT_COMPARABLE else []
            continue
        cuts = found.cuts if isinstance(found, Histogram) else None
        counted[at] = found
    if not samples:
        unread = read([], None)
        refused = [unread.reason] if isinstance(unread, Unusable) else []
    return History(dict(reversed(counted.items())), len(refused), refused[0] if refused else "")


def _reader(signal: Signal) -> Callable[[Sequence[Sample], tuple[float, ...] | None], Distribution | Unusable]:
    categories = signal.categories
    if categories is None:
        return read_histogram
    return lambda samples, _: read_categories(samples, categories.by)


def windows(histories: Mapping[str, History], length: Duration, most: Duration, min_rows: int) -> Iterator[Window]:
    """The windows in which every signal has enough rows, in order of time; neighbours are joined until they have.

    What has too few rows within `most`, as at the end of a quiet night, is no window.

    Args:
        histories: by signal.
        length: of what was counted.
        most: the longest window.
        min_rows: of every signal.
    """
    ends = sorted(set.intersection(*(set(history.counted) for history in histories.values())))
    held: dict[str, list[Distribution]] = {}
    since = last = 0.0
    for end in ends:
        if not held or end - last > length.seconds * 1.5:
            held, since = {name: [] for name in histories}, end - length.seconds
        last = end
        for name, history in histories.items():
            held[name].append(history.counted[end])
        if min(fsum(part.rows for part in parts) for parts in held.values()) >= min_rows:
            yield Window(end, end - since, {name: added(parts) for name, parts in held.items()})
            held = {}
        elif end - since + length.seconds > most.seconds + 0.5 * length.seconds:
            held = {}


def added(parts: Sequence[Distribution]) -> Distribution:
    """The rows of some windows together; they have the same bins, and there is at least one."""
    if isinstance(parts[0], Histogram):
        each = [part.counts for part in parts if isinstance(part, Histogram)]
        return Histogram(parts[0].cuts, tuple(map(fsum, zip(*each, strict=True))))
    counts: dict[str, float] = {}
    for part in parts:
        if isinstance(part, Categories):
            for name, count in part.counts.items():
                counts[name] = counts.get(name, 0.0) + count
    return Categories(counts)
