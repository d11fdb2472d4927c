"""The series that are recorded for an SLO: increments that count once, and the sums and ratios over its windows.

Two clocks. Alerts have to be early, so the increments that they read are recorded once a pulse; a budget reads a whole
period of increments, so its own are recorded once a step, in a group of its own.

Increments. `increase` over one pulse (or step) would miss what happens between the last sample of one window and the
first sample of the next. Over a pulse and a scrape, less a millisecond, every window holds one sample more than it has
scrapes, whatever the phase, and the last sample of one window is the first of the next: scaled by pulse / range, the
increments between neighbouring windows meet and none counts twice. The millisecond keeps the sample that sits exactly
on a closed window's edge (Prometheus 2) out of two windows. The window ends a fifth of a scrape ago: a sample has the
time at which its scrape began and is there only when it has ended, so the newest one may be missing now and be too old
next time.

Definitions. The increments carry a hash of how they are counted, and are read by it: where a threshold is edited, what
was counted under the old one is no part of the new budget, and the coverage says how much is there.

Windows. The sum over a window reads exactly window / pulse records: in the group that records them every evaluation has
the records' own timestamps, so half a pulse less than the window leaves the oldest out on closed (Prometheus 2) and on
left-open (Prometheus 3) windows. A group that reads them at another phase finds the newest one up to a whole pulse old:
it takes the window and a millisecond, so that a window of one pulse is never empty.
"""

from fractions import Fraction
from typing import NamedTuple

from failsoft.slo.exclusions import all_exclusions, excluding
from failsoft.slo.groups import dropped, largest, split
from failsoft.slo.indicators import Score, Slices
from failsoft.slo.promql import Matcher, number, quoted, range_text, selector
from failsoft.slo.resolve import Objective
from failsoft.slo.series import (
    BAD,
    BAD_SUM,
    BUDGET_OF_ALL,
    BUDGET_REMAINING,
    BURN_RATE,
    COVERAGE,
    ERROR_RATIO,
    EXCLUDED,
    EXCLUDED_BAD,
    EXCLUDED_BAD_SUM,
    EXCLUDED_TIME,
    EXCLUDED_TOTAL,
    EXCLUDED_TOTAL_SUM,
    EXCLUSION_ACTIVE,
    EXHAUSTION,
    FRESH,
    GROUP,
    GROUPS,
    GROUPS_DROPPED,
    OBJECTIVE,
    OTHER_GROUP,
    PULSE_BAD,
    PULSE_TOTAL,
    TOTAL,
    TOTAL_SUM,
)
from failsoft.workspace.model import Workspace

__all__ = [
    "Count",
    "Record",
    "bad_sum",
    "budget_records",
    "count_labels",
    "count_matchers",
    "error_ratio",
    "exclusion_records",
    "freshness",
    "increments",
    "labels_of",
    "pulse_records",
    "pulses_of",
    "state_records",
    "step_records",
    "steps_of",
]

_LOOKBACK = 240_000


class Record(NamedTuple):
    """A recording rule: the series, its lines of PromQL and the labels it gets."""

    name: str
    expression: str
    labels: tuple[tuple[str, str], ...]


def labels_of(objective: Objective, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The labels slo, model and team, and then `more`."""
    return (("slo", objective.name), ("model", objective.model), ("team", objective.team), *more)


def count_labels(objective: Objective) -> tuple[tuple[str, str], ...]:
    """The labels of the recorded increments."""
    return labels_of(objective, ("definition", objective.definition))


def count_matchers(objective: Objective) -> tuple[Matcher, ...]:
    """What finds the recorded increments of an SLO as it is defined now, whoever owned it."""
    return Matcher("slo", "=", objective.name), Matcher("definition", "=", objective.definition)


def _found_by(objective: Objective) -> str:
    """The same as text."""
    return f"{{slo={quoted(objective.name)}, definition={quoted(objective.definition)}}}"


class Count(NamedTuple):
    """The series that increments are recorded in, and every how many milliseconds."""

    bad: str
    total: str
    every: int


def pulses_of(objective: Objective) -> Count:
    """Where the increments are recorded that alerts read."""
    return Count(PULSE_BAD, PULSE_TOTAL, objective.pulse)


def steps_of(objective: Objective) -> Count:
    """Where the increments are recorded that budgets read."""
    return Count(BAD, TOTAL, objective.step)


def pulse_records(objective: Objective) -> tuple[Record, ...]:
    """Bad and all events of one pulse; before them, which groups are counted by themselves, and how many are not."""
    count = pulses_of(objective)
    if not objective.cap:
        return _counted(objective, count, "")
    members, pace = _members(objective), objective.tiers[0].long
    alone = (*count_matchers(objective), Matcher(GROUP, "!=", OTHER_GROUP))
    recorded = selector(PULSE_TOTAL, alone, _reach(count.every, pace, same_group=True))
    _, total = increments(objective, count.every)
    mine = labels_of(objective)
    return (
        Record(GROUPS, largest(total, recorded, pace // count.every, objective.cap), mine),
        Record(GROUPS_DROPPED, dropped(total, members), mine),
        *_counted(objective, count, members),
    )


def step_records(objective: Objective) -> tuple[Record, Record]:
    """Bad and all events of one step; the groups are those of the last pulse."""
    members = _members(objective)
    if objective.pulse > _LOOKBACK:
        members = f"last_over_time({members}[{range_text(objective.pulse * 3 // 2)}])"
    return _counted(objective, steps_of(objective), members)


def _counted(objective: Objective, count: Count, members: str) -> tuple[Record, Record]:
    """There are no events where it is not known which of them were bad.

    Else a bucket that goes missing would read as all good.
    """
    bad, total = increments(objective, count.every)
    if objective.cap:
        bad, total = split(f"({bad})", members), split(total, members)
    labels, known = count_labels(objective), f"{count.bad}{_found_by(objective)}"
    on = f"and on({GROUP if objective.cap else ''}) {known}"
    return Record(count.bad, bad, labels), Record(count.total, f"{total}\n{on}", labels)


def increments(objective: Objective, every: int) -> tuple[str, str]:
    """PromQL of the bad and of all events of the last `every` milliseconds, from the raw series."""
    sli = objective.sli
    if isinstance(sli, Slices):
        return sli.bad(every), f"({sli.total(every)})"
    reach = every + objective.scrape - 1
    scale = f"* {every} / {reach}"
    return f"({sli.bad(reach, objective.delay)})\n{scale}", f"{sli.total(reach, objective.delay)}\n{scale}"


def _members(objective: Objective) -> str:
    return f"{GROUPS}{{slo={quoted(objective.name)}}}"


def bad_sum(objective: Objective, window: int, *, same_group: bool = True) -> Record:
    """Bad events of `window` milliseconds."""
    expression = _summed(objective, PULSE_BAD, _reach(objective.pulse, window, same_group=same_group))
    expression += _current(objective, PULSE_TOTAL, window)
    return Record(BAD_SUM, expression, labels_of(objective, ("window", range_text(window))))


def error_ratio(objective: Objective, window: int, *, same_group: bool = True, summed: bool = False) -> Record:
    """Bad among all events of `window` milliseconds; nothing, rather than NaN, where there were none.

    Where the bad ones are `summed` already, by an earlier rule of the same group, they are not read again.
    """
    reach = _reach(objective.pulse, window, same_group=same_group)
    bad = _max(objective, _recorded(objective, BAD_SUM, window)) if summed else _summed(objective, PULSE_BAD, reach)
    expression = f"{bad}\n/ ({_summed(objective, PULSE_TOTAL, reach)} > 0)"
    expression += "" if summed else _current(objective, PULSE_TOTAL, window)
    return Record(ERROR_RATIO, expression, labels_of(objective, ("window", range_text(window))))


def budget_records(objective: Objective) -> tuple[Record, ...]:
    """The events of a step, and of the period: error ratio, what is left of the budget, how much was recorded at all.

    They stand in one group, so that each reads what the one before has just recorded. A tier that looks back over all
    of the period has recorded its error ratio already.
    """
    steps = max(1, round(objective.period / objective.step))
    reach = _reach(objective.step, steps * objective.step, same_group=True)
    of_period = labels_of(objective, ("window", range_text(objective.period)))
    total, spent = (_recorded(objective, name, objective.period) for name in (TOTAL_SUM, ERROR_RATIO))
    current = _current(objective, TOTAL, objective.period)
    ratio = Record(ERROR_RATIO, f"{_summed(objective, BAD, reach)}\n/ ({_max(objective, total)} > 0)", of_period)
    elsewhere = any(objective.period == tier.long for tier in objective.tiers)
    if elsewhere:
        spent = f"last_over_time({spent}[{range_text(objective.pulse * 3 // 2)}])"
    counted = _range(objective, TOTAL, reach)
    labels = labels_of(objective)
    return (
        *step_records(objective),
        Record(TOTAL_SUM, _summed(objective, TOTAL, reach) + current, of_period),
        *(() if elsewhere else (ratio,)),
        Record(
            BUDGET_OF_ALL if objective.exclusions else BUDGET_REMAINING,
            f"1 - {_max(objective, spent)} / {number(objective.budget)}",
            labels,
        ),
        Record(COVERAGE, f"sum{_by(objective)}(count_over_time({counted})) / {steps}{current}", labels),
        *(_excluding(objective, reach, spent) if objective.exclusions else ()),
    )


def _excluding(objective: Objective, reach: int, spent: str) -> tuple[Record, ...]:
    """What is excluded, and the budget without it; a step is left out where it touches an excluded time."""
    labels, counted = labels_of(objective), count_labels(objective)
    of_period = labels_of(objective, ("window", range_text(objective.period)))
    found = _found_by(objective)
    now = f"{EXCLUDED}{{slo={quoted(objective.name)}}}"
    total, bad_out, total_out = (
        _max(objective, _recorded(objective, name, objective.period))
        for name in (TOTAL_SUM, EXCLUDED_BAD_SUM, EXCLUDED_TOTAL_SUM)
    )
    sums = (
        Record(name, f"{_summed(objective, of, reach)}\nor 0 * {total}", of_period)
        for name, of in ((EXCLUDED_BAD_SUM, EXCLUDED_BAD), (EXCLUDED_TOTAL_SUM, EXCLUDED_TOTAL))
    )
    on = GROUP if objective.cap else ""
    out = f"{_max(objective, spent)} * on({on}) {total} - on({on}) {bad_out}"
    left = f"{total} - on({on}) {total_out}"
    seconds = number(Fraction(objective.step, 1000))
    return (
        Record(EXCLUDED, excluding(objective.exclusions, objective.step + objective.scrape), labels),
        Record(EXCLUDED_BAD, f"{BAD}{found} and on() ({now} == 1)", counted),
        Record(EXCLUDED_TOTAL, f"{TOTAL}{found} and on() ({now} == 1)", counted),
        *sums,
        Record(EXCLUDED_TIME, f"sum(sum_over_time({now}[{range_text(reach)}])) * {seconds}", of_period),
        Record(
            BUDGET_REMAINING,
            f"1 - clamp_min({out}, 0)\n/ on({on}) ({left} > 0)\n/ {number(objective.budget)}",
            labels,
        ),
    )


def exclusion_records(workspace: Workspace) -> tuple[Record, ...]:
    """Whether each Exclusion excludes now, with who says so and why."""
    return tuple(
        Record(
            EXCLUSION_ACTIVE,
            excluding((one,), 0),
            (("exclusion", one.name), ("author", one.author), ("reason", one.reason)),
        )
        for one in all_exclusions(workspace)
    )


def state_records(objective: Objective) -> tuple[Record, ...]:
    """What people look at and no alert reads: objective, burn rates, how long the budget lasts."""
    slo, pace = objective.name, range_text(objective.tiers[0].long)
    # recorded in another group: the newest one is up to a pulse old
    ratios = selector(ERROR_RATIO, (Matcher("slo", "=", slo),), max(objective.step, objective.pulse * 3 // 2))
    ratios = f"max{_by(objective, 'window')}(last_over_time({ratios}))"
    left = _max(objective, f"{BUDGET_REMAINING}{{slo={quoted(slo)}}}")
    burning = f"({_max(objective, _recorded(objective, BURN_RATE, objective.tiers[0].long))} > 0)"
    labels = labels_of(objective)
    return (
        Record(
            OBJECTIVE,
            f"vector({number(1 - objective.budget)})",
            labels_of(objective, ("window", range_text(objective.period))),
        ),
        Record(BURN_RATE, f"{ratios} / {number(objective.budget)}", labels),
        Record(
            EXHAUSTION,
            f"clamp_min({left}, 0) * {number(Fraction(objective.period, 1000))} / {burning}",
            labels_of(objective, ("window", pace)),
        ),
    )


def freshness(objective: Objective, score: Score) -> Record:
    """Whether the evaluation behind a drift SLO is fresh."""
    return Record(FRESH, score.fresh(), labels_of(objective))


def _reach(every: int, window: int, *, same_group: bool) -> int:
    return window - every // 2 if same_group else window + 1


def _summed(objective: Objective, name: str, reach: int) -> str:
    # summed again, for an SLO that changed hands has records of both owners
    return f"sum{_by(objective)}(sum_over_time({_range(objective, name, reach)}))"


def _max(objective: Objective, recorded: str) -> str:
    return f"max{_by(objective)}({recorded})"


def _by(objective: Objective, *labels: str) -> str:
    """What aggregates one SLO's series into one, or into one for each of its groups."""
    kept = (*labels, *([GROUP] if objective.cap else []))
    return f" by ({', '.join(kept)}) " if kept else ""


def _current(objective: Objective, name: str, window: int) -> str:
    """Of groups, only those seen in the fastest tier's long window: else a long one would hold all that ever were."""
    pace = objective.tiers[0].long
    if not objective.cap or window <= pace:
        return ""
    return f"\nand on({GROUP}) count_over_time({_range(objective, name, pace)})"


def _range(objective: Objective, name: str, reach: int) -> str:
    return f"{name}{_found_by(objective)}[{range_text(reach)}]"


def _recorded(objective: Objective, name: str, window: int) -> str:
    return f'{name}{{slo={quoted(objective.name)}, window="{range_text(window)}"}}'
