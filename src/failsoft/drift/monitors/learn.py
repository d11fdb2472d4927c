"""Learning a reference profile, and what its alarms can promise, from what Prometheus already holds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from failsoft.drift.codes import REFERENCE_TOO_SMALL
from failsoft.drift.distribution import Histogram
from failsoft.drift.features import CategoricalReference, HistogramReference
from failsoft.drift.monitors.bins import Reference
from failsoft.drift.monitors.history import History, added, windows
from failsoft.drift.monitors.learned import Learned, Told
from failsoft.drift.profile import ReferenceProfile
from failsoft.findings import Finding, amount
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.model import Document

if TYPE_CHECKING:
    from failsoft.drift.alarms import Rule

__all__ = ["learn"]


def learn(
    monitor: Document[DriftMonitorSpec], histories: Mapping[str, History], told: Told, rule: "Rule | None" = None
) -> Learned | tuple[Finding, ...]:
    """The profile of a monitor's signals, or why it cannot be had.

    The reference holds all rows, in whole ones, for Prometheus extrapolates. Where the monitor has a budget, the same
    windows show how windows differ while nothing changes: each is compared with the reference without its day.

    Args:
        monitor: whose signals.
        histories: by signal, in windows of the monitor's.
        told: the rest of what is known.
        rule: what a page takes; needed where the monitor has a budget.
    """
    spec = monitor.spec
    found: list[Finding] = []
    learned: dict[str, Reference] = {}
    for index, name in enumerate(spec.signals):
        reference = _reference(histories[name], spec.min_rows)
        if isinstance(reference, str):
            place = monitor.at("spec", "signals", index)
            found.append(Finding(REFERENCE_TOO_SMALL, f"{name}: {reference}", place))
        else:
            learned[name] = reference
    if found:
        return tuple(found)
    length = min(spec.window, told.over)
    seen = tuple(windows(histories, length, max(spec.max_age or length, length), spec.min_rows))
    profile = ReferenceProfile(
        model=spec.model,
        revision=told.revision,
        learned_at=told.at,
        learned_from=str(told.over),
        features=learned,
    )
    if rule is None and told.rhythm is None:
        return Learned(profile, seen)
    from failsoft.drift.monitors.promise import promised

    return promised(monitor, profile, seen, told.rhythm, rule)


def _reference(history: History, min_rows: int) -> Reference | str:
    """All windows together, or why they are no reference."""
    if not history.counted:
        return history.reason or "Prometheus has no data"
    counted = added(tuple(history.counted.values()))
    if counted.rows < min_rows:
        return f"{amount(counted.rows, 'row')}, fewer than the {min_rows:,} that a window needs"
    if isinstance(counted, Histogram):
        counts = tuple(round(count) for count in counted.counts)
        return HistogramReference(cuts=counted.cuts, counts=counts, rows=sum(counts))
    return CategoricalReference.of({name: round(count) for name, count in counted.counts.items()})
