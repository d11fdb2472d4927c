"""The stories by which an SLO's alerts are proven: what happens, and when each alert has to fire or to be quiet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

from failsoft.alerts.burn import alerts_of
from failsoft.alerts.expect import Promise, State, life
from failsoft.alerts.rules import Group
from failsoft.alerts.simulate import Burn, share
from failsoft.alerts.story import Asked, Budget, Check, Scenario
from failsoft.alerts.tenants import Clock, tales_of
from failsoft.alerts.timeline import (
    Stretch,
    Timeline,
    after_restart,
    creeping,
    evaluations_stop,
    of_replica,
    series_of,
)
from failsoft.slo.indicators import BadOfTotal, Events, Rate, Score, Share, Slices
from failsoft.slo.promql import number, quoted, range_text
from failsoft.slo.resolve import Objective
from failsoft.slo.series import (
    BUDGET_OF_ALL,
    BUDGET_REMAINING,
    BURN_ALERT,
    CREEP_ALERT,
    CREEP_TIER,
    GROUP,
    PULSE_BAD,
    PULSE_TOTAL,
    STALE_ALERT,
    STALE_TIER,
)

__all__ = ["budget_scenario", "scenarios_of"]

_OVER = Fraction(3, 2)
_MANY = 1000
_HARDLY = Fraction(1, 1000)
_SCRAPES = 6
"""Scrapes of two replicas that no record holds, or more than one, at the beginnings and ends of what is seen."""
_YOUNG = 10
"""Pulses before anything happens to what is young."""
_CLOSE = Fraction(1, 100)
_FEW = 10
_IDLE = 6


def scenarios_of(objective: Objective, groups: tuple[Group, ...]) -> tuple[Scenario, ...]:
    """The stories of an SLO's alerts, which stand in `groups`."""
    promises = _promises(objective, groups)
    staircase = _staircase(objective, promises)
    climbing = _life_of_all(objective, promises, staircase)
    bad = sum(staircase.events.bad)
    burns = _scenario(objective, "burns at 1.5 times each tier's threshold", staircase, climbing)
    stories = [
        # there are no errors at the end, so all that there were are recorded
        replace(burns, asked=(_counted(objective, PULSE_BAD, staircase.cells * staircase.cell, (bad, bad * _HARDLY)),)),
        _outage(objective, promises),
        _idle(objective),
    ]
    if isinstance(objective.sli, Score):
        stories += [_evaluation_stops(objective, objective.sli), _never_evaluated(objective, objective.sli)]
        if objective.sli.budgeted:
            stories.append(_may_not_page(objective, objective.sli, staircase, climbing))
        if objective.sli.above is None:
            stories += _of_a_critical_value(objective, objective.sli, staircase)
        return tuple(stories)
    if isinstance(objective.sli, Slices):
        return tuple(stories)
    stories.append(_restarts(objective, objective.sli))
    if objective.cap:
        stories += _of_groups(objective, objective.sli, promises)
    few = () if objective.min_bad == 1 else (_sparse(objective, promises, bad=1),)
    return (*stories, *few, _sparse(objective, promises, bad=_FEW))


def _promises(objective: Objective, groups: tuple[Group, ...]) -> Mapping[str, Promise]:
    hops = {dict(alert.labels)["burn_tier"]: alert.hops for alert in alerts_of(groups)}
    cell, per_pulse = _cell(objective, objective.pulse)
    sample = cell + objective.delay if per_pulse > 1 else 0
    return {
        tier.name: Promise(
            burn=Burn(tier.short, tier.long, tier.threshold, objective.min_bad),
            step=objective.pulse,
            lag=sample + hops[tier.name] * objective.pulse,
            keep=objective.keep_firing_for,
            wait=tier.waits(objective.pulse),
        )
        for tier in objective.tiers
    }


def budget_scenario(objective: Objective, groups: tuple[Group, ...]) -> Scenario:
    """The story of an SLO's budget: errors come in the busy hours, so one that averages ratios would be wrong.

    What is recorded may lag behind what happened, so within 1 % of the whole budget it is the truth of some moment of
    the lag.
    """
    promises = _promises(objective, groups)
    timeline = _staircase(objective, promises)
    cell, per_step = _cell(objective, objective.step)
    if more := _to_whole_steps(timeline.stretches, 0, per_step):
        timeline = replace(timeline, stretches=(*timeline.stretches, replace(timeline.stretches[-1], cells=more)))
    # what a tier records of the period is a pulse old for the budget
    late = [promises[tier.name].lag + objective.pulse for tier in objective.tiers if tier.long == objective.period]
    lag = ceil(max(late, default=cell + objective.delay) / cell)
    left = [1 - spent / objective.budget for spent in _spent(timeline, objective.period, lag)]
    series = BUDGET_OF_ALL if objective.exclusions else BUDGET_REMAINING
    budget = Budget(timeline.cells * cell, min(left) - _CLOSE, max(left) + _CLOSE, series)
    return _scenario(objective, "spends its budget in the busy hours", timeline, (), budget)


def _staircase(objective: Objective, promises: Mapping[str, Promise]) -> Timeline:
    """A short health; errors at 1.5 times each tier's threshold until it fires, slowest tier first; health.

    Windows that are longer look back to the beginning: with whole windows, tiers are proven by snapshots.
    """
    cell, per_pulse = _cell(objective, objective.pulse)
    least = min(tier.threshold for tier in objective.tiers)
    each = 1 if per_pulse == 1 else max(_MANY, ceil(100 / least), objective.min_bad)
    # the errors begin in the middle of a pulse, as they do in life
    stretches = [Stretch(_YOUNG * per_pulse + per_pulse // 2, each, 0)]
    for tier in sorted(objective.tiers, key=lambda tier: tier.threshold):
        guarded = Fraction(2 * objective.min_bad * cell, tier.long * each)
        ratio = min(Fraction(1), max(tier.threshold * _OVER, guarded))
        busy = each if per_pulse == 1 else 2 * each
        length = _until_it_burns(stretches, promises[tier.name].burn, cell, busy, ratio)
        stretches += _at_ratio(length + 2 * per_pulse + _lag(promises[tier.name], cell), busy, ratio)
        if per_pulse == 1 and tier.wait:
            # a few slices are bad by turns, and what has to last starts again at every good one
            stretches.append(Stretch(tier.waits(objective.pulse) // cell + 1, 1, 1))
    rest = max(tier.short for tier in objective.tiers) + objective.keep_firing_for + 4 * objective.pulse
    stretches.append(Stretch(_to_whole_steps(stretches, rest // cell, per_pulse), each, 0))
    return Timeline(cell, tuple(stretches))


def _until_it_burns(before: Sequence[Stretch], burn: Burn, cell: int, each: int, ratio: Fraction) -> int:
    """Cells of errors after which a tier burns at the latest: by all that ever happened, or by its long window."""
    total = sum(stretch.cells * stretch.total for stretch in before)
    bad = sum(stretch.cells * stretch.bad for stretch in before)
    ever = (burn.above * total - bad) / (each * (ratio - burn.above))
    guard = burn.min_bad / (each * ratio)
    return ceil(min(max(ever, guard), burn.long * burn.above / ratio / cell))


def _life_of_all(objective: Objective, promises: Mapping[str, Promise], timeline: Timeline) -> list[Check]:
    return [check for tier in objective.tiers for check in _life(objective, promises, tier.name, timeline)]


def _counted(objective: Objective, record: str, at: int, truth: tuple[int, Fraction | int], pulses: int = 0) -> Asked:
    """That nearly so many events were recorded, in the last few pulses or since the beginning: no further apart."""
    window = range_text(pulses * objective.pulse - objective.pulse // 2 if pulses else at)
    recorded = f"sum(sum_over_time({record}{{slo={quoted(objective.name)}}}[{window}]))"
    there, apart = truth
    return f"abs({recorded} - {there}) < bool {number(Fraction(apart))}", at, Fraction(1)


@lru_cache(maxsize=512)
def _spent(timeline: Timeline, period: int, lag: int) -> tuple[Fraction, ...]:
    return tuple(share(timeline.events, period, end) for end in range(timeline.cells - 1 - lag, timeline.cells))


def _outage(objective: Objective, promises: Mapping[str, Promise]) -> Scenario:
    """Health for as long as the fastest tier looks back; then nothing but errors, from a counter that is new."""
    cell, per_pulse = _cell(objective, objective.pulse)
    fastest = objective.tiers[0]
    each = 1 if per_pulse == 1 else max(_FEW, objective.min_bad)
    before = Stretch(fastest.long // cell + per_pulse // 2, each, 0)
    reached = ceil(fastest.long * fastest.threshold / cell) + 2 * per_pulse + _lag(promises[fastest.name], cell)
    during = Stretch(_to_whole_steps([before], reached, per_pulse), each, each)
    timeline = Timeline(cell, (before, during), born=isinstance(objective.sli, BadOfTotal))
    return _scenario(objective, "fails altogether", timeline, _life(objective, promises, fastest.name, timeline))


def _idle(objective: Objective) -> Scenario:
    cell, per_pulse = _cell(objective, objective.pulse)
    timeline = Timeline(cell, (Stretch(_IDLE * per_pulse, 0, 0),))
    return _scenario(objective, "is idle", timeline, _all_quiet(objective, _IDLE * objective.pulse))


def _sparse(objective: Objective, promises: Mapping[str, Promise], *, bad: int) -> Scenario:
    """Ten requests in as long as the fastest tier looks back (more where the guard asks for more), of which some fail.

    One failure means nothing, whatever the ratio; ten are a quiet service that is dead.
    """
    cell, per_pulse = _cell(objective, objective.pulse)
    fastest = objective.tiers[0]
    apart = max(1, fastest.long // cell // _FEW)
    each = 1 if bad == 1 else max(1, ceil(2 * objective.min_bad / _FEW))
    stretches: list[Stretch] = []
    for index in range(_FEW):
        failed = each if index >= _FEW - bad else 0
        stretches += [Stretch(1, each, failed), *([Stretch(apart - 1, 0, 0)] if apart > 1 else [])]
    more = _to_whole_steps(stretches, per_pulse, per_pulse)
    timeline = Timeline(cell, (*stretches, Stretch(more, 0, 0)))
    if bad == 1:
        quiet = _all_quiet(objective, timeline.cells * cell)
        return _scenario(objective, "fails once in ten requests", timeline, quiet)
    return _scenario(
        objective, "fails all of ten requests", timeline, _life(objective, promises, fastest.name, timeline)
    )


def _restarts(objective: Objective, events: Events) -> Scenario:
    """Few errors, all the time, of two replicas: one is restarted, and both are while nobody scrapes them for a while.

    Nothing fires, and as many events are recorded as there were, but for a few scrapes at the ends and beside the gap,
    and for one where a replica is restarted.
    """
    cell, per_pulse = _cell(objective, objective.pulse)
    least = min(tier.threshold for tier in objective.tiers)
    each, cells, unseen = ceil(_MANY / least), 2 * _YOUNG * per_pulse - 1, _YOUNG * per_pulse
    bad = floor(each * least / 2)
    first, both = (Timeline(cell, (Stretch(length, each, bad),)) for length in (cells, 2 * cells + 1))
    again = series_of(events, replace(first, begun=0))
    one = after_restart(after_restart(series_of(events, first), 0, again), unseen, again)
    other = after_restart(series_of(events, both), unseen, again)
    # the first sample of a process is no cell's
    anew, back = cells + 1, 2 * (cells + 1) + unseen
    end = back + cells + 1
    quiet = [at * cell for at in (anew + per_pulse, back + 2 * per_pulse, end)]
    return Scenario(
        "is restarted twice",
        cell,
        (*one, *of_replica(other)),
        tuple(check for at in quiet for check in _all_quiet(objective, at)),
        asked=(
            _counted(objective, PULSE_TOTAL, end * cell, (6 * cells * each, _SCRAPES * each)),
            _counted(objective, PULSE_BAD, end * cell, (6 * cells * bad, _SCRAPES * bad)),
            _counted(
                objective, PULSE_TOTAL, (anew + 3 * per_pulse) * cell, ((10 * per_pulse - 1) * each, each), pulses=5
            ),
        ),
    )


def _of_groups(objective: Objective, events: Events, promises: Mapping[str, Promise]) -> list[Scenario]:
    cell, per_pulse = _cell(objective, objective.pulse)
    tier = objective.tiers[0].name
    clock = Clock(cell, per_pulse, _lag(promises[tier], cell))
    return [
        Scenario(
            tale.name,
            cell,
            tale.series,
            tuple(
                Check(at, BURN_ALERT, (*_labels(objective, tier), (GROUP, group)), state)
                for at, group, state in sorted(tale.moments)
            ),
            asked=tale.asked,
        )
        for tale in tales_of(objective, events, promises[tier], clock)
    ]


def _evaluation_stops(objective: Objective, score: Score) -> Scenario:
    """The evaluation stalls, comes back, and is gone: stale and dead are told, and are no drift."""
    step = objective.pulse
    patience = ceil(score.stale_after / step)
    stalls = _IDLE
    returns = stalls + patience + 2
    gone = returns + ceil(objective.keep_firing_for / step) + 3
    end = gone + patience + 2
    moments: tuple[tuple[int, State], ...] = ((stalls, "quiet"), (returns, "fires"), (gone, "quiet"), (end, "fires"))
    labels = _labels(objective, STALE_TIER)
    checks = [Check(at * step, STALE_ALERT, labels, state) for at, state in moments]
    series = evaluations_stop(score, step, (stalls, returns, gone, end))
    return Scenario("loses its drift evaluation", step, series, (*checks, *_all_quiet(objective, end * step)))


def _never_evaluated(objective: Objective, score: Score) -> Scenario:
    """A new SLO whose first evaluation does not come: told as late as one that stops, not when its rules are loaded."""
    step = objective.pulse
    patience = ceil(score.stale_after / step)
    labels = _labels(objective, STALE_TIER)
    moments: tuple[tuple[int, State], ...] = ((patience - 1, "quiet"), (patience + 2, "fires"))
    checks = [Check(at * step, STALE_ALERT, labels, state) for at, state in moments]
    return Scenario("was never evaluated", step, (), (*checks, *_all_quiet(objective, (patience + 2) * step)))


def _may_not_page(objective: Objective, score: Score, staircase: Timeline, climbing: Sequence[Check]) -> Scenario:
    """With critical values that cannot be promised, tickets come as they do otherwise, and no page."""
    paging = {tier.name for tier in objective.tiers if tier.severity == "page"}
    hushed = [replace(one, state="quiet") if dict(one.labels)["burn_tier"] in paging else one for one in climbing]
    series = series_of(score, staircase, 1)
    unpromised = tuple((name.replace('severity="page"', 'severity="ticket"'), values) for name, values in series)
    return Scenario("may not page", staircase.cell, unpromised, tuple(hushed))


def _of_a_critical_value(objective: Objective, score: Score, staircase: Timeline) -> tuple[Scenario, ...]:
    """What is exported beside the score: without a critical value the SLO is blind, and small changes have one too."""
    end = staircase.cells * staircase.cell
    blind = Check(end, STALE_ALERT, _labels(objective, STALE_TIER), "fires")
    unlimited = tuple(one for one in series_of(score, staircase, 1) if 'severity="page"' not in one[0])
    return (
        Scenario("has no critical value", staircase.cell, unlimited, (blind, *_all_quiet(objective, end))),
        _creeps(objective, score),
    )


def _creeps(objective: Objective, score: Score) -> Scenario:
    """Small changes add up until CUSUM says so, and are over: a ticket, and no page."""
    step, begins = objective.pulse, _IDLE
    over = 2 * begins
    end = over + ceil(objective.keep_firing_for / step) + 2
    moments: tuple[tuple[int, State], ...] = ((begins, "quiet"), (begins + 1, "fires"), (over, "fires"), (end, "quiet"))
    labels = _labels(objective, CREEP_TIER)
    checks = [Check(at * step, CREEP_ALERT, labels, state) for at, state in moments]
    series = creeping(score, begins, over, end)
    return Scenario("drifts a little and for long", step, series, (*checks, *_all_quiet(objective, end * step)))


def _scenario(
    objective: Objective, name: str, timeline: Timeline, checks: Iterable[Check], budget: Budget | None = None
) -> Scenario:
    ordered = tuple(sorted(checks, key=lambda check: (check.at, check.labels)))
    samples = objective.pulse // objective.scrape if isinstance(objective.sli, Rate | Share) else 1
    series = series_of(objective.sli, timeline, samples)
    return Scenario(name, timeline.cell // samples, series, ordered, budget)


def _cell(objective: Objective, every: int) -> tuple[int, int]:
    """Milliseconds of a cell, and cells of a pulse or step: a scrape; all of it where that is a slice of time."""
    each = 1 if isinstance(objective.sli, Slices) else every // objective.scrape
    return every // each, each


def _lag(promise: Promise, cell: int) -> int:
    """Cells after which an alert fires at the latest, once its condition holds."""
    return ceil((promise.lag + promise.wait) / cell)


def _at_ratio(cells: int, each: int, ratio: Fraction) -> list[Stretch]:
    if each > 1:
        return [Stretch(cells, each, min(each, ceil(each * ratio)))]
    return [Stretch(1, 1, ceil((index + 1) * ratio) - ceil(index * ratio)) for index in range(cells)]


def _to_whole_steps(before: Sequence[Stretch], cells: int, per_step: int) -> int:
    """At least `cells`, so that the timeline ends where a step (or a pulse) does."""
    return cells + -(sum(stretch.cells for stretch in before) + cells) % per_step


def _all_quiet(objective: Objective, at: int) -> tuple[Check, ...]:
    return tuple(Check(at, BURN_ALERT, _labels(objective, tier.name), "quiet") for tier in objective.tiers)


def _life(objective: Objective, promises: Mapping[str, Promise], tier: str, timeline: Timeline) -> tuple[Check, ...]:
    moments = life(promises[tier], timeline)
    return tuple(Check(at, BURN_ALERT, _labels(objective, tier), state) for at, state in moments)


def _labels(objective: Objective, tier: str) -> tuple[tuple[str, str], ...]:
    return (("slo", objective.name), ("burn_tier", tier))
