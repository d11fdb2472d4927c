"""An invented past of a model's signals, from which a lab's drift monitors learn as others do from Prometheus."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from failsoft.drift import ReferenceProfile
from failsoft.drift.distribution import Categories, Histogram
from failsoft.drift.features import CategoricalReference, HistogramReference
from failsoft.drift.monitors.history import History
from failsoft.drift.monitors.learned import Learned, Told
from failsoft.drift.monitors.limits import beside
from failsoft.errors import PermanentError
from failsoft.workspace import Document
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.load import load
from failsoft.workspace.quantities import Duration

__all__ = ["invented", "learn_past"]

_WANDER = 0.05
_SEED = 20261121


def learn_past(root: Path, past: Duration, *, per_second: float) -> tuple[str, ...]:
    """Learn every monitor that has a budget from an invented past of its own reference, and write what was learnt.

    Args:
        root: the workspace.
        past: how long it was.
        per_second: requests.

    Returns:
        A sentence for each monitor: what its alarms can promise.

    Raises:
        PermanentError: a reference cannot be read, or nothing can be learnt from it.
    """
    from failsoft.drift.monitors.learn import learn
    from failsoft.server.paging import page_rule
    from failsoft.server.references import read_profile

    workspace, _ = load(root)
    said = []
    for monitor in workspace.monitors.values():
        if monitor.spec.false_pages_per_30d is None:
            continue
        profile = read_profile(workspace, monitor)
        if not isinstance(profile, ReferenceProfile):
            raise PermanentError(f"{monitor.name}: {profile.message}")
        now = time.time() // monitor.spec.window.seconds * monitor.spec.window.seconds
        histories = invented(profile, monitor.spec, past, until=now, per_second=per_second)
        told = Told(datetime.fromtimestamp(now, UTC), past, profile.revision)
        found = learn(monitor, histories, told, page_rule(workspace, monitor))
        if not isinstance(found, Learned):
            raise PermanentError("; ".join(finding.message for finding in found))
        said.append(_kept(root, monitor, found, past))
    return tuple(said)


def invented(
    profile: ReferenceProfile, spec: DriftMonitorSpec, past: Duration, *, until: float, per_second: float
) -> Mapping[str, History]:
    """Windows whose shares wander a little around those of a reference.

    Args:
        profile: the reference.
        spec: of the monitor.
        past: how long.
        until: the end of the last window, seconds since the epoch.
        per_second: rows.
    """
    import numpy as np

    rng = np.random.default_rng(_SEED)
    seconds = spec.window.seconds
    ends = [until - seconds * back for back in reversed(range(past.milliseconds // spec.window.milliseconds))]
    rows = rng.poisson(per_second * seconds, size=len(ends))
    made = {}
    for name in spec.signals:
        feature = profile.features[name]
        if not isinstance(feature, HistogramReference | CategoricalReference):
            raise PermanentError(f"{name} is no signal of an engine")
        counts = np.array(feature.counts, dtype=np.float64)
        moved = counts * np.exp(rng.normal(0, _WANDER, size=(len(ends), len(counts))))
        drawn = rng.multinomial(rows, moved / moved.sum(axis=1, keepdims=True))
        made[name] = History(dict(zip(ends, (_counted(feature, one.tolist()) for one in drawn), strict=True)))
    return made


def _counted(feature: HistogramReference | CategoricalReference, counts: list[int]) -> Histogram | Categories:
    if isinstance(feature, HistogramReference):
        return Histogram(feature.cuts, tuple(map(float, counts)))
    return Categories(dict(zip(feature.categories, map(float, counts), strict=True)))


def _kept(root: Path, monitor: Document[DriftMonitorSpec], found: Learned, past: Duration) -> str:
    from failsoft.drift.monitors.promise import stored

    kept = stored(monitor, found)
    if kept is None:
        raise PermanentError(f"{monitor.name} was not calibrated")
    reference = root / monitor.spec.reference
    reference.write_text(found.profile.render(), encoding="utf-8")
    reference.with_name(beside(reference.name)).write_text(kept.render(), encoding="utf-8")
    if kept.promised:
        return f"{monitor.name} promises {monitor.spec.false_pages_per_30d} false pages in 30 days at most"
    return f"{monitor.name} promises no page, for {past} of windows are too few: its alarms are tickets"
