"""Counts of flagged answers: their shares with an interval, and alarms on shares with a declared limit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Self

from failsoft.drift.answers.answer import CHECKS, Examined

__all__ = ["Limited", "Tally", "interval", "watch_limits"]

_Z = 1.959963984540054


@dataclass(slots=True)
class Tally:
    """How many answers each check looked at and flagged. Tallies of parts add up to that of the whole.

    Attributes:
        answers: all of them.
        checked, flagged: by check.
    """

    answers: int = 0
    checked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    flagged: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))

    def add(self, examined: Examined) -> None:
        """Count one more answer."""
        self.answers += 1
        for name, flag in examined.flags.items():
            if flag is not None:
                self.checked[name] += 1
                self.flagged[name] += flag

    def merge(self, other: Self) -> None:
        """Count all of another tally."""
        self.answers += other.answers
        for name in CHECKS:
            self.checked[name] += other.checked[name]
            self.flagged[name] += other.flagged[name]


def interval(events: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, "Probable inference", JASA 22 (1927)); all of [0, 1] for no rows.

    >>> [round(end, 4) for end in interval(3, 100)], interval(0, 0)
    ([0.0103, 0.0845], (0.0, 1.0))
    """
    if not rows:
        return 0.0, 1.0
    share, more = events / rows, _Z * _Z / rows
    middle = share + more / 2
    width = _Z * sqrt(share * (1 - share) / rows + more / (4 * rows))
    low, high = (middle - width) / (1 + more), (middle + width) / (1 + more)
    return max(0.0, low) if events else 0.0, min(1.0, high) if events < rows else 1.0  # no rounding at the ends


@dataclass(frozen=True, slots=True)
class Limited:
    """A share with a declared limit, watched over windows.

    Attributes:
        check: the check.
        limit: the largest share that was declared as bearable.
        alarms: the windows at whose end it alarmed, counted from 0.
        windows: how many there were with an answer that the check could look at.
    """

    check: str
    limit: float
    alarms: tuple[int, ...]
    windows: int


def watch_limits(windows: Sequence[Tally], limits: Mapping[str, float], windows_between: float) -> tuple[Limited, ...]:
    """Whether shares went beyond their limits, with false alarms at most once in `windows_between` windows on average.

    The detector is that of `failsoft.drift.alarms.bounds`: it holds for a limit that was declared, however long it
    watches; what was learned from answers has an error of its own, and is compared as two samples (`drift score`).

    Args:
        windows: in the order of time.
        limits: by check, in (0, 1).
        windows_between: windows in 30 days over the false alarms that are bearable in them; 1 or more.
    """
    return tuple(_watched(windows, check, limit, windows_between) for check, limit in limits.items())


def _watched(windows: Iterable[Tally], check: str, limit: float, between: float) -> Limited:
    import numpy as np

    from failsoft.drift.alarms.bounds import Bound, start, watch

    bound, evidence, alarms, seen = Bound(limit, between), start(), [], 0
    for index, window in enumerate(windows):
        if not window.checked[check]:
            continue
        seen += 1
        events, rows = np.array([window.flagged[check]]), np.array([window.checked[check]])
        evidence, alarm = watch(bound, evidence, events, rows)
        if alarm[0]:
            alarms.append(index)
    return Limited(check, limit, tuple(alarms), seen)
