"""A calibration in words and as plain JSON."""

from typing import Any, NamedTuple

from failsoft.drift.alarms.calibration import Calibrated, Calibration
from failsoft.drift.alarms.power import Delay
from failsoft.drift.alarms.rules import DAYS
from failsoft.drift.alarms.signals import TableTest
from failsoft.findings import amount

__all__ = ["LEGEND", "Said", "as_json", "cells", "said", "text"]

_MINUTE = 60_000
_YEARS = 10
_DAYS_OF_A_YEAR = 365


class Said(NamedTuple):
    """A calibration in sentences.

    Attributes:
        promise: what is promised, or that nothing is.
        doubts: why not.
        facts: what that rests on, and what it costs.
    """

    promise: str
    doubts: tuple[str, ...]
    facts: tuple[str, ...]


def said(found: Calibration) -> Said:
    """The sentences."""
    plan, evidence = found.plan, found.evidence
    pages = f"{amount(float(f'{found.pages:.2g}'), 'false page')} in 30 days, {_uncertainty(found)}"
    if found.promised:
        promise = f"Promised: at most {amount(plan.budget.false_pages_per_30d, 'false page')} in 30 days."
        estimate = f"Estimated: {pages}."
    else:
        promise = "No rate of pages is promised: what would page is a ticket."
        estimate = f"If it were a page all the same: {pages}."
    evidence_is = (
        f"It rests on a reference of {amount(round(evidence.reference), 'row')} and on "
        f"{amount(evidence.windows, 'held-out window')} in {amount(evidence.blocks, 'block')} "
        f"({evidence.days:.3g} days of windows of {plan.cadence.window / _MINUTE:g} min)."
    )
    rule = "one bad window" if plan.rule.least == 1 else f"{plan.rule.least} bad windows among {plan.rule.among}"
    calculated = (
        f"In the calculation: {amount(len(found.tests), 'test')}, strata: {plan.strata}, "
        f"{amount(round(plan.cadence.windows), 'window')} in 30 days, evaluations of each: "
        f"{plan.cadence.evaluations:g}, {amount(plan.rows, 'row')} in a window, a floor of {plan.floor:g}, "
        f"a page on {rule}."
    )
    by_chance = "" if evidence.windows else "; by chance only, for no windows were held out"
    tickets = (
        f"Tickets by CUSUM: {found.tickets:.2g} false in 30 days, of {plan.budget.false_tickets_per_30d:g} that may be"
        f"{by_chance}."
    )
    silent = "Not judged, for all their rows are in one bin, or no held-out window has any: "
    unjudged = (silent + ", ".join(map(_printable, found.unjudged)) + ".",) if found.unjudged else ()
    doubts = tuple(f"{doubt}." for doubt in found.doubts)
    return Said(promise, doubts, (estimate, evidence_is, calculated, tickets, *unjudged))


def text(found: Calibration) -> str:
    """What a person reads: the promise first, then each feature, the least sensitive first."""
    sentences = said(found)
    doubts = (f"  - {doubt}" for doubt in sentences.doubts)
    return "\n".join([sentences.promise, *doubts, *sentences.facts, "", *_table(found), "", *LEGEND])


def _uncertainty(found: Calibration) -> str:
    """Blocks are drawn again to see how far they differ: one block says nothing of that."""
    if found.evidence.blocks == 1:
        return "and how sure that is cannot be said of one block"
    return f"between {found.low:.2g} and {found.high:.2g} (90 %)"


LEGEND = (
    "critical: PSI of the pooled table, or a share, above which a window is bad; wander: variance of windows in",
    "their worst direction over that of chance; then windows until a page and until a ticket, on average.",
)


def _table(found: Calibration) -> list[str]:
    header = ("feature", "bins", "critical", "wander", "page 0.1 sd", "0.3 sd", "0.5 sd", "ticket 0.1 sd")
    rows = [header, *(cells(one, found) for one in sorted(found.tests, key=lambda one: -one.value))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def cells(one: Calibrated, found: Calibration) -> tuple[str, ...]:
    """A test's name, bins, critical value, wander, windows until a page at each shift, and until a ticket."""
    name, critical = _printable(one.test.name), f"{one.value:.4f}"
    if not isinstance(one.test, TableTest):
        return (name, "share", critical, "", "", "", "", "")
    longest = _longest(found)
    pages = (_windows(delay.pages_after, longest) for delay in one.delays)
    ticket = _windows(one.delays[0].tickets_after, longest)
    return (name, str(len(one.test.reference)), critical, f"{one.wander:.2f}", *pages, ticket)


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _longest(found: Calibration) -> float:
    """The windows of ten years: what takes longer is never seen, whatever the arithmetic says."""
    return found.plan.cadence.windows * _YEARS * _DAYS_OF_A_YEAR / DAYS


def _windows(value: float, longest: float) -> str:
    if value > longest:
        return "never"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004  # digits


def as_json(found: Calibration) -> dict[str, Any]:
    """As plain JSON: rates per 30 days, delays in windows, null for more than ten years of them."""
    plan = found.plan
    return {
        "promised": found.promised,
        "doubts": list(found.doubts),
        "false_pages_per_30d": {"budget": plan.budget.false_pages_per_30d, "estimate": found.pages}
        | {"p5": found.low, "p95": found.high},
        "false_tickets_per_30d": {"budget": plan.budget.false_tickets_per_30d, "estimate": found.tickets},
        "reference_rows": found.evidence.reference,
        "held_out": {"windows": found.evidence.windows, "blocks": found.evidence.blocks, "days": found.evidence.days},
        "plan": {
            "window_rows": plan.rows,
            "windows_per_30d": plan.cadence.windows,
            "evaluations_per_window": plan.cadence.evaluations,
            "tests": len(found.tests),
            "strata": plan.strata,
            "floor": plan.floor,
            "rule": {"least": plan.rule.least, "among": plan.rule.among},
        },
        "level": found.level,
        "features": [_feature(one, _longest(found)) for one in found.tests],
        "unjudged": list(found.unjudged),
    }


def _feature(one: Calibrated, longest: float) -> dict[str, Any]:
    made: dict[str, Any] = {"name": one.test.name, "critical": one.value}
    if isinstance(one.test, TableTest):
        made |= {"kind": "table", "bins": len(one.test.into), "pools": list(one.test.into), "wander": one.wander}
        made["delays"] = [_delay(delay, longest) for delay in one.delays]
        if one.cusum is not None:
            made["cusum"] = {"mean": one.cusum.mean, "sd": one.cusum.sd, "threshold": one.cusum.threshold}
        return made
    return made | {"kind": "share"}


def _delay(delay: Delay, longest: float) -> dict[str, Any]:
    return {
        "shift_sd": delay.shift,
        "seen_in_one_window": delay.each,
        "seen_in_two_windows": delay.soon,
        "windows_to_page": delay.pages_after if delay.pages_after <= longest else None,
        "windows_to_ticket": delay.tickets_after if delay.tickets_after <= longest else None,
    }
