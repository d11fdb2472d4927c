"""How far is too far: critical values where windows differ by chance only, or those of a calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil
from typing import Protocol

import numpy as np

from failsoft.drift.alarms.laws import Law, quadratic_form, raised, yurdakul
from failsoft.drift.alarms.rules import Budget, Cadence, Rule, level_for
from failsoft.drift.alarms.signals import Signal, TableTest, test_of
from failsoft.drift.alarms.stored import StoredCalibration, StoredTest, Watched
from failsoft.drift.alarms.tables import merged
from failsoft.drift.comparison import Compared
from failsoft.drift.features import CategoricalReference
from failsoft.drift.memory import Memory
from failsoft.drift.statistics import psi
from failsoft.findings import amount

__all__ = ["Calibrated", "Criteria", "Held", "Limits", "Severity", "Tolerance", "criteria"]

type _Pair = tuple[tuple[float, ...], tuple[float, ...]]


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
    """The PSI of the pooled table above which a ticket or a page is due; None where none is, or no table to judge."""

    ticket: float | None = None
    page: float | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A table held against its limits.

    Attributes:
        pooled: the PSI of the pooled table.
        limits: the critical values.
        note: what a person should know of a window that is within them; empty where there is nothing.
    """

    pooled: float
    limits: Limits
    note: str = ""


class Criteria(Protocol):
    """Where critical values come from."""

    @property
    def levels(self) -> tuple[float, float]:
        """-log(chance) at which a share raises a ticket and a page; infinite where it never does."""

    def least(self, one: Compared) -> int:
        """A window with fewer rows is not judged."""

    def decided(self, one: Compared, severities: Mapping[str, Severity]) -> dict[str, Severity]:
        """What each signal calls for, from what the window alone would call for."""

    def table(self, one: Compared) -> Held | None:
        """A feature's table beside its limits; None where it has one bin only, or is not compared."""


def criteria(
    features: Sequence[Compared],
    tolerance: Tolerance,
    calibration: StoredCalibration | None,
    memory: Memory | None = None,
) -> Criteria:
    """The criteria of a window: those of the calibration, where there is one, and of what is remembered."""
    if calibration is None:
        return _ByChance(features, tolerance)
    return Calibrated(tolerance, calibration) if memory is None else _Remembering(tolerance, calibration, memory)


class _ByChance:
    """The budget is shared out over the windows of 30 days and over all tests of all features (Bonferroni)."""

    def __init__(self, features: Sequence[Compared], tolerance: Tolerance) -> None:
        tests = sum(_tests(one) for one in features)
        windows = tolerance.cadence.windows
        rates = (tolerance.budget.false_tickets_per_30d / windows, tolerance.budget.false_pages_per_30d / windows)
        self.levels = (level_for(rates[0], Rule(), max(1, tests)), level_for(rates[1], Rule(), max(1, tests)))
        self._least = tolerance.min_rows
        self._floors = (tolerance.ticket_floor, tolerance.page_floor)

    def least(self, one: Compared) -> int:  # noqa: ARG002  # the same for all
        return self._least

    def decided(self, one: Compared, severities: Mapping[str, Severity]) -> dict[str, Severity]:  # noqa: ARG002
        return dict(severities)

    def table(self, one: Compared) -> Held | None:
        if one.laid is None or not sum(one.laid.current) or not sum(one.laid.reference):
            return None
        pair = _effective((one.laid.reference, one.laid.current), one)
        signal = Signal(
            one.name,
            np.array(pair[0]),
            np.empty((0, len(pair[0]))),
            ordered=not isinstance(one.feature, CategoricalReference),
        )
        test = test_of(signal, max(1, round(sum(pair[1]))), 1, inside=False)
        if not isinstance(test, TableTest):
            return None
        test = replace(test, law=raised(test.law, _uneven(pair, one, len(test.reference) - 1)))
        ticket, page = (
            test.critical(level, floor) * test.error for level, floor in zip(self.levels, self._floors, strict=True)
        )
        return Held(_pooled(pair, test.into), Limits(ticket, page))


def _tests(one: Compared) -> int:
    """Signals of a feature: its table, or its unusual rows where it has none; missing rows; categories, and flags."""
    categorical = isinstance(one.feature, CategoricalReference)
    return 2 + categorical + (isinstance(one.feature, CategoricalReference) and one.feature.type == "boolean")


class Calibrated:
    """The critical values that held-out windows gave.

    A window that is smaller than planned is judged by the same score z, a larger one by the same PSI: both are on the
    safe side, for chance shrinks with the rows of a window and what windows differ by besides does not.
    """

    def __init__(self, tolerance: Tolerance, calibration: StoredCalibration) -> None:
        self._kept = calibration
        self._pages = calibration.promised and calibration.rule.least == 1
        self.levels = (calibration.ticket_level, calibration.page_level if self._pages else float("inf"))
        self._least = tolerance.min_rows

    def least(self, one: Compared) -> int:
        """A window with fewer rows than half of those that were planned is not judged."""
        test = self._kept.by_feature.get((one.stratum, one.name))
        # the rows of a test are independent ones
        rows = self._kept.rows if test is None else test.rows * one.design.current
        return max(self._least, ceil(rows / 2))

    def decided(self, one: Compared, severities: Mapping[str, Severity]) -> dict[str, Severity]:  # noqa: ARG002
        """What each signal calls for: the window alone decides."""
        return dict(severities)

    def scored(self, one: Compared) -> tuple[StoredTest, float, float] | None:
        """A table's test, its score z, and what z is multiplied by to be a PSI; None where there is no test."""
        test = self._kept.by_feature.get((one.stratum, one.name))
        pair = _fixed(one)
        if test is None or pair is None:
            return None
        pair = _effective(pair, one)
        error = 1 / sum(pair[0]) + 1 / min(sum(pair[1]), test.rows)
        return test, _pooled(pair, test.pools) / error, error

    def table(self, one: Compared) -> Held | None:
        """A feature's table beside its limits."""
        found = self.scored(one)
        if found is None:
            return None
        test, z, error = found
        note, rule = "", self._kept.rule
        if z > test.page and not self._pages:
            note = f"a bad window (PSI {z * error:.3g} is above {test.page * error:.3g}), "
            if not self._kept.promised:
                note += "but no rate of pages is promised, so it is no page"
            else:
                note += f"and {rule.least} of {rule.among} are a page"
        return Held(z * error, Limits(test.ticket * error, test.page * error if self._pages else None), note)


class _Remembering(Calibrated):
    """Pages on as many bad windows as the rule says, tickets by CUSUM."""

    def __init__(self, tolerance: Tolerance, calibration: StoredCalibration, memory: Memory) -> None:
        super().__init__(tolerance, calibration)
        self._memory = memory

    def table(self, one: Compared) -> Held | None:
        found = self.scored(one)
        if found is None:
            return None
        test, z, error = found
        kept = self._memory.by_test.get(Watched(one.name, "distribution", one.stratum))
        note = ""
        if kept is not None and test.cusum is not None:
            over = "went over" if kept.ticket else f"is {kept.sum:.3g}, a ticket above"
            note = f"CUSUM {over} {test.cusum.threshold:.3g}" if kept.ticket or kept.sum else ""
            if kept.ticket:
                note += f", is {kept.sum:.3g}, and is a ticket until it is back at 0"
            if kept.bad and kept.bad[-1]:
                bad = f"{sum(kept.bad)} bad of the last {amount(len(kept.bad), 'window')}"
                note = f"{bad} (PSI {z * error:.3g} is above {test.page * error:.3g})" + (f"; {note}" if note else "")
        return Held(z * error, Limits(test.page * error, test.page * error), note)

    def decided(self, one: Compared, severities: Mapping[str, Severity]) -> dict[str, Severity]:
        """What each signal calls for, from the last windows."""
        made = {}
        for what, alone in severities.items():
            kept = self._memory.by_test.get(Watched(one.name, what, one.stratum))  # type: ignore[arg-type]  # it is a signal
            if kept is None:
                made[what] = alone
                continue
            rule = self._kept.rule
            paged = bool(kept.bad) and kept.bad[-1] and sum(kept.bad) >= rule.least
            ticket = kept.ticket if what == "distribution" else alone in {Severity.TICKET, Severity.PAGE}
            if paged and self._kept.promised:
                made[what] = Severity.PAGE
            else:
                made[what] = Severity.TICKET if ticket or paged else Severity.NONE
        return made


def _fixed(one: Compared) -> _Pair | None:
    """Both sides over the bins that a calibration has: of categories always `other` and `new`, held or not."""
    laid = one.laid
    if laid is None or not sum(laid.current) or not sum(laid.reference):
        return None
    if not isinstance(one.feature, CategoricalReference):
        return laid.reference, laid.current
    top = len(one.feature.categories)
    before, now = laid.reference[:top], laid.current[:top]
    rest = sum(laid.current) - sum(now) - laid.new
    return (*before, sum(one.feature.rest_counts), 0.0), (*now, rest, laid.new)


def _effective(pair: _Pair, one: Compared) -> _Pair:
    """Both sides in independent rows."""
    if one.design.reference == one.design.current == 1:
        return pair
    before, now = one.design.reference, one.design.current
    return tuple(count / before for count in pair[0]), tuple(count / now for count in pair[1])


def _uneven(pair: _Pair, one: Compared, freedom: int) -> Law:
    """The law of a table whose rows come in clusters that differ more in one direction than in the others."""
    error = 1 / sum(pair[0]), 1 / sum(pair[1])
    worst = (one.spread.reference * error[0] + one.spread.current * error[1]) / sum(error)
    worst = min(worst, float(freedom))
    if worst <= 1 or freedom == 1:
        return yurdakul(freedom + 1)
    others = max(1e-3, (freedom - worst) / (freedom - 1))
    return quadratic_form(np.array([worst, *[others] * (freedom - 1)]))


def _pooled(pair: _Pair, into: Sequence[int]) -> float:
    left, right = (merged(np.array(side), into).tolist() for side in pair)
    found = psi(left, right)
    assert found is not None  # noqa: S101  # both sides have rows
    return found
