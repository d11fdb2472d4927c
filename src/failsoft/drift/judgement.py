"""Whether what was measured is too much: beyond chance at a budget of false alarms, and large enough to matter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from failsoft.drift.alarms.rules import Budget, Cadence, Rule, level_for
from failsoft.drift.alarms.signals import ShareTest, Signal, TableTest, test_of
from failsoft.drift.alarms.tables import merged
from failsoft.drift.comparison import Compared
from failsoft.drift.features import CategoricalReference
from failsoft.drift.statistics import psi

__all__ = ["Judged", "Limits", "Severity", "Tolerance", "judge", "worst"]


class Severity(StrEnum):
    """What a feature's drift calls for, the worst last."""

    UNJUDGED = "unjudged"
    NONE = "none"
    TICKET = "ticket"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is still no drift.

    Attributes:
        budget: false alarms of all features together, in 30 days of windows that do not drift.
        cadence: how long windows are and how often they are judged.
        page_floor, ticket_floor: the smallest PSI that is worth an alarm, however surely it is no chance.
        share_floor: by how much the share of missing rows or of new categories must have grown at least.
        min_rows: a window with fewer rows is not judged.
    """

    budget: Budget = field(default_factory=Budget)
    cadence: Cadence = field(default_factory=lambda: Cadence(window=3_600_000, every=3_600_000))
    page_floor: float = 0.1
    ticket_floor: float = 0.02
    share_floor: float = 0.01
    min_rows: int = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """The PSI of the pooled table above which a ticket or a page is due; None where there is no table to judge."""

    ticket: float | None = None
    page: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A feature with its verdict.

    Attributes:
        compared: what was measured.
        severity: what it calls for.
        limits: the critical values.
        pooled: the PSI that was held against them: rare bins and categories are pooled for it.
        moved: the signals that are beyond chance and large enough: `distribution`, `missing`, `new`.
        reason: in words.
    """

    compared: Compared
    severity: Severity
    limits: Limits
    pooled: float | None
    moved: tuple[str, ...]
    reason: str

    @property
    def excess(self) -> float:
        """How many times its limit the distance is: what features of one severity are sorted by."""
        return self.pooled / self.limits.ticket if self.pooled is not None and self.limits.ticket else 0.0

    def as_json(self) -> dict[str, Any]:
        """As plain JSON: shares from 0 to 1, null is "there is none"."""
        compared = self.compared
        return {
            "name": compared.name,
            "kind": compared.feature.kind,
            "role": compared.feature.role,
            "statistics": compared.statistics.as_json(),
            "rows": compared.rows.as_json(),
            "missing": compared.missing.as_json(),
            "new": compared.new.as_json(),
            "critical": self.limits.ticket,
            "page_critical": self.limits.page,
            "pooled_psi": self.pooled,
            "severity": str(self.severity),
            "moved": list(self.moved),
            "reason": self.reason,
        }


def judge(features: Sequence[Compared], tolerance: Tolerance) -> tuple[Judged, ...]:
    """Each feature with its verdict, in the same order.

    The budget is shared out over the windows of 30 days and over all tests of all features: a table of bins each, and
    the shares of missing rows and of new categories (Bonferroni). Nothing is known here of how windows differ from each
    other without drift: `failsoft drift calibrate` learns that from held-out windows.
    """
    tests = sum(2 + isinstance(one.feature, CategoricalReference) for one in features)
    windows = tolerance.cadence.windows
    rates = (tolerance.budget.false_tickets_per_30d / windows, tolerance.budget.false_pages_per_30d / windows)
    levels = tuple(level_for(rate, Rule(), max(1, tests)) for rate in rates)
    return tuple(_judged(one, tolerance, levels[0], levels[1]) for one in features)


def worst(features: Sequence[Judged]) -> Severity:
    """The worst severity of all; `unjudged` without any."""
    order = list(Severity)
    return max((one.severity for one in features), key=order.index, default=Severity.UNJUDGED)


def _judged(one: Compared, tolerance: Tolerance, ticket: float, page: float) -> Judged:
    if one.rows.current < tolerance.min_rows or one.rows.reference < tolerance.min_rows:
        side = "window" if one.rows.current < tolerance.min_rows else "reference"
        have = min(one.rows.current, one.rows.reference)
        reason = f"{have} rows in the {side}, {tolerance.min_rows} are needed"
        return Judged(one, Severity.UNJUDGED, Limits(), None, (), reason)
    severities = {"missing": _missing(one, tolerance, ticket, page), "new": _new(one, tolerance, ticket, page)}
    limits, pooled, reason = Limits(), None, one.reason
    table = _table(one)
    if table is not None:
        limits = Limits(_limit(table, ticket, tolerance.ticket_floor), _limit(table, page, tolerance.page_floor))
        pooled = _pooled(one, table)
        severities["distribution"] = _beyond(pooled, limits)
    moved = tuple(name for name in ("distribution", "missing", "new") if severities.get(name) in _ALARMS)
    found = max((s for s in severities.values() if s is not None), key=list(Severity).index, default=Severity.UNJUDGED)
    if table is None and not moved:
        found = Severity.UNJUDGED
        reason = reason or "too few rows in all bins but one"
    return Judged(one, found, limits, pooled, moved, _words(one, moved, limits, pooled) or reason)


_ALARMS = (Severity.TICKET, Severity.PAGE)


def _table(one: Compared) -> TableTest | None:
    if one.laid is None or not sum(one.laid.current) or not sum(one.laid.reference):
        return None
    ordered = not isinstance(one.feature, CategoricalReference)
    signal = Signal(one.name, np.array(one.laid.reference), np.empty((0, len(one.laid.reference))), ordered=ordered)
    made = test_of(signal, round(sum(one.laid.current)), 1, inside=False)
    return made if isinstance(made, TableTest) else None


def _limit(test: TableTest, level: float, floor: float) -> float:
    return test.critical(level, floor) * test.error


def _pooled(one: Compared, test: TableTest) -> float | None:
    assert one.laid is not None  # noqa: S101  # else there were no test
    left, right = (merged(np.array(side), test.into).tolist() for side in (one.laid.reference, one.laid.current))
    return psi(left, right)


def _beyond(value: float | None, limits: Limits) -> Severity:
    if value is None:
        return Severity.UNJUDGED
    if limits.page is not None and value > limits.page:
        return Severity.PAGE
    return Severity.TICKET if limits.ticket is not None and value > limits.ticket else Severity.NONE


def _missing(one: Compared, tolerance: Tolerance, ticket: float, page: float) -> Severity | None:
    before, now = one.missing.reference, one.missing.current
    if before is None or now is None:
        return None
    counts = one.feature.missing, round(now * one.rows.current)
    return _share(one.name, counts, (one.rows.reference, one.rows.current), tolerance, (ticket, page))


def _new(one: Compared, tolerance: Tolerance, ticket: float, page: float) -> Severity | None:
    if one.laid is None or one.new.current is None or not isinstance(one.feature, CategoricalReference):
        return None
    rows = round(sum(one.laid.current))
    return _share(one.name, (0, round(one.laid.new)), (one.feature.rows, rows), tolerance, (ticket, page))


def _share(
    name: str, events: tuple[int, int], rows: tuple[int, int], tolerance: Tolerance, levels: tuple[float, float]
) -> Severity | None:
    """More events among the rows than before; fewer of them is no alarm."""
    if not rows[0] or not rows[1]:
        return None
    if events[1] / rows[1] - events[0] / rows[0] <= tolerance.share_floor:
        return Severity.NONE
    reference = np.array([events[0], rows[0] - events[0]])
    test = test_of(Signal(name, reference, np.empty((0, 2)), share=True), rows[1], 1, inside=False)
    assert isinstance(test, ShareTest)  # noqa: S101  # as the signal says
    if events[1] > test.critical(levels[1], 0.0):
        return Severity.PAGE
    return Severity.TICKET if events[1] > test.critical(levels[0], 0.0) else Severity.NONE


def _words(one: Compared, moved: Sequence[str], limits: Limits, pooled: float | None) -> str:
    said = []
    if "distribution" in moved and pooled is not None and limits.ticket is not None:
        said.append(f"PSI {pooled:.3g} is above {limits.ticket:.3g}")
    if "missing" in moved and one.missing.current is not None and one.missing.reference is not None:
        said.append(f"missing {one.missing.current:.3g} of the rows, {one.missing.reference:.3g} before")
    if "new" in moved and one.new.current is not None:
        said.append(f"{one.new.current:.3g} of the rows are of categories that the reference never had")
    return "; ".join(said)
