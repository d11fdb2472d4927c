"""The stories by which an SLO's alerts are proven: what happens, and when each alert has to fire or to be quiet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil

from failsoft.alerts.burn import alerts_of
from failsoft.alerts.expect import Promise, State, life
from failsoft.alerts.rules import Group
from failsoft.alerts.simulate import Burn, share
from failsoft.alerts.tenants import Clock, tales_of
from failsoft.alerts.timeline import Series, Stretch, Timeline, evaluations_stop, series_of
from failsoft.slo.indicators import BadOfTotal, Events, Rate, Score, Slices
from failsoft.slo.resolve import Objective
from failsoft.slo.series import BUDGET_REMAINING, BURN_ALERT, GROUP, STALE_ALERT, STALE_TIER

__all__ = ["Budget", "Check", "Scenario", "scenarios_of"]

_OVER = Fraction(3, 2)
_MANY = 1000
_FEW = 10
_IDLE_STEPS = 6


@dataclass(frozen=True, slots=True)
class Check:
    """What an alert has to do at one evaluation.

    Attributes:
        at: milliseconds since the beginning, a multiple of the step.
        alert: the alertname.
        labels: labels that tell it from the others.
        state: `fires` or `quiet`.
    """

    at: int
    alert: str
    labels: tuple[tuple[str, str], ...]
    state: State


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the budget at one evaluation (milliseconds), by the events: it lies between two truths.

    What is recorded may lag behind what happened, so it is the truth of some moment of the lag.
    """

    at: int
    least: Fraction
    most: Fraction


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story.

    Attributes:
        name: in words, after "when it".
        interval: milliseconds between samples.
        series: the input series and their values, in promtool's notation.
        checks: what is expected, in order of time.
        budget: the truth about the budget, where the story asks for it.
        asked: further expressions, when they are asked, and the one value that they have.
    """

    name: str
    interval: int
    series: Series
    checks: tuple[Check, ...]
    budget: Budget | None = None
    asked: tuple[tuple[str, int, Fraction], ...] = ()


def scenarios_of(objective: Objective, groups: tuple[Group, ...]) -> tuple[Scenario, ...]:
    """The stories of an SLO whose alerts stand in `groups`."""
    promises = _promises(objective, groups)
    at_home = any(rule.name == BUDGET_REMAINING for rule in groups[0].rules)
    behind = 0 if at_home else objective.step
    stories = [_staircase(objective, promises, behind), _outage(objective, promises), _idle(objective)]
    if isinstance(objective.sli, Score):
        return (*stories, _evaluation_stops(objective, objective.sli))
    if isinstance(objective.sli, Slices):
        return tuple(stories)
    if objective.cap:
        stories += _of_groups(objective, objective.sli, promises)
    few = () if objective.min_bad == 1 else (_sparse(objective, promises, bad=1),)
    return (*stories, *few, _sparse(objective, promises, bad=_FEW))


def _promises(objective: Objective, groups: tuple[Group, ...]) -> Mapping[str, Promise]:
    hops = {dict(alert.labels)["burn_tier"]: alert.hops for alert in alerts_of(groups)}
    cell, per_step = _cell(objective)
    sample = cell + objective.delay if per_step > 1 else 0
    return {
        tier.name: Promise(
            burn=Burn(tier.short, tier.long, tier.threshold, objective.min_bad),
            step=objective.step,
            lag=sample + hops[tier.name] * objective.step,
            keep=objective.keep_firing_for,
        )
        for tier in objective.tiers
    }


def _staircase(objective: Objective, promises: Mapping[str, Promise], behind: int) -> Scenario:
    """Health for longer than every window; errors at 1.5 times each tier's threshold, slowest tier first; health.

    The errors come in the busy hours: a budget that averages ratios instead of counting events would be wrong here.
    The budget may be recorded `behind` milliseconds after the increments.
    """
    cell, per_step = _cell(objective)
    least = min(tier.threshold for tier in objective.tiers)
    each = 1 if per_step == 1 else max(_MANY, ceil(100 / least), objective.min_bad)
    # the errors begin in the middle of a step, as they do in life
    stretches = [Stretch(max(tier.long for tier in objective.tiers) // cell + per_step // 2, each, 0)]
    for tier in sorted(objective.tiers, key=lambda tier: tier.threshold):
        guarded = Fraction(2 * objective.min_bad * cell, tier.long * each)
        ratio = min(Fraction(1), max(tier.threshold * _OVER, guarded))
        lag = _lag(promises[tier.name], cell)
        length = ceil(tier.long * tier.threshold / ratio / cell) + 2 * per_step + lag
        stretches += _at_ratio(length, each if per_step == 1 else 2 * each, ratio)
    rest = max(tier.short for tier in objective.tiers) + objective.keep_firing_for + 4 * objective.step
    stretches.append(Stretch(_to_whole_steps(stretches, rest // cell, per_step), each, 0))
    timeline = Timeline(cell, tuple(stretches))
    checks = [check for tier in objective.tiers for check in _life(objective, promises, tier.name, timeline)]
    lag = ceil((cell + objective.delay + behind) / cell)
    left = [1 - spent / objective.budget for spent in _spent(timeline, objective.period, lag)]
    name = "burns at 1.5 times each tier's threshold"
    budget = Budget(timeline.cells * cell, min(left), max(left))
    return _scenario(objective, name, timeline, checks, budget)


@lru_cache(maxsize=512)
def _spent(timeline: Timeline, period: int, lag: int) -> tuple[Fraction, ...]:
    return tuple(share(timeline.events, period, end) for end in range(timeline.cells - 1 - lag, timeline.cells))


def _outage(objective: Objective, promises: Mapping[str, Promise]) -> Scenario:
    """Health for as long as the fastest tier looks back; then nothing but errors, from a counter that is new."""
    cell, per_step = _cell(objective)
    fastest = objective.tiers[0]
    each = 1 if per_step == 1 else max(_FEW, objective.min_bad)
    before = Stretch(fastest.long // cell + per_step // 2, each, 0)
    reached = ceil(fastest.long * fastest.threshold / cell) + 2 * per_step + _lag(promises[fastest.name], cell)
    during = Stretch(_to_whole_steps([before], reached, per_step), each, each)
    timeline = Timeline(cell, (before, during), born=isinstance(objective.sli, BadOfTotal))
    return _scenario(objective, "fails altogether", timeline, _life(objective, promises, fastest.name, timeline))


def _idle(objective: Objective) -> Scenario:
    cell, per_step = _cell(objective)
    timeline = Timeline(cell, (Stretch(_IDLE_STEPS * per_step, 0, 0),))
    return _scenario(objective, "is idle", timeline, _all_quiet(objective, _IDLE_STEPS * objective.step))


def _sparse(objective: Objective, promises: Mapping[str, Promise], *, bad: int) -> Scenario:
    """Ten requests in as long as the fastest tier looks back (more where the guard asks for more), of which some fail.

    One failure means nothing, whatever the ratio; ten are a quiet service that is dead.
    """
    cell, per_step = _cell(objective)
    fastest = objective.tiers[0]
    apart = max(1, fastest.long // cell // _FEW)
    each = 1 if bad == 1 else max(1, ceil(2 * objective.min_bad / _FEW))
    stretches: list[Stretch] = []
    for index in range(_FEW):
        failed = each if index >= _FEW - bad else 0
        stretches += [Stretch(1, each, failed), *([Stretch(apart - 1, 0, 0)] if apart > 1 else [])]
    more = _to_whole_steps(stretches, per_step, per_step)
    timeline = Timeline(cell, (*stretches, Stretch(more, 0, 0)))
    if bad == 1:
        quiet = _all_quiet(objective, timeline.cells * cell)
        return _scenario(objective, "fails once in ten requests", timeline, quiet)
    return _scenario(
        objective, "fails all of ten requests", timeline, _life(objective, promises, fastest.name, timeline)
    )


def _of_groups(objective: Objective, events: Events, promises: Mapping[str, Promise]) -> list[Scenario]:
    cell, per_step = _cell(objective)
    tier = objective.tiers[0].name
    clock = Clock(cell, per_step, _lag(promises[tier], cell))
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
    step = objective.step
    patience = ceil(score.stale_after / step)
    stalls = _IDLE_STEPS
    returns = stalls + patience + 2
    gone = returns + ceil(objective.keep_firing_for / step) + 3
    end = gone + patience + 2
    moments: tuple[tuple[int, State], ...] = ((stalls, "quiet"), (returns, "fires"), (gone, "quiet"), (end, "fires"))
    labels = _labels(objective, STALE_TIER)
    checks = [Check(at * step, STALE_ALERT, labels, state) for at, state in moments]
    series = evaluations_stop(score, step, (stalls, returns, gone, end))
    return Scenario("loses its drift evaluation", step, series, (*checks, *_all_quiet(objective, end * step)))


def _scenario(
    objective: Objective, name: str, timeline: Timeline, checks: Iterable[Check], budget: Budget | None = None
) -> Scenario:
    ordered = tuple(sorted(checks, key=lambda check: (check.at, check.labels)))
    samples = objective.step // objective.scrape if isinstance(objective.sli, Rate) else 1
    series = series_of(objective.sli, timeline, samples)
    return Scenario(name, timeline.cell // samples, series, ordered, budget)


def _cell(objective: Objective) -> tuple[int, int]:
    """Milliseconds of a cell, and cells of a step: a scrape; a whole step where that is a slice of time."""
    per_step = 1 if isinstance(objective.sli, Slices) else objective.step // objective.scrape
    return objective.step // per_step, per_step


def _lag(promise: Promise, cell: int) -> int:
    return ceil(promise.lag / cell)


def _at_ratio(cells: int, each: int, ratio: Fraction) -> list[Stretch]:
    if each > 1:
        return [Stretch(cells, each, min(each, ceil(each * ratio)))]
    return [Stretch(1, 1, ceil((index + 1) * ratio) - ceil(index * ratio)) for index in range(cells)]


def _to_whole_steps(before: list[Stretch], cells: int, per_step: int) -> int:
    """At least `cells`, so that the timeline ends where a step does."""
    return cells + -(sum(stretch.cells for stretch in before) + cells) % per_step


def _all_quiet(objective: Objective, at: int) -> tuple[Check, ...]:
    return tuple(Check(at, BURN_ALERT, _labels(objective, tier.name), "quiet") for tier in objective.tiers)


def _life(objective: Objective, promises: Mapping[str, Promise], tier: str, timeline: Timeline) -> tuple[Check, ...]:
    moments = life(promises[tier], timeline)
    return tuple(Check(at, BURN_ALERT, _labels(objective, tier), state) for at, state in moments)


def _labels(objective: Objective, tier: str) -> tuple[tuple[str, str], ...]:
    return (("slo", objective.name), ("burn_tier", tier))
