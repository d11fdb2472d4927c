"""The arithmetic of burn-rate alerts: the clocks of an SLO, each tier's factor, and which tiers can fire at all."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, gcd
from typing import Literal, NamedTuple

from failsoft.slo.promql import number, range_text
from failsoft.workspace.kinds.slo import AlertWindowsSpec, Tier
from failsoft.workspace.quantities import Percent

__all__ = ["BurnTier", "Plan", "Problem", "coarsest_pulse", "plan", "replacement"]

_MONTH = 30 * 86_400_000
_STEP = Fraction(300_000, _MONTH)
_PULSE = Fraction(60_000, _MONTH)
_SCRAPES = 4
_MOST_RECORDS = 8640
_FIRES_AT = Fraction(3, 4)

type ProblemKind = Literal["below-step", "beyond-period", "rounded", "cannot-fire", "none-left"]


@dataclass(frozen=True, slots=True)
class BurnTier:
    """One pair of windows with its numbers.

    Attributes:
        name, severity: as declared.
        share: the share of the period's budget that is gone when it fires.
        short, long: milliseconds, multiples of the pulse.
        factor: share x period / long: how many times the allowed rate of errors.
        threshold: factor x budget: the error ratio above which both windows must be.
        limit: the same as PromQL writes it.
        wait: milliseconds for which both have to stay above it.
    """

    name: str
    severity: Literal["page", "ticket"]
    share: Fraction
    short: int
    long: int
    factor: Fraction
    threshold: Fraction
    limit: str
    wait: int = 0

    def waits(self, pulse: int) -> int:
        """Milliseconds from the first evaluation that finds both above it to the one that fires: whole pulses."""
        return ceil(self.wait / pulse) * pulse


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
        budget: the share of events that may be bad.
        pulse: milliseconds between two evaluations of the alerts, and two records that they read.
        step: milliseconds between two records of the budget; a multiple of the pulse.
        tiers: those that can fire, fastest first.
        problems: what was found.
    """

    budget: Fraction
    pulse: int
    step: int
    tiers: tuple[BurnTier, ...]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=1024)
def plan(windows: AlertWindowsSpec, objective: Percent, period: int, scrape: int, slices: int = 0) -> Plan:
    """Fit alert windows to an SLO.

    Alerts have to be early, so what they read is recorded once a pulse: at least 1 minute scaled from 30 days to the
    period, and at least 4 scrapes, so that one that is missed takes no pulse with it. A budget has to be cheap, for it
    reads a whole period: it is recorded once a step, 5 minutes scaled in the same way. Slices of time are as long as a
    step, so there a pulse is one. No window holds more than 8,640 records, as many as a period has steps.

    The pulse is a multiple of the scrape interval, for only then two neighbouring records meet at the same sample and
    count each increment once; among those, the smallest that divides every window, so that a window holds a whole
    number of records.

    Args:
        windows: the tiers.
        objective: above 0 % and below 100 %.
        period: milliseconds.
        scrape: milliseconds between two scrapes.
        slices: for an SLO that counts slices of time, one a step: how many bad ones a long window must hold.
    """
    budget = 1 - Fraction(objective.ratio)
    lengths = [window.milliseconds for tier in windows.tiers for window in (tier.short, tier.long)]
    least = _Least(_STEP if slices else _PULSE, period, scrape, min(period, max(lengths)))
    pulse = _pulse(least, lengths)
    step = ceil(max(_STEP * period, Fraction(pulse)) / pulse) * pulse
    problems: list[Problem] = []
    tiers: list[BurnTier] = []
    offers: list[_Offer] = []
    for tier in windows.tiers:
        wrong = _refused(tier, pulse, least)
        if wrong is not None:
            problems.append(wrong)
            continue
        fitted = _fitted(tier, pulse, budget, period)
        if (fitted.short, fitted.long) != (tier.short.milliseconds, tier.long.milliseconds):
            problems.append(_rounded(tier, fitted, pulse))
        if fitted.threshold >= 1:
            offers.append(_Offer(fitted.severity, replacement(fitted, budget, period), mended=True))
            problems.append(_cannot_fire(fitted, budget, period))
        elif slices * pulse > fitted.long:
            problems.append(_too_few_slices(fitted, slices, pulse))
        else:
            offers.append(_Offer(fitted.severity, _written(fitted, fitted.share), mended=False))
            tiers.append(fitted)
    problems += _left(windows, tiers, problems, offers)
    return Plan(budget, pulse, step, tuple(tiers), tuple(problems))


class _Offer(NamedTuple):
    """A tier that fires, as a document writes it: as it was declared, or mended."""

    severity: str
    text: str
    mended: bool


class _Least(NamedTuple):
    """What a pulse is at least: a share of the period, so many scrapes, and a small part of the longest window."""

    share: Fraction
    period: int
    scrape: int
    longest: int

    @property
    def milliseconds(self) -> int:
        """In whole scrapes."""
        least = max(self.share * self.period, Fraction(_SCRAPES * self.scrape), Fraction(self.longest, _MOST_RECORDS))
        return ceil(least / self.scrape) * self.scrape


def coarsest_pulse(period: int, scrape: int) -> int:
    """A pulse that does for every SLO of a period, of slices too, whose windows are multiples of it; milliseconds."""
    return _Least(_STEP, period, scrape, period).milliseconds


def _pulse(least: _Least, windows: list[int]) -> int:
    first, common = least.milliseconds, gcd(*windows)
    dividing = (pulse for pulse in range(first, common + 1, least.scrape) if common % pulse == 0)
    return next(dividing, first)


def _refused(tier: Tier, pulse: int, least: _Least) -> Problem | None:
    period, scrape = least.period, least.scrape
    if tier.short.milliseconds < pulse:
        unit = range_text(int(least.share * _MONTH))
        message = f"the short window of {tier.name}, {tier.short}, is below the recording step of {range_text(pulse)}"
        arithmetic = (
            f"the step of alerts is the largest of {unit} x {range_text(period)} / 30d = "
            f"{range_text(ceil(least.share * period))}, of {_SCRAPES} scrapes x {range_text(scrape)} = "
            f"{range_text(_SCRAPES * scrape)} and of the longest window / {_MOST_RECORDS} = "
            f"{range_text(ceil(least.longest / _MOST_RECORDS))}, in whole scrapes"
        )
        return Problem("below-step", message, f"at least {range_text(pulse)}", arithmetic)
    if tier.long.milliseconds > period:
        message = f"the long window of {tier.name}, {tier.long}, is longer than the period"
        return Problem("beyond-period", message, f"at most {range_text(period)}")
    return None


def _fitted(tier: Tier, pulse: int, budget: Fraction, period: int) -> BurnTier:
    short, long = (ceil(window.milliseconds / pulse) * pulse for window in (tier.short, tier.long))
    long = max(long, short + pulse)
    share = Fraction(tier.budget.ratio)
    factor = share * period / long
    threshold = factor * budget
    wait = tier.for_.milliseconds if tier.for_ else 0
    return BurnTier(tier.name, tier.severity, share, short, long, factor, threshold, number(threshold), wait)


def _rounded(tier: Tier, fitted: BurnTier, pulse: int) -> Problem:
    message = (
        f"the windows of {tier.name}, {tier.short} and {tier.long}, are rounded up to {range_text(fitted.short)} and "
        f"{range_text(fitted.long)}"
    )
    return Problem("rounded", message, f"multiples of the recording step of {range_text(pulse)}")


def _cannot_fire(tier: BurnTier, budget: Fraction, period: int) -> Problem:
    message = f"{tier.name} can never fire and is left out"
    arithmetic = (
        f"{_percent(tier.share)} of the budget x {range_text(period)} / {range_text(tier.long)} = "
        f"{number(tier.factor)}; that times the budget of {_percent(budget)} is {_percent(tier.threshold)} of errors; "
        f"this one fires: {replacement(tier, budget, period)}"
    )
    return Problem("cannot-fire", message, "a tier that fires below 100% of errors", arithmetic)


def replacement(tier: BurnTier, budget: Fraction, period: int) -> str:
    """A tier of the same meaning that can fire, as a document writes it.

    It spends the same share over windows that are so many times longer that three quarters of errors are enough; where
    none within the period is, it spends a smaller share.

    >>> minute, factor = 60_000, Fraction("14.4")
    >>> fast = BurnTier("page-fast", "page", Fraction(1, 50), 5 * minute, 60 * minute, factor, factor / 10, "1.44")
    >>> replacement(fast, Fraction(1, 10), 30 * 24 * 60 * minute)
    '{name: page-fast, severity: page, budget: 2%, short: 10m, long: 2h}'
    """
    times = ceil(tier.threshold / _FIRES_AT)
    share = tier.share
    if tier.long * times > period:
        times = 1
        share = Fraction(floor(_FIRES_AT * tier.long / (period * budget) * 1000), 1000) or Fraction(1, 1000)
    return _written(tier, share, times)


def _written(tier: BurnTier, share: Fraction, times: int = 1) -> str:
    short, long = (range_text(window * times) for window in (tier.short, tier.long))
    held = f", for: {range_text(tier.wait)}" if tier.wait else ""
    words = f"name: {tier.name}, severity: {tier.severity}, budget: {_percent(share)}, short: {short}, long: {long}"
    return f"{{{words}{held}}}"


def _too_few_slices(tier: BurnTier, slices: int, slice_: int) -> Problem:
    message = f"{tier.name} can never fire and is left out"
    most = tier.long // slice_
    arithmetic = f"its long window of {range_text(tier.long)} holds {most} slices of {range_text(slice_)}"
    return Problem("cannot-fire", message, f"a minBadEvents of at most {most}, not {slices}", arithmetic)


def _left(
    windows: AlertWindowsSpec, tiers: list[BurnTier], problems: list[Problem], offers: list[_Offer]
) -> list[Problem]:
    refused = any(problem.kind in {"below-step", "beyond-period"} for problem in problems)
    if refused:
        return []
    wanted = dict.fromkeys(tier.severity for tier in windows.tiers)
    missing = [severity for severity in wanted if all(tier.severity != severity for tier in tiers)]
    found = []
    for severity in missing[:1]:
        mended = any(offer.mended and offer.severity == severity for offer in offers)
        every = ", ".join(offer.text for offer in offers)
        hint = f"an AlertWindows for spec.alerting with tiers: [{every}]" if mended else "a smaller minBadEvents"
        found.append(Problem("none-left", f"no {severity} tier is left that could fire", "at least one", hint))
    return found


def _percent(value: Fraction) -> str:
    return f"{number(value * 100)}%"
