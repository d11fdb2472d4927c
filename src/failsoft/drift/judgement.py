"""Whether what was measured is too much: beyond chance at a budget of false alarms, and large enough to matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from failsoft.drift.alarms.signals import ShareTest, Signal, test_of
from failsoft.drift.alarms.stored import StoredCalibration
from failsoft.drift.comparison import Compared
from failsoft.drift.features import CategoricalReference
from failsoft.drift.limits import Criteria, Limits, Severity, Tolerance, criteria
from failsoft.drift.memory import Memory
from failsoft.findings import amount

__all__ = ["Judged", "Limits", "Severity", "Tolerance", "judge", "shares", "worst"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A feature with its verdict.

    Attributes:
        compared: what was measured.
        severity: what it calls for.
        limits: the critical values.
        pooled: the PSI that was held against them: rare bins and categories are pooled for it.
        moved: the signals that are beyond chance and large enough: `distribution`, `missing`, `new`,
            `unusual` (rows of another value than nearly all of the reference have).
        reason: in words.
    """

    compared: Compared
    severity: Severity
    limits: Limits
    pooled: float | None
    moved: tuple[str, ...]
    reason: str

    @property
    def rank(self) -> tuple[float, ...]:
        """What features are sorted by for people: the worst first, then predictions, the important, the far ones."""
        feature = self.compared.feature
        severity = list(Severity).index(self.severity)
        return (-severity, feature.role != "prediction", -(feature.importance or 0.0), -self.excess)

    @property
    def excess(self) -> float:
        """How many times its limit the distance is: what features of one severity are sorted by."""
        return self.pooled / self.limits.ticket if self.pooled is not None and self.limits.ticket else 0.0

    def as_json(self) -> dict[str, Any]:
        """As plain JSON: shares from 0 to 1, null is "there is none"."""
        compared = self.compared
        return {
            "name": compared.name,
            "stratum": compared.stratum,
            "kind": compared.feature.kind,
            "role": compared.feature.role,
            "importance": compared.feature.importance,
            "statistics": compared.statistics.as_json(),
            "rows": compared.rows.as_json(),
            "effective_rows": compared.effective.as_json(),
            "missing": compared.missing.as_json(),
            "new": compared.new.as_json(),
            "critical": self.limits.ticket,
            "page_critical": self.limits.page,
            "pooled_psi": self.pooled,
            "severity": str(self.severity),
            "moved": list(self.moved),
            "reason": self.reason,
        }


def judge(
    features: Sequence[Compared],
    tolerance: Tolerance,
    calibration: StoredCalibration | None = None,
    memory: Memory | None = None,
) -> tuple[Judged, ...]:
    """Each feature with its verdict, in the same order.

    Without a calibration the budget is shared out over the windows of 30 days and over all tests of all features: a
    table of bins each, and the shares of missing rows and of new categories (Bonferroni). Nothing is known then of how
    windows differ from each other without drift: `failsoft drift calibrate` learns that from held-out windows.

    Args:
        features: what was measured.
        tolerance: the budget, and what is too small to matter.
        calibration: of the same reference; its budget, windows and floor take the place of the tolerance's.
        memory: of this calibration, this window in it: pages then need as many bad windows as the rule says, and
            tickets come from CUSUM.
    """
    held = criteria(features, tolerance, calibration, memory)
    return tuple(_judged(one, tolerance, held) for one in features)


def worst(features: Sequence[Judged]) -> Severity:
    """The worst severity of all; `unjudged` without any."""
    order = list(Severity)
    return max((one.severity for one in features), key=order.index, default=Severity.UNJUDGED)


def _judged(one: Compared, tolerance: Tolerance, held: Criteria) -> Judged:
    least = held.least(one)
    if one.rows.current < least or one.rows.reference < tolerance.min_rows:
        small = one.rows.current < least
        have, need = (one.rows.current, least) if small else (one.rows.reference, tolerance.min_rows)
        reason = f"{amount(have, 'row')} in the {'window' if small else 'reference'}, {need:,} are needed"
        return Judged(one, Severity.UNJUDGED, Limits(), None, (), reason)
    table = held.table(one)
    severities = shares(one, tolerance, held.levels, tabled=table is not None)
    limits, pooled, reason = Limits(), None, one.reason
    if table is not None:
        limits, pooled, reason = table.limits, table.pooled, table.note or reason
        severities["distribution"] = _beyond(pooled, limits)
    severities = held.decided(one, severities)
    moved = tuple(name for name in _SIGNALS if severities.get(name) in _ALARMS)
    found = max(severities.values(), key=list(Severity).index, default=Severity.UNJUDGED)
    if table is None and "unusual" not in severities and not moved:
        found = Severity.UNJUDGED
        reason = reason or "too few rows in all bins but one"
    if one.feature.role == "stratum":
        # other traffic is worth a look by day, and nobody's night
        found = Severity.TICKET if found is Severity.PAGE else found
        limits = Limits(limits.ticket)
    return Judged(one, found, limits, pooled, moved, _words(one, moved, limits, pooled) or reason)


_ALARMS = (Severity.TICKET, Severity.PAGE)
_SIGNALS = ("distribution", "missing", "new", "unusual")


def shares(one: Compared, tolerance: Tolerance, levels: tuple[float, float], *, tabled: bool) -> dict[str, Severity]:
    """What a feature's missing rows, its new categories and its unusual rows call for, as far as it has them.

    Args:
        one: the feature.
        tolerance: by how much shares must have grown.
        levels: -log(chance) of a ticket and of a page.
        tabled: whether its table is judged, so that unusual rows need no test of their own, unless it is a flag.
    """
    found = {"missing": _missing(one, tolerance, levels), "new": _new(one, tolerance, levels)}
    if not tabled or (isinstance(one.feature, CategoricalReference) and one.feature.type == "boolean"):
        found["unusual"] = _unusual(one, tolerance, levels)
    return {what: severity for what, severity in found.items() if severity is not None}


def _beyond(value: float | None, limits: Limits) -> Severity:
    if value is None:
        return Severity.UNJUDGED
    if limits.page is not None and value > limits.page:
        return Severity.PAGE
    return Severity.TICKET if limits.ticket is not None and value > limits.ticket else Severity.NONE


def _missing(one: Compared, tolerance: Tolerance, levels: tuple[float, float]) -> Severity | None:
    before, now = one.missing.reference, one.missing.current
    if before is None or now is None:
        return None
    counts = one.feature.missing, round(now * one.rows.current)
    return _share(one, counts, (one.rows.reference, one.rows.current), tolerance, levels)


def _new(one: Compared, tolerance: Tolerance, levels: tuple[float, float]) -> Severity | None:
    if one.laid is None or one.new.current is None or not isinstance(one.feature, CategoricalReference):
        return None
    rows = round(sum(one.laid.current))
    return _share(one, (0, round(one.laid.new)), (one.feature.rows, rows), tolerance, levels)


def _unusual(one: Compared, tolerance: Tolerance, levels: tuple[float, float]) -> Severity | None:
    """Rows of another value than nearly all of the reference have.

    Where a column is all but constant one bin is left of its table, and of a flag that rises from 0.2 % to 2 % the PSI
    is far below any floor: shares are told by their own test, as those of missing rows are.
    """
    if one.laid is None or not sum(one.laid.reference) or not sum(one.laid.current):
        return None
    before, now = one.laid.reference, one.laid.current
    usual = before.index(max(before))
    rows = round(sum(before)), round(sum(now))
    return _share(one, (rows[0] - round(before[usual]), rows[1] - round(now[usual])), rows, tolerance, levels)


def _share(
    one: Compared, events: tuple[int, int], rows: tuple[int, int], tolerance: Tolerance, levels: tuple[float, float]
) -> Severity | None:
    """More events among the rows than before; fewer of them is no alarm."""
    if not rows[0] or not rows[1]:
        return None
    if events[1] / rows[1] - events[0] / rows[0] <= tolerance.share_floor:
        return Severity.NONE
    # rows that come in clusters count as so many fewer
    each = one.design.reference * one.spread.reference, one.design.current * one.spread.current
    before, all_before = (round(count / each[0]) for count in (events[0], rows[0]))
    now, all_now = (round(count / each[1]) for count in (events[1], rows[1]))
    reference = np.array([before, max(1, all_before) - before])
    test = test_of(Signal(one.name, reference, np.empty((0, 2)), share=True), max(1, all_now), 1, inside=False)
    assert isinstance(test, ShareTest)  # noqa: S101  # as the signal says
    if isfinite(levels[1]) and now > test.critical(levels[1], 0.0):
        return Severity.PAGE
    return Severity.TICKET if now > test.critical(levels[0], 0.0) else Severity.NONE


def _words(one: Compared, moved: Sequence[str], limits: Limits, pooled: float | None) -> str:
    said = []
    if moved and one.feature.role == "stratum":
        said.append("the mix of traffic moved, which is no change of the model")
    if "distribution" in moved and pooled is not None and limits.ticket is not None and pooled > limits.ticket:
        said.append(f"pooled PSI {pooled:.3g} is above {limits.ticket:.3g}")
    if "missing" in moved and one.missing.current is not None and one.missing.reference is not None:
        said.append(f"{_percent(one.missing.current)} are missing, {_percent(one.missing.reference)} before")
    if "new" in moved and one.new.current is not None:
        said.append(f"{_percent(one.new.current)} are of categories that the reference never had")
    if "unusual" in moved and one.laid is not None:
        usual = one.laid.reference.index(max(one.laid.reference))
        shares = [1 - side[usual] / sum(side) for side in (one.laid.current, one.laid.reference)]
        said.append(f"{_percent(shares[0])} have another value than usual, {_percent(shares[1])} before")
    return "; ".join(said)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
