"""A calibration in words and as plain JSON."""

from typing import Any

from failsoft.drift.alarms.calibration import Calibrated, Calibration
from failsoft.drift.alarms.power import Delay
from failsoft.drift.alarms.rules import DAYS
from failsoft.drift.alarms.signals import TableTest

__all__ = ["as_json", "text"]

_MINUTE = 60_000
_YEARS = 10
_DAYS_OF_A_YEAR = 365


def text(found: Calibration) -> str:
    """What a person reads: the promise first, then each feature, the least sensitive first."""
    lines = [*_promise(found), "", *_table(found)]
    if found.unjudged:
        lines += [
            "",
            "Not judged, for all their rows are in one bin, or no held-out window has any: "
            + ", ".join(found.unjudged)
            + ".",
        ]
    return "\n".join(lines)


def _promise(found: Calibration) -> list[str]:
    plan, evidence = found.plan, found.evidence
    pages = f"{found.pages:.2g} false pages in 30 days, {_uncertainty(found)}"
    lines = []
    if found.promised:
        lines.append(f"Promised: at most {plan.budget.false_pages_per_30d:g} in 30 days. Estimated: {pages}.")
    else:
        lines.append("No rate of pages is promised: what would page is a ticket.")
        lines += [f"  - {doubt}." for doubt in found.doubts]
        lines.append(f"If it were a page all the same: {pages}.")
    lines.append(
        f"It rests on a reference of {evidence.reference:,.0f} rows and on "
        f"{_many(evidence.windows, 'held-out window')} in {_many(evidence.blocks, 'block')} "
        f"({evidence.days:.3g} days of windows of {plan.cadence.window / _MINUTE:g} minutes)."
    )
    rule = "one bad window" if plan.rule.least == 1 else f"{plan.rule.least} bad windows among {plan.rule.among}"
    lines.append(
        f"In the calculation: {len(found.tests)} tests, strata: {plan.strata}, {plan.cadence.windows:,.0f} windows in "
        f"30 days, evaluations of each: {plan.cadence.evaluations:g}, {plan.rows:,} rows in a window, a floor of "
        f"{plan.floor:g}, a page on {rule}."
    )
    by_chance = "" if evidence.windows else "; by chance only, for no windows were held out"
    lines.append(
        f"Tickets by CUSUM: {found.tickets:.2g} false ones in 30 days, "
        f"{plan.budget.false_tickets_per_30d:g} are allowed{by_chance}."
    )
    return lines


def _uncertainty(found: Calibration) -> str:
    """Blocks are drawn again to see how far they differ: one block says nothing of that."""
    if found.evidence.blocks == 1:
        return "and how sure that is cannot be said of one block"
    return f"between {found.low:.2g} and {found.high:.2g} (90 %)"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _table(found: Calibration) -> list[str]:
    header = ("feature", "bins", "critical", "wander", "page 0.1 sd", "0.3 sd", "0.5 sd", "ticket 0.1 sd")
    order = sorted(found.tests, key=lambda one: -one.value)
    rows = [header, *(_row(one, _longest(found)) for one in order)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    legend = [
        "critical: PSI of the pooled table, or a share, above which a window is bad; wander: variance of windows in",
        "their worst direction over that of chance; then windows until a page and until a ticket, on average.",
    ]
    return [*("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows), "", *legend]


def _row(one: Calibrated, longest: float) -> tuple[str, ...]:
    name = one.test.name if one.test.name.isprintable() else repr(one.test.name)
    if not isinstance(one.test, TableTest):
        return (name, "share", f"{one.value:.4f}", "", "", "", "", "")
    pages = (_windows(delay.pages_after, longest) for delay in one.delays)
    bins = str(len(one.test.reference))
    return (name, bins, f"{one.value:.4f}", f"{one.wander:.2f}", *pages, _windows(one.delays[0].tickets_after, longest))


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
