"""What an alert has to do at which evaluation, given when its condition holds."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Literal

from failsoft.alerts.simulate import Burn, burning
from failsoft.alerts.timeline import Timeline

__all__ = ["Promise", "State", "life", "turns"]

_HAIRS = (1 - Fraction(1, 10**9), 1 + Fraction(1, 10**9))

type State = Literal["fires", "quiet"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What an alert promises.

    Attributes:
        burn: its condition.
        step: milliseconds between evaluations.
        lag: milliseconds by which what is evaluated may be older than what happened.
        keep: milliseconds for which it goes on firing.
        wait: milliseconds for which its condition has to hold before it fires; whole steps.
    """

    burn: Burn
    step: int
    lag: int
    keep: int
    wait: int = 0


@lru_cache(maxsize=512)
def life(promise: Promise, timeline: Timeline) -> tuple[tuple[int, State], ...]:
    """An alert's life on a timeline: still quiet, first certain to fire, last certain to fire, quiet again.

    It must not fire at an evaluation before its condition ever held, nor within `wait` of that. It has to fire where
    the condition has held throughout the lag and `wait`, and from there on for `keep`; it has to be quiet where the
    condition has not held for the lag, an evaluation, and `keep` in whole steps.
    Rules compute in floats: within a hair of the threshold it is left open whether the condition holds.
    What is neither certain nor impossible is not said. A timeline on which it need not fire gives fewer moments.
    Kept for SLOs of the same numbers, of which a workspace has many.

    Returns:
        Evaluations, in milliseconds since the beginning, and what the alert does at them.
    """
    may, must = _burning(promise.burn, timeline)
    cell, step = timeline.cell, promise.step
    lag = -(-promise.lag // cell)
    kept = -(-promise.keep // step) * step // cell
    gone, waits = lag + kept + step // cell, promise.wait // cell
    ends = range(step // cell - 1, len(may), step // cell)
    first = next((end for end, holds in enumerate(may) if holds), len(may))
    still = [end for end in ends if end < first + waits]
    firing = [end for end in ends if end >= lag + waits and all(must[end - lag - waits : end + 1])]
    over = [end for end in ends if firing and end > firing[-1] and not any(may[max(0, end - gone) : end + 1])]
    last = [end for end in ends if firing and firing[0] < end <= firing[-1] + kept]
    picked: tuple[tuple[State, list[int]], ...] = (
        ("quiet", still[-1:]),
        ("fires", firing[:1]),
        ("fires", last[-1:]),
        ("quiet", over[:1]),
    )
    return tuple(((end + 1) * cell, state) for state, found in picked for end in found)


def turns(burn: Burn, timeline: Timeline) -> list[tuple[int, bool]]:
    """Where the condition of an alert begins to hold or ceases to: the last moment before, and the first one after.

    Args:
        burn: the condition.
        timeline: what happens.

    Returns:
        For each moment, how many cells have passed and whether the condition holds; within a hair of a threshold
        nothing is said.
    """
    may, must = _burning(burn, timeline)
    known = ((end, holds) for end, (maybe, holds) in enumerate(zip(may, must, strict=True)) if maybe == holds)
    runs = [[end for end, _ in run] for _, run in groupby(known, key=itemgetter(1))]
    found = []
    for before, after in pairwise(runs):
        found += [(end + 1, must[end]) for end in (before[-1], after[0])]
    return found


def _burning(burn: Burn, timeline: Timeline) -> tuple[list[bool], list[bool]]:
    """Whether it may burn, and whether it must, at the end of each cell."""
    may, must = (burning(timeline.events, replace(burn, above=burn.above * hair)) for hair in _HAIRS)
    return may, must
