"""A backtest as plain JSON; docs/backtest.md says what each key means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from failsoft.backtest.result import Excluding, Fired, Point, Promise, Replayed, Seen
from failsoft.slo.promql import range_text

__all__ = ["Asked", "as_json"]

_GAPS = 100
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        server: the address, without its password.
        since, until: seconds since the epoch.
        queries, kept: chunks of history in all, and those that an earlier run had kept.
    """

    server: str
    since: float
    until: float
    queries: int
    kept: int


def as_json(asked: Asked, slos: Sequence[Replayed]) -> dict[str, Any]:
    """Times are RFC 3339 in UTC, shares from 0 to 1, null is "nobody knows"; an infinite number does not occur."""
    return {
        "kind": "Backtest",
        "version": 1,
        "server": asked.server,
        "since": _iso(asked.since),
        "until": _iso(asked.until),
        "queries": {"all": asked.queries, "kept": asked.kept},
        "slos": [_slo(one) for one in slos],
    }


def _slo(one: Replayed) -> dict[str, Any]:
    objective, budget = one.objective, one.budget
    return {
        "slo": objective.name,
        "model": objective.model,
        "team": objective.team,
        "group": dict(one.group),
        "objective": _share(float(1 - objective.budget)),
        "period": range_text(objective.period),
        "pulse": range_text(objective.pulse),
        "bad": objective.sli.sentence,
        "pages": one.pages if one.seen.first is not None else None,
        "tickets": one.tickets if one.seen.first is not None else None,
        "alerts": [_alert(alert) for alert in one.alerts],
        "budget": {
            "spent": _share(budget.spent),
            "worst": _share(budget.worst),
            "worstAt": _iso(budget.worst_at),
            "coverage": _share(budget.coverage),
            "points": [_point(point) for point in budget.points],
        },
        "excluding": None if one.excluding is None else _excluding(one.excluding),
        "reached": _share(one.reached),
        "enoughSeen": one.enough,
        "seen": _seen(one.seen),
        "promises": [_promise(promise) for promise in one.promises],
    }


def _excluding(excluding: Excluding) -> dict[str, Any]:
    budget = excluding.budget
    return {
        "spent": _share(budget.spent),
        "worst": _share(budget.worst),
        "worstAt": _iso(budget.worst_at),
        "seconds": round(excluding.seconds),
        "times": [{"start": _iso(begin), "end": _iso(end)} for begin, end in excluding.times],
    }


def _alert(alert: Fired) -> dict[str, Any]:
    return {
        "tier": alert.tier,
        "severity": alert.severity,
        "start": _iso(alert.start),
        "end": _iso(alert.end),
        "errorRatio": _share(alert.ratio),
        "budgetGone": _share(alert.gone),
        "coverage": _share(alert.coverage),
        "periodCoverage": _share(alert.period_coverage),
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "at": _iso(point.at),
        "spentSince": _share(point.since),
        "spent": _share(point.spent),
        "coverage": _share(point.coverage),
        "bad": round(point.bad, 3),
        "total": round(point.total, 3),
    }


def _seen(seen: Seen) -> dict[str, Any]:
    gaps = sorted(sorted(seen.gaps, key=lambda gap: -gap.steps)[:_GAPS], key=lambda gap: gap.first)
    return {
        "pulses": seen.steps,
        "expected": seen.expected,
        "coverage": _share(seen.coverage),
        "events": round(seen.events, 3),
        "badEvents": round(seen.bad, 3),
        "first": _iso(seen.first),
        "last": _iso(seen.last),
        "gaps": [{"first": _iso(gap.first), "last": _iso(gap.last), "pulses": gap.steps} for gap in gaps],
        "gapsInAll": len(seen.gaps),
        "pulsesWithoutBad": seen.unknown,
        "pulsesNotANumber": seen.broken,
        "seriesNaN": seen.nan,
        "resets": seen.resets,
        "series": None if seen.series is None else {"fewest": seen.series[0], "most": seen.series[1]},
        "scrapeSeconds": None if seen.scrape is None else seen.scrape / 1000,
        "failuresSeen": seen.failures,
    }


def _promise(promise: Promise) -> dict[str, Any]:
    return {
        "objective": _share(promise.objective),
        "threshold": promise.threshold or None,
        "written": promise.written,
        "pages": promise.pages,
        "tickets": promise.tickets,
        "spent": _share(promise.spent),
        "worst": _share(promise.worst),
        "deadTiers": list(promise.dead),
        "coverage": _share(promise.coverage),
    }


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
