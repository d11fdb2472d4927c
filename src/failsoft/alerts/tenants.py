"""The stories of an SLO with groups: one burns, a new one appears and fails, and there are more than the cap."""

from fractions import Fraction
from math import ceil
from typing import NamedTuple

from failsoft.alerts.expect import Promise, State, life
from failsoft.alerts.timeline import Series, Stretch, Timeline, series_of
from failsoft.slo.groups import with_value
from failsoft.slo.indicators import Events
from failsoft.slo.promql import quoted
from failsoft.slo.resolve import Objective
from failsoft.slo.series import GROUPS_DROPPED, OTHER_GROUP, PULSE_TOTAL

__all__ = ["Clock", "Tale", "tales_of"]

_EACH = 10
_BEYOND = 2
_MORE = 3


class Clock(NamedTuple):
    """Milliseconds of a cell, cells of a pulse, and cells by which what is evaluated may be late."""

    cell: int
    per_pulse: int
    lag: int


class Tale(NamedTuple):
    """One story.

    Attributes:
        name: in words, after "when it".
        series: what the groups count.
        moments: milliseconds, a group and what its fastest alert does.
        asked: expressions, when they are asked, and the one value that they have.
    """

    name: str
    series: Series
    moments: tuple[tuple[int, str, State], ...]
    asked: tuple[tuple[str, int, Fraction], ...] = ()


def tales_of(objective: Objective, events: Events, promise: Promise, clock: Clock) -> tuple[Tale, ...]:
    """The stories of groups, by the fastest tier of the SLO."""
    fastest = objective.tiers[0]
    each = max(_EACH, objective.min_bad)
    before = fastest.long // clock.cell + clock.per_pulse // 2
    during = ceil(fastest.long * fastest.threshold / clock.cell) + 2 * clock.per_pulse + clock.lag
    during += -(before + during) % clock.per_pulse

    def lived(first: int, then: int, bad: int) -> Timeline:
        return Timeline(clock.cell, (Stretch(before, first, 0), Stretch(during, then, bad)))

    def counted(group: str, timeline: Timeline) -> Series:
        return series_of(with_value(events, group), timeline)

    end = (before + during) * clock.cell
    healthy, failing = lived(each, each, 0), lived(each, each, each)
    fails = life(promise, failing)
    acme = counted("acme", healthy)
    quiet: tuple[int, str, State] = (end, "acme", "quiet")
    one = Tale(
        "has one group that burns",
        (*acme, *counted("umbrella", failing)),
        (*((at, "umbrella", state) for at, state in fails), quiet),
    )
    late = counted("newcomer", Timeline(clock.cell, (Stretch(during, each, each),)))
    comes = life(promise, lived(0, each, each))
    new = Tale(
        "has a new group that fails",
        (*acme, *((name, f"_x{before} {values}") for name, values in late)),
        (*((at, "newcomer", state) for at, state in comes), quiet),
    )
    members = [f"group-{index}" for index in range(objective.cap)]
    small = [f"small-{index}" for index in range(_BEYOND)]
    busy = lived(_MORE * each, _MORE * each, 0)
    other = life(promise, lived(_BEYOND * each, _BEYOND * each, _BEYOND * each))
    mine = f"{{slo={quoted(objective.name)}}}"
    many = Tale(
        "has more groups than its cap",
        tuple(one for group in members for one in counted(group, busy))
        + tuple(one for group in small for one in counted(group, failing)),
        (*((at, OTHER_GROUP, state) for at, state in other), (end, members[0], "quiet"), (end, small[0], "quiet")),
        (
            (f"max({GROUPS_DROPPED}{mine})", end, Fraction(_BEYOND)),
            (f"count({PULSE_TOTAL}{mine})", end, Fraction(objective.cap + 1)),
        ),
    )
    return one, new, many
