"""The series that are recorded for an SLO: increments that count once, and the sums and ratios over its windows.

Increments. `increase` over one step would miss what happens between the last sample of one window and the first sample
of the next. Over a step and a scrape, less a millisecond, every window holds one sample more than it has scrapes,
whatever the phase, and the last sample of one window is the first of the next: scaled by step / range, the increments
between neighbouring windows meet and none counts twice. The millisecond keeps the sample that sits exactly on a closed
window's edge (Prometheus 2) out of two windows. The window ends a fifth of a scrape ago: a sample has the time at which
its scrape began and is there only when it has ended, so the newest one may be missing now and be too old next time.

Definitions. The increments carry a hash of how they are counted, and are read by it: where a threshold is edited, what
was counted under the old one is no part of the new budget, and the coverage says how much is there.

Windows. The sum over a window reads exactly window / step records: in the group that records them every evaluation has
the records' own timestamps, so half a step less than the window leaves the oldest out on closed (Prometheus 2) and on
left-open (Prometheus 3) windows. A group that reads them at another phase finds the newest one up to a whole step old:
it takes the window and a millisecond, so that a window of one step is never empty.
"""

import hashlib
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from failsoft.slo.groups import dropped, largest, split
from failsoft.slo.indicators import Score, Sli, Slices
from failsoft.slo.promql import Matcher, number, quoted, range_text, selector
from failsoft.slo.resolve import Objective
from failsoft.slo.series import (
    BAD,
    BAD_SUM,
    BUDGET_REMAINING,
    BURN_RATE,
    COVERAGE,
    ERROR_RATIO,
    EXHAUSTION,
    FRESH,
    GROUP,
    GROUPS,
    GROUPS_DROPPED,
    OBJECTIVE,
    OTHER_GROUP,
    TOTAL,
    TOTAL_SUM,
)

__all__ = [
    "Record",
    "bad_sum",
    "budget_records",
    "count_labels",
    "count_matchers",
    "count_records",
    "error_ratio",
    "freshness",
    "labels_of",
    "state_records",
]

_HASHED_WINDOW = 3_600_000


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
    return labels_of(objective, ("definition", _definition(objective.sli)))


def count_matchers(objective: Objective) -> tuple[Matcher, ...]:
    """What finds the recorded increments of an SLO as it is defined now, whoever owned it."""
    return _matchers(objective.name, objective.sli)


def _matchers(slo: str, sli: Sli) -> tuple[Matcher, ...]:
    return Matcher("slo", "=", slo), Matcher("definition", "=", _definition(sli))


@lru_cache(maxsize=4096)
def _found_by(slo: str, sli: Sli) -> str:
    """The same as text, made once: every window of every tier reads by it."""
    return "{" + ", ".join(map(str, _matchers(slo, sli))) + "}"


@lru_cache(maxsize=4096)
def _definition(sli: Sli) -> str:
    """Eight hexadecimal digits that change with what is counted, and with nothing else."""
    counted = f"{sli.bad(_HASHED_WINDOW)}\n{sli.total(_HASHED_WINDOW)}"
    return hashlib.sha256(counted.encode()).hexdigest()[:8]


def count_records(objective: Objective) -> tuple[Record, ...]:
    """Bad and all events of one step; before them, which groups are counted by themselves, and how many are not.

    There are no events where it is not known which of them were bad: else a bucket that goes missing would read as
    all good.
    """
    sli, step = objective.sli, objective.step
    if isinstance(sli, Slices):
        bad, total = sli.bad(step), f"({sli.total(step)})"
    else:
        reach = step + objective.scrape - 1
        scale = f"* {step} / {reach}"
        bad, total = f"({sli.bad(reach, objective.delay)})\n{scale}", f"{sli.total(reach, objective.delay)}\n{scale}"
    labels = count_labels(objective)
    if objective.cap:
        return _count_groups(objective, bad, total)
    known = f"and on() {BAD}{_found_by(objective.name, objective.sli)}"
    return Record(BAD, bad, labels), Record(TOTAL, f"{total}\n{known}", labels)


def _count_groups(objective: Objective, bad: str, total: str) -> tuple[Record, ...]:
    labels, mine = count_labels(objective), labels_of(objective)
    members = f"{GROUPS}{{slo={quoted(objective.name)}}}"
    pace = objective.tiers[0].long
    reach = _reach(objective, pace, same_group=True)
    alone = Matcher(GROUP, "!=", OTHER_GROUP)
    recorded = selector(TOTAL, (*count_matchers(objective), alone), reach)
    known = f"and on({GROUP}) {BAD}{_found_by(objective.name, objective.sli)}"
    return (
        Record(GROUPS, largest(total, recorded, pace // objective.step, objective.cap), mine),
        Record(GROUPS_DROPPED, dropped(total, members), mine),
        Record(BAD, split(f"({bad})", members), labels),
        Record(TOTAL, f"{split(total, members)}\n{known}", labels),
    )


def error_ratio(objective: Objective, window: int, *, same_group: bool = True) -> Record:
    """Bad among all events of `window` milliseconds; nothing, rather than NaN, where there were none."""
    reach = _reach(objective, window, same_group=same_group)
    expression = f"{_summed(BAD, objective, reach)}\n/ ({_summed(TOTAL, objective, reach)} > 0)"
    expression += _current(objective, window)
    return Record(ERROR_RATIO, expression, labels_of(objective, ("window", range_text(window))))


def bad_sum(objective: Objective, window: int, *, same_group: bool = True) -> Record:
    """Bad events of `window` milliseconds."""
    expression = _summed(BAD, objective, _reach(objective, window, same_group=same_group))
    expression += _current(objective, window)
    return Record(BAD_SUM, expression, labels_of(objective, ("window", range_text(window))))


def budget_records(objective: Objective, *, same_group: bool = True) -> tuple[Record, ...]:
    """The period's error ratio, what is left of its budget, and how much of the period was recorded at all."""
    slo, steps = objective.name, max(1, round(objective.period / objective.step))
    period = steps * objective.step
    ratio = error_ratio(objective, period, same_group=same_group)
    ratio = ratio._replace(labels=labels_of(objective, ("window", range_text(objective.period))))
    spent = f'{ERROR_RATIO}{{slo={quoted(slo)}, window="{range_text(objective.period)}"}}'
    left = f"1 - max{_by(objective)}({spent}) / {number(objective.budget)}"
    counted = _range(TOTAL, objective, _reach(objective, period, same_group=same_group))
    labels = labels_of(objective)
    return (
        ratio,
        Record(BUDGET_REMAINING, left, labels),
        Record(
            COVERAGE,
            f"sum{_by(objective)}(count_over_time({counted})) / {steps}{_current(objective, period)}",
            labels,
        ),
    )


def state_records(objective: Objective) -> tuple[Record, ...]:
    """What people look at and no alert reads: objective, burn rates, how long the budget lasts, events seen."""
    slo, step, period = objective.name, objective.step, range_text(objective.period)
    pace = range_text(objective.tiers[0].long)
    mine = (Matcher("slo", "=", slo),)
    # recorded in another group: the newest one is up to a step old
    ratios = f"max{_by(objective, 'window')}(last_over_time({selector(ERROR_RATIO, mine, step * 3 // 2)}))"
    left = f"last_over_time({selector(BUDGET_REMAINING, mine, step * 3 // 2)})"
    burning = f"(max{_by(objective)}({selector(BURN_RATE, (*mine, Matcher('window', '=', pace)))}) > 0)"
    labels = labels_of(objective)
    return (
        Record(OBJECTIVE, f"vector({number(1 - objective.budget)})", labels_of(objective, ("window", period))),
        Record(BURN_RATE, f"{ratios} / {number(objective.budget)}", labels),
        Record(
            EXHAUSTION,
            f"clamp_min(max{_by(objective)}({left}), 0) * {number(Fraction(objective.period, 1000))} / {burning}",
            labels_of(objective, ("window", pace)),
        ),
        Record(
            TOTAL_SUM,
            _summed(TOTAL, objective, _reach(objective, objective.period, same_group=False))
            + _current(objective, objective.period),
            labels_of(objective, ("window", period)),
        ),
    )


def freshness(objective: Objective, score: Score) -> Record:
    """Whether the evaluation behind a drift SLO is fresh."""
    return Record(FRESH, score.fresh(), labels_of(objective))


def _reach(objective: Objective, window: int, *, same_group: bool) -> int:
    return window - objective.step // 2 if same_group else window + 1


def _summed(name: str, objective: Objective, reach: int) -> str:
    # summed again, for an SLO that changed hands has records of both owners
    return f"sum{_by(objective)}(sum_over_time({_range(name, objective, reach)}))"


def _by(objective: Objective, *labels: str) -> str:
    """What aggregates one SLO's series into one, or into one for each of its groups."""
    kept = (*labels, *([GROUP] if objective.cap else []))
    return f" by ({', '.join(kept)}) " if kept else ""


def _current(objective: Objective, window: int) -> str:
    """Of groups, only those seen in the fastest tier's long window: else a long one would hold all that ever were."""
    pace = objective.tiers[0].long
    if not objective.cap or window <= pace:
        return ""
    return f"\nand on({GROUP}) count_over_time({_range(TOTAL, objective, pace)})"


def _range(name: str, objective: Objective, reach: int) -> str:
    return f"{name}{_found_by(objective.name, objective.sli)}[{range_text(reach)}]"
