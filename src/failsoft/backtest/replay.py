"""The burn-rate alerts of the compiled rules, replayed over what the rules would have recorded.

The arithmetic is that of `slo.records` and `alerts.burn`: sums of whole pulses, event-weighted ratios, the guard of bad
events, `for` and `keep_firing_for`. Counts are whole multiples of a power of two, so small that no sum loses a bit:
the difference of two sums is exact, and a window without events has none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import frexp, isfinite

from failsoft.backtest.track import Track, Values

__all__ = ["Run", "Sums", "episodes", "runs"]

_BITS = 52
_FINEST = 32
_NEVER = -1.0


@dataclass(frozen=True, slots=True)
class Run:
    """Evaluations at which an alert fires: the first one, and the first one at which it no longer does.

    `end` is the number of evaluations where it still fires at the last one.
    """

    start: int
    end: int


class Sums:
    """Sums over the windows of a track; each window ends at a step and includes it."""

    def __init__(self, track: Track) -> None:
        self.steps = track.span.steps
        self._unit = _unit(track.bad, track.total)
        self._bad, self._total = (_running(values, self._unit) for values in (track.bad, track.total))
        self._there = _counted(value is not None for value in track.total)
        # one value that is no number makes a sum that is none, and no alert fires on that
        wrong = [not _sound(b) or not _sound(t) for b, t in zip(track.bad, track.total, strict=True)]
        self._broken = _counted(wrong) if any(wrong) else None

    def ratio(self, end: int, steps: int) -> float | None:
        """Bad among all events; None where there are no events, or what is there is no number."""
        (found,) = self.ratios(range(end, end + 1), steps)
        return None if found < 0 else found

    def ratios(self, ends: range, steps: int) -> list[float]:
        """The same for steps in a row; below 0 where there is none."""
        bads, totals = (_windows(sums, ends, steps) for sums in (self._bad, self._total))
        found = [bad / total if total > 0 else _NEVER for bad, total in zip(bads, totals, strict=True)]
        return self._but_broken(found, ends, steps)

    def bad(self, end: int, steps: int) -> float:
        """Bad events."""
        return _windows(self._bad, range(end, end + 1), steps)[0] / self._unit

    def total(self, end: int, steps: int) -> float:
        """All events."""
        return _windows(self._total, range(end, end + 1), steps)[0] / self._unit

    def coverages(self, ends: range, steps: int) -> list[float]:
        """For steps in a row: what was recorded, among all steps of the window."""
        return [count / steps for count in _windows(self._there, ends, steps)]

    def coverage(self, end: int, steps: int) -> float:
        """The same for one."""
        return self.coverages(range(end, end + 1), steps)[0]

    def levels(self, ends: range, short: int, long: int, *, min_bad: int, pace: int = 0) -> list[float]:
        """For steps in a row the error ratio that both windows reach; below 0 where the guard or the data says no.

        An alert's condition holds where this is above its threshold, whatever that is.

        Args:
            ends: the steps.
            short: steps of the short window.
            long: steps of the long one.
            min_bad: bad events that the long window must hold.
            pace: steps within which there has to be a record at all, as there has to be of a group; 0 for no such rule.
        """
        enough = (min_bad - 0.5) * self._unit
        longs, shorts = self.ratios(ends, long), self.ratios(ends, short)
        bads = _windows(self._bad, ends, long)
        found = [
            min(of_long, of_short) if bad > enough else _NEVER
            for of_long, of_short, bad in zip(longs, shorts, bads, strict=True)
        ]
        if pace:
            there = _windows(self._there, ends, pace)
            found = [level if count else _NEVER for level, count in zip(found, there, strict=True)]
        return found

    def _but_broken(self, found: list[float], ends: range, steps: int) -> list[float]:
        if self._broken is None:
            return found
        return [_NEVER if n else one for one, n in zip(found, _windows(self._broken, ends, steps), strict=True)]


def runs(holding: Iterable[int], steps: int, *, keep: int, wait: int = 0) -> list[Run]:
    """When an alert fires.

    Args:
        holding: the evaluations at which its condition holds, in order.
        steps: how many evaluations there are.
        keep: evaluations for which it goes on after its condition ends.
        wait: evaluations for which the condition has to have held before.

    >>> runs([1, 4], 8, keep=2)
    [Run(start=1, end=7)]
    >>> runs([0, 1, 2], 4, keep=0, wait=1)
    [Run(start=1, end=3)]
    """
    found: list[Run] = []
    start, last, streak, before = -1, -1, -1, -2
    for at in holding:
        streak, before = (streak if at == before + 1 else at), at
        if start >= 0 and at <= last + keep + 1:
            last = at
            continue
        if start >= 0:
            found.append(Run(start, last + keep + 1))
            start = -1
        if at - streak >= wait:
            start = last = at
    if start >= 0:
        found.append(Run(start, min(last + keep + 1, steps)))
    return found


def episodes(several: Iterable[Run], silencing: Iterable[Run] = ()) -> list[Run]:
    """Runs that overlap or meet as one, those left out that lie within one of `silencing`.

    >>> episodes([Run(1, 4), Run(3, 6), Run(8, 9)], silencing=[Run(7, 10)])
    [Run(start=1, end=6)]
    """
    merged = _merged(several)
    quiet = _merged(silencing)
    return [one for one in merged if not any(by.start <= one.start and one.end <= by.end for by in quiet)]


def _merged(several: Iterable[Run]) -> list[Run]:
    found: list[Run] = []
    for one in sorted(several, key=lambda run: (run.start, run.end)):
        if found and one.start <= found[-1].end:
            found[-1] = Run(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def _unit(*several: Values) -> float:
    """Such a power of two that sums of its multiples are exact in floats."""
    largest = max(sum(abs(v) for v in values if v is not None and isfinite(v)) for values in several)
    return 2.0 ** min(_FINEST, _BITS - frexp(largest)[1])


def _running(values: Values, unit: float) -> list[float]:
    return [0.0, *accumulate(float(round(v * unit)) if v is not None and isfinite(v) else 0.0 for v in values)]


def _windows(sums: Sequence[float], ends: range, steps: int) -> list[float]:
    """The sums of so many steps before each end, that one included; shorter at the beginning."""
    first, behind = ends.start + 1 - steps, ends.stop + 1 - steps
    lows = [*([sums[0]] * min(len(ends), max(0, -first))), *sums[max(0, first) : max(0, behind)]]
    return [high - low for high, low in zip(sums[ends.start + 1 : ends.stop + 1], lows, strict=True)]


def _counted(flags: Iterable[bool]) -> list[float]:
    return [0.0, *accumulate(map(float, flags))]


def _sound(value: float | None) -> bool:
    return value is None or isfinite(value)
