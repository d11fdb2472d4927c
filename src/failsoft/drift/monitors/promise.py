"""What the alarms of a monitor can promise, from the windows that its reference was learnt from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from statistics import fmean

import numpy as np

from failsoft.drift.alarms import Budget, Cadence, Plan, Rule, Signal, calibrate
from failsoft.drift.alarms.keeping import kept
from failsoft.drift.alarms.stored import StoredCalibration, Watched
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.codes import REFERENCE_TOO_SMALL
from failsoft.drift.features import CategoricalReference, HistogramReference
from failsoft.drift.monitors.bins import Reference, bins_of
from failsoft.drift.monitors.cells import ALL_HOURS, RhythmName, cells_of
from failsoft.drift.monitors.history import Window
from failsoft.drift.monitors.learned import Learned
from failsoft.drift.profile import SCHEMA, ReferenceProfile
from failsoft.drift.rhythm import Rhythm, hour_of
from failsoft.findings import Finding
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.model import Document

__all__ = ["promised", "stored"]

_DAY_S = 86_400
_SMALL = 0.1
_CELL_OVER_WINDOW = 2


class _Past:
    """The windows as tables, each with the reference that it is compared with: its hour's, without its day."""

    def __init__(self, windows: Sequence[Window], rhythm: RhythmName | None, min_rows: int) -> None:
        self.windows = windows
        rows = [min(counted.rows for counted in window.counts.values()) for window in windows]
        self.rows = max(min_rows, round(float(np.quantile(rows, _SMALL))) if rows else 0)
        self.seconds = fmean(window.seconds for window in windows) if windows else 0.0
        self.block = max(1, round(_DAY_S / self.seconds)) if windows else 1
        self.blocks = [at // self.block for at in range(len(windows))]
        self.hours = [hour_of(window.end - window.seconds / 2) for window in windows]
        self.cells = ALL_HOURS
        if rhythm is not None:
            self.cells = cells_of(rhythm, self.hours, rows, self.blocks, _CELL_OVER_WINDOW * self.rows)

    def table(self, name: str, reference: Reference) -> Floats:
        """Shape (windows, bins)."""
        counted = [bins_of(reference, window.counts[name]) for window in self.windows]
        return np.array(counted, dtype=np.float64).reshape(len(counted), -1)

    def members(self, cell: int) -> Floats:
        """1 for each window that is in a cell, else 0; shape (windows,)."""
        return np.array([float(hour in self.cells.members[cell]) for hour in self.hours])

    def signal(self, name: str, feature: Reference) -> Signal:
        """What the alarms room calibrates on."""
        table, blocks = self.table(name, feature), np.array(self.blocks)
        whole = np.array(bins_of(feature, feature.distribution))
        ordered = isinstance(feature, HistogramReference)
        if len(set(self.blocks)) < 2:  # noqa: PLR2004  # without its day, nothing would be left to compare with
            return Signal(name, whole, np.zeros((0, len(whole))), ordered, of=Watched(name))
        references = np.zeros_like(table)
        smallest = whole
        for cell in sorted({self.cells.hours[hour] for hour in self.hours}):
            inside = table * self.members(cell)[:, None]
            total = inside.sum(axis=0)
            smallest = min(smallest, total, key=lambda counts: float(counts.sum()))
            for block in set(self.blocks):
                judged = (blocks == block) & [self.cells.hours[hour] == cell for hour in self.hours]
                references[judged] = total - inside[blocks == block].sum(axis=0)
        # a larger window is judged as one of the planned rows: what is more than chance does not shrink with rows
        held = table * np.minimum(1.0, self.rows / table.sum(axis=1))[:, None]
        return Signal(
            name, whole * smallest.sum() / whole.sum(), held, ordered, of=Watched(name), references=references
        )


def promised(
    monitor: Document[DriftMonitorSpec],
    profile: ReferenceProfile,
    windows: Sequence[Window],
    rhythm: RhythmName | None,
    rule: Rule | None,
) -> Learned | tuple[Finding, ...]:
    """The profile with the references of its hours, and its alarms, or why they cannot be had.

    Args:
        monitor: with or without a budget.
        profile: without either.
        windows: that the profile was learnt from, in order of time.
        rhythm: which hours get a reference of their own.
        rule: what a page takes; None without a budget.
    """
    spec = monitor.spec
    past = _Past(windows, rhythm, spec.min_rows)
    if rhythm is not None:
        profile = profile.model_copy(update={"rhythm": _rhythm(past, _references(profile)), "schema_": SCHEMA})
    if rule is None or spec.false_pages_per_30d is None:
        return Learned(profile, windows)
    budget = Budget(float(spec.false_pages_per_30d), float(spec.tickets))
    plan = Plan(
        # a false page brings the tickets of the slower tiers with it, so that CUSUM has the rest
        replace(budget, false_tickets_per_30d=budget.false_tickets_per_30d - budget.false_pages_per_30d),
        Cadence(round(past.seconds * 1000) or spec.window.milliseconds, spec.every.milliseconds),
        past.rows,
        rule,
        float(spec.floor),
        block=past.block,
    )
    try:
        made = calibrate([past.signal(name, feature) for name, feature in _references(profile).items()], plan)
    except ValueError as error:
        return (Finding(REFERENCE_TOO_SMALL, str(error), monitor.at("spec", "falsePagesPer30d")),)
    return Learned(profile, windows, made)


def stored(monitor: Document[DriftMonitorSpec], found: Learned) -> StoredCalibration | None:
    """What is kept of the alarms beside the reference; None where the monitor has no budget."""
    if found.calibration is None:
        return None
    spec = monitor.spec
    # CUSUM was given what is left of the budget of tickets when those of false pages are counted among them
    also = {"least_window": spec.window.milliseconds, "false_tickets_per_30d": float(spec.tickets)}
    return kept(found.calibration, found.profile.counts_digest).model_copy(update=also)


def _references(profile: ReferenceProfile) -> Mapping[str, Reference]:
    return {
        name: feature
        for name, feature in profile.features.items()
        if isinstance(feature, HistogramReference | CategoricalReference)
    }


def _rhythm(past: _Past, features: Mapping[str, Reference]) -> Rhythm:
    """The cells' rows; a row that a signal did not count, for Prometheus extrapolates, is one without a value."""
    cells = range(len(past.cells.members))
    counted = {name: [_cell(past, name, feature, cell) for cell in cells] for name, feature in features.items()}
    rows = [max(sum(counts[cell]) for counts in counted.values()) for cell in cells]
    each = {
        name: tuple(chain.from_iterable((*counts[cell], rows[cell] - sum(counts[cell])) for cell in cells))
        for name, counts in counted.items()
    }
    return Rhythm(time="", cells=past.cells.hours, rows=tuple(rows), counts=each)


def _cell(past: _Past, name: str, feature: Reference, cell: int) -> tuple[int, ...]:
    """The whole rows of a cell in each bin of the reference; of categories nothing is new."""
    table = past.table(name, feature) * past.members(cell)[:, None]
    counts = [round(count) for count in table.sum(axis=0).tolist()]
    return tuple(counts if isinstance(feature, HistogramReference) else counts[:-1])
