"""The arithmetic of burn-rate alerts: the recording step, each tier's factor, and which tiers can fire at all."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, gcd
from typing import Literal

from failsoft.slo.promql import number, range_text
from failsoft.workspace.kinds.slo import AlertWindowsSpec, Tier
from failsoft.workspace.quantities import Percent

__all__ = ["BurnTier", "Plan", "Problem", "plan"]

_STEP = Fraction(300_000, 30 * 86_400_000)
_SCRAPES = 5

type ProblemKind = Literal["below-step", "beyond-period", "rounded", "cannot-fire", "none-left"]


@dataclass(frozen=True, slots=True)
class BurnTier:
    """One pair of windows with its numbers.

    Attributes:
        name, severity: as declared.
        share: the share of the period's budget that is gone when it fires.
        short, long: milliseconds, multiples of the step.
        factor: share x period / long: how many times the allowed rate of errors.
        threshold: factor x budget: the error ratio above which both windows must be.
        limit: the same as PromQL writes it.
    """

    name: str
    severity: Literal["page", "ticket"]
    share: Fraction
    short: int
    long: int
    factor: Fraction
    threshold: Fraction
    limit: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the windows that a person has to hear."""

    kind: ProblemKind
    message: str
    expected: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The windows of one SLO.

    Attributes:
        step: milliseconds between two records.
        tiers: those that can fire, fastest first.
        problems: what was found.
    """

    step: int
    tiers: tuple[BurnTier, ...]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=1024)
def plan(windows: AlertWindowsSpec, objective: Percent, period: int, scrape: int, slices: int = 0) -> Plan:
    """Fit alert windows to an SLO.

    The recording step is at least 5 minutes scaled from 30 days to the period, and at least 5 scrapes. It is a multiple
    of the scrape interval, for only then two neighbouring records meet at the same sample and count each increment
    once; among those, the smallest that divides every window, so that a window holds a whole number of records.

    Args:
        windows: the tiers.
        objective: above 0 % and below 100 %.
        period: milliseconds.
        scrape: milliseconds between two scrapes.
        slices: for an SLO that counts slices of time, one a step: how many bad ones a long window must hold.
    """
    budget = 1 - Fraction(objective.ratio)
    least = max(_STEP * period, Fraction(_SCRAPES * scrape))
    step = _step(least, scrape, [w.milliseconds for tier in windows.tiers for w in (tier.short, tier.long)])
    problems: list[Problem] = []
    tiers: list[BurnTier] = []
    for tier in windows.tiers:
        wrong = _refused(tier, step, period, scrape)
        if wrong is not None:
            problems.append(wrong)
            continue
        fitted = _fitted(tier, step, budget, period)
        if (fitted.short, fitted.long) != (tier.short.milliseconds, tier.long.milliseconds):
            problems.append(_rounded(tier, fitted, step))
        if fitted.threshold >= 1:
            problems.append(_cannot_fire(fitted, budget, period))
        elif slices * step > fitted.long:
            problems.append(_too_few_slices(fitted, slices, step))
        else:
            tiers.append(fitted)
    problems += _left(windows, tiers, problems)
    return Plan(step, tuple(tiers), tuple(problems))


def _step(least: Fraction, scrape: int, windows: list[int]) -> int:
    first = ceil(least / scrape) * scrape
    common = gcd(*windows)
    dividing = (step for step in range(first, common + 1, scrape) if common % step == 0)
    return next(dividing, first)


def _refused(tier: Tier, step: int, period: int, scrape: int) -> Problem | None:
    if tier.short.milliseconds < step:
        scaled = range_text(ceil(_STEP * period))
        message = f"the short window of {tier.name}, {tier.short}, is below the recording step of {range_text(step)}"
        arithmetic = (
            f"the step is the larger of 5m x {range_text(period)} / 30d = {scaled} and of {_SCRAPES} scrapes x "
            f"{range_text(scrape)} = {range_text(_SCRAPES * scrape)}, in whole scrapes"
        )
        return Problem("below-step", message, f"at least {range_text(step)}", arithmetic)
    if tier.long.milliseconds > period:
        message = f"the long window of {tier.name}, {tier.long}, is longer than the period"
        return Problem("beyond-period", message, f"at most {range_text(period)}")
    return None


def _fitted(tier: Tier, step: int, budget: Fraction, period: int) -> BurnTier:
    short, long = (ceil(window.milliseconds / step) * step for window in (tier.short, tier.long))
    long = max(long, short + step)
    share = Fraction(tier.budget.ratio)
    factor = share * period / long
    threshold = factor * budget
    return BurnTier(tier.name, tier.severity, share, short, long, factor, threshold, number(threshold))


def _rounded(tier: Tier, fitted: BurnTier, step: int) -> Problem:
    message = (
        f"the windows of {tier.name}, {tier.short} and {tier.long}, are rounded up to {range_text(fitted.short)} and "
        f"{range_text(fitted.long)}"
    )
    return Problem("rounded", message, f"multiples of the recording step of {range_text(step)}")


def _cannot_fire(tier: BurnTier, budget: Fraction, period: int) -> Problem:
    message = f"{tier.name} can never fire and is left out"
    arithmetic = (
        f"{_percent(tier.share)} of the budget x {range_text(period)} / {range_text(tier.long)} = "
        f"{number(tier.factor)}; that times the budget of {_percent(budget)} is {_percent(tier.threshold)} of errors"
    )
    return Problem("cannot-fire", message, "a tier that fires below 100% of errors", arithmetic)


def _too_few_slices(tier: BurnTier, slices: int, step: int) -> Problem:
    message = f"{tier.name} can never fire and is left out"
    arithmetic = f"its long window of {range_text(tier.long)} holds {tier.long // step} slices of {range_text(step)}"
    return Problem("cannot-fire", message, f"a minBadEvents of at most {tier.long // step}, not {slices}", arithmetic)


def _left(windows: AlertWindowsSpec, tiers: list[BurnTier], problems: list[Problem]) -> list[Problem]:
    refused = any(problem.kind in {"below-step", "beyond-period"} for problem in problems)
    if refused:
        return []
    wanted = dict.fromkeys(tier.severity for tier in windows.tiers)
    missing = [severity for severity in wanted if all(tier.severity != severity for tier in tiers)]
    hint = "take longer windows or a smaller share of the budget, or a stricter objective"
    return [
        Problem("none-left", f"no {severity} tier is left that could fire", "at least one", hint)
        for severity in missing[:1]
    ]


def _percent(value: Fraction) -> str:
    return f"{number(value * 100)}%"
