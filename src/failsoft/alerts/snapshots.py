"""Moments by which windows are proven: what is recorded until then, and whether a tier burns, or what is left.

What a rule makes of the increments of a window depends on these alone, however they came to be recorded. So it is asked
once, at the one moment that decides and with all that came before, instead of being evaluated through days. How
increments are recorded, when, and what `for` and `keep_firing_for` add, is told by stories that begin with raw series.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

from failsoft.alerts.expect import turns
from failsoft.alerts.simulate import Burn, share
from failsoft.alerts.story import Budget, Check, Scenario
from failsoft.alerts.timeline import Series, Stretch, Timeline, critical, run
from failsoft.slo.indicators import Score
from failsoft.slo.promql import Matcher, number, quoted, range_text, selector
from failsoft.slo.records import Count, count_labels, labels_of, pulses_of, steps_of
from failsoft.slo.resolve import Objective
from failsoft.slo.series import BUDGET_OF_ALL, BUDGET_REMAINING, BURN_ALERT, BURN_RATE, COVERAGE, ERROR_RATIO, GROUP

__all__ = ["MOMENTS", "Snapshots", "histories", "snapshots_of"]

MOMENTS = 14
"""So many prove a tier: two of each history."""

_OVER = Fraction(3, 2)
_MANY = 1000
_HARDLY = Fraction(1, _MANY)
_QUARTER = Fraction(1, 4)
_SPENT = 4
"""Budgets that are spent: so many times as much is wrong with what is left as is wrong with the budget."""
_EXACT = Fraction(1, 10**6)
_LATER = 2
"""Milliseconds from what was recorded last to the evaluation: a tier in a group of its own then reads its windows to
the pulse, as it does on a server, where groups have phases. At the very same instant it would read one pulse more."""


class Snapshots(NamedTuple):
    """Stories of which only the end is evaluated: all of them end after so many milliseconds."""

    at: int
    scenarios: tuple[Scenario, ...]


def snapshots_of(objective: Objective) -> Snapshots:
    """For each tier the moments at which it begins to burn and ceases to, and what is left at the end of a period."""
    moments = [
        (tier.name, timeline, burns)
        for tier in objective.tiers
        for timeline, burns in _moments(Burn(tier.short, tier.long, tier.threshold, objective.min_bad), objective.pulse)
    ]
    period = _period(objective)
    ends = [period.cells * period.cell, *(timeline.cells * timeline.cell for _, timeline, _ in moments)]
    at = -(-max(ends) // objective.step) * objective.step + _LATER
    return Snapshots(at, (*(_burns(objective, at, *one) for one in moments), _left(objective, at, period)))


def _burns(objective: Objective, at: int, tier: str, timeline: Timeline, burns: bool) -> Scenario:  # noqa: FBT001
    check = Check(at, BURN_ALERT, (("slo", objective.name), ("burn_tier", tier)), "fires" if burns else "quiet", True)
    series = _recorded(objective, pulses_of(objective), timeline, at)
    if isinstance(objective.sli, Score):
        series += critical(objective.sli, at // timeline.cell)
    name = f"has recorded {range_text(timeline.cells * timeline.cell)} for {tier}"
    return Scenario(name, timeline.cell, series, (check,))


@lru_cache(maxsize=512)
def _moments(burn: Burn, cell: int) -> tuple[tuple[Timeline, bool], ...]:
    """What is recorded before and at the last turn of each history."""
    return tuple(
        (timeline.until(cells), burns)
        for stretches in histories(burn, cell)
        for timeline in (Timeline(cell, stretches),)
        for cells, burns in turns(burn, timeline)[-2:]
    )


def histories(burn: Burn, cell: int) -> Iterator[tuple[Stretch, ...]]:
    """Each ends when it has turned, at one pulse: what decides is a pulse with many events that leaves a window.

    So whatever whole number of cells the windows are, the long one at least one more than the short one, for thresholds
    of up to 99.99 % of errors; closer to all of them, a turn may be within a hair of the threshold, and is not told.
    """
    short, long = burn.short // cell, burn.long // cell
    # enough that a thousandth of the bad events is a few, and so of the good ones where these are rare
    each = ceil(4 * max(_MANY, burn.min_bad) / min(burn.above, 1 - burn.above))
    limit, ratio = each * burn.above, min(Fraction(1), burn.above * _OVER)
    below, above = floor(limit * (1 - _HARDLY)), min(each, ceil(limit * (1 + _HARDLY)))
    # so many errors among so many good events make the threshold
    odds = burn.above / (1 - burn.above)
    # errors at 1.5 times the threshold, after health
    yield Stretch(long, each, 0), Stretch(ceil(long * burn.above / ratio) + 2, 2 * each, ceil(2 * each * ratio))
    # errors leave the short window, in which there are hardly too few then; the long one has enough of them
    burst = ceil(odds * each * long)
    yield Stretch(long, each, below), Stretch(1, burst, burst), Stretch(short, each, below)
    # errors leave the long window, in which there are hardly too few then; the short one has enough of them, for good
    # events are at both ends of the long one. A short one of one pulse needs errors in two; where the long one has none
    # besides, the errors have left it already, and then there are enough
    few, many = (1, 2 * each) if short > 1 else (min(2, long - 1), each)
    again = floor(odds * many / few * (1 - _HARDLY))
    last = Stretch(1, each, 0) if short > 1 else Stretch(1, again, again)
    yield (
        Stretch(1, burst, burst),
        Stretch(1, each, 0),
        Stretch(max(0, long - 3), 0, 0),
        Stretch(1, again, again),
        last,
    )
    # good events leave the short window, in which there are hardly enough errors then, as there are in the long one
    spare = above / burn.above - each
    good = ceil(spare * min(short + (long - short) * _QUARTER, long - _OVER))
    yield Stretch(long, each, above), Stretch(1, good, 0), Stretch(short, each, above)
    # good events leave the long window, in which there are hardly enough errors then, as there are in the short one
    yield Stretch(1, each * long, 0), Stretch(long, each, above)
    # as many as the guard asks for have left the long window, in which there is one less then, and then one more
    less = burn.min_bad - 1
    yield Stretch(1, burn.min_bad, burn.min_bad), Stretch(long - 1, 0, 0), Stretch(1, less, less), Stretch(1, 1, 1)
    # one that the guard asks for leaves the long window
    yield Stretch(1, 1, 1), Stretch(long - 2, 0, 0), Stretch(1, less, less), Stretch(1, 0, 0)


def _period(objective: Objective) -> Timeline:
    """A step with many errors that the period holds no more, one that it still holds, and health."""
    least, most = objective.period // objective.step, -(-objective.period // objective.step)
    spent = min(Fraction(9, 10), _SPENT * objective.budget)
    burst = ceil(spent / (1 - spent) * (least - 1) * _MANY)
    between = [Stretch(most - least, _MANY, 0)]
    stretches = (Stretch(1, 2 * burst, 2 * burst), *between, Stretch(1, burst, burst), Stretch(least - 1, _MANY, 0))
    return Timeline(objective.step, stretches)


def _left(objective: Objective, at: int, timeline: Timeline) -> Scenario:
    """What is left of the budget to the millionth, how fast it went, and that all of the period is covered."""
    end, step = timeline.cells - 1, objective.step
    windows = {objective.period // step * step, -(-objective.period // step) * step}
    left = [1 - share(timeline.events, window, end) / objective.budget for window in windows]
    series = BUDGET_OF_ALL if objective.exclusions else BUDGET_REMAINING
    recorded = _recorded(objective, steps_of(objective), timeline, at)
    if any(tier.long == objective.period for tier in objective.tiers):
        # that tier records the error ratio of the period, and is proven by itself
        name = _named(objective, ERROR_RATIO, labels_of(objective, ("window", range_text(objective.period))))
        recorded += ((name, f"_x{at // step} {number(share(timeline.events, objective.period, end))}"),)
    mine, middle = f"slo={quoted(objective.name)}", (min(left) + max(left)) / 2
    burned = f'max({BURN_RATE}{{{mine}, window="{range_text(objective.period)}"}})'
    apart = number(max(left) - middle + _EXACT)
    return Scenario(
        "has recorded a period and a step",
        step,
        recorded,
        (),
        Budget(at, min(left) - _EXACT, max(left) + _EXACT, series),
        (
            (f"max({COVERAGE}{{{mine}}})", at, Fraction(1)),
            (f"abs({burned} - {number(1 - middle)}) < bool {apart}", at, Fraction(1)),
        ),
    )


def _recorded(objective: Objective, count: Count, timeline: Timeline, at: int) -> Series:
    """The increments of a timeline as they are recorded; it ends at that moment, and there is nothing before it.

    In the middle the SLO changes hands: what was recorded until then is another team's.
    """
    mine = count_labels(objective)
    theirs = tuple((label, "another team" if label == "team" else value) for label, value in mine)
    begin, half = 1 + at // timeline.cell - timeline.cells, timeline.cells // 2
    parts = (theirs, begin, timeline.until(half)), (mine, begin + half, timeline.since(half))
    return tuple(
        (_named(objective, name, labels), " ".join([f"_x{absent}", *values]))
        for labels, absent, part in parts
        for name, values in (
            (count.bad, [run(one.bad, 0, one.cells) for one in part.stretches if one.cells]),
            (count.total, [run(one.total, 0, one.cells) for one in part.stretches if one.cells]),
        )
        if values
    )


def _named(objective: Objective, name: str, labels: tuple[tuple[str, str], ...]) -> str:
    """A recorded series; where there are groups, that of one of them."""
    pairs = (*labels, (GROUP, "one group")) if objective.cap else labels
    return selector(name, tuple(Matcher(label, "=", value) for label, value in pairs))
