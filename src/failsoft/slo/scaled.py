"""Alert windows for a period that has none, made from those of another period, as a document to paste."""

from collections.abc import Iterable
from fractions import Fraction
from math import floor

from failsoft.slo.promql import number, range_text
from failsoft.slo.windows import coarsest_pulse
from failsoft.workspace.kinds.slo import AlertWindowsSpec, Tier

__all__ = ["pasted"]

_TENTHS = 1000


def pasted(known: Iterable[AlertWindowsSpec], period: int, scrape: int) -> str:
    """A document of kind AlertWindows for a period, on one line; empty where none of its tiers would make sense.

    It takes the windows whose period is nearest. They are as many times longer or shorter, in whole pulses, and every
    tier keeps its factor (budget share x period / long window), so its share of the budget follows.

    Args:
        known: the windows that are the default of some period.
        period: milliseconds.
        scrape: milliseconds between two scrapes.
    """
    periods = [(spec.period.milliseconds, spec) for spec in known if spec.period is not None]
    if not periods:
        return ""
    base, spec = min(periods, key=lambda one: max(Fraction(one[0], period), Fraction(period, one[0])))
    pulse = coarsest_pulse(period, scrape)
    tiers = [text for tier in spec.tiers if (text := _tier(tier, base, period, pulse))]
    if {tier.severity for tier in spec.tiers} != {severity for severity in ("page", "ticket") if _has(tiers, severity)}:
        return ""
    name = f"burn-{range_text(period)}"
    spec_text = f"period: {range_text(period)}, tiers: [{', '.join(tiers)}]"
    return f"{{kind: AlertWindows, metadata: {{name: {name}}}, spec: {{{spec_text}}}}}"


def _tier(tier: Tier, base: int, period: int, pulse: int) -> str:
    short = max(1, round(Fraction(tier.short.milliseconds * period, base * pulse))) * pulse
    long = max(round(Fraction(tier.long.milliseconds * period, base * pulse)) * pulse, short + pulse)
    factor = Fraction(tier.budget.ratio) * base / tier.long.milliseconds
    share = Fraction(floor(factor * long / period * _TENTHS), _TENTHS)
    if long > period or not 0 < share < 1:
        return ""
    windows = f"budget: {number(share * 100)}%, short: {range_text(short)}, long: {range_text(long)}"
    waits = f", for: {tier.for_}" if tier.for_ else ""
    return f"{{name: {tier.name}, severity: {tier.severity}, {windows}{waits}}}"


def _has(tiers: Iterable[str], severity: str) -> bool:
    return any(f"severity: {severity}" in tier for tier in tiers)
