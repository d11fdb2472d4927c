"""When an alert has to fire, from the events themselves: windows that slide over what happened, and nothing else.

This file knows the numbers that an SLO promises (windows, thresholds, the guard) and a stream of events. It does not
know PromQL, records, steps of windows or groups, so what it expects of the compiled rules is no echo of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

__all__ = ["Burn", "Events", "burning", "share"]


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of events, counted in cells of time.

    Attributes:
        cell: milliseconds of one cell; every window is a multiple of it.
        total, bad: events in each cell; cell i is the time from i x cell (exclusive) to (i + 1) x cell.
    """

    cell: int
    total: tuple[int, ...]
    bad: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Burn:
    """What an alert promises.

    Attributes:
        short, long: milliseconds.
        above: the error ratio that both windows have to exceed.
        min_bad: the bad events that the long window has to hold.
    """

    short: int
    long: int
    above: Fraction
    min_bad: int


def burning(events: Events, burn: Burn) -> list[bool]:
    """Whether the alert's condition holds at the end of each cell.

    >>> events = Events(60_000, total=(10,) * 6, bad=(0, 0, 0, 10, 10, 0))
    >>> burning(events, Burn(short=60_000, long=180_000, above=Fraction(1, 2), min_bad=5))
    [False, False, False, False, True, False]
    """
    total, bad = _running(events.total), _running(events.bad)
    short, long = burn.short // events.cell, burn.long // events.cell
    held = []
    for end in range(1, len(total)):
        in_long = bad[end] - bad[max(0, end - long)]
        in_short = bad[end] - bad[max(0, end - short)]
        of_long = total[end] - total[max(0, end - long)]
        of_short = total[end] - total[max(0, end - short)]
        above = burn.above
        held.append(in_long >= burn.min_bad and in_long > above * of_long and in_short > above * of_short > 0)
    return held


def share(events: Events, window: int, end: int) -> Fraction:
    """The share of bad events in the `window` milliseconds before the end of cell `end`; 0 where there were none.

    >>> share(Events(1000, total=(10, 10), bad=(0, 5)), 2000, 1)
    Fraction(1, 4)
    """
    first = max(0, end + 1 - window // events.cell)
    total = sum(events.total[first : end + 1])
    return Fraction(sum(events.bad[first : end + 1]), total) if total else Fraction(0)


def _running(counts: Sequence[int]) -> list[int]:
    return [0, *accumulate(counts)]
