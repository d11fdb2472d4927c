"""Learning a reference profile from what Prometheus already holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from failsoft.clients.prometheus.port import Sample
from failsoft.drift.codes import REFERENCE_TOO_SMALL
from failsoft.drift.distribution import Distribution, Histogram
from failsoft.drift.features import CategoricalReference, HistogramReference
from failsoft.drift.monitors.watch import read
from failsoft.drift.monitors.window import Unusable
from failsoft.drift.profile import ReferenceProfile
from failsoft.findings import Finding
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.kinds.engine import Signal
from failsoft.workspace.model import Document
from failsoft.workspace.quantities import Duration

__all__ = ["learn"]


def learn(  # noqa: PLR0913  # each says another thing about the profile, and all are named
    monitor: Document[DriftMonitorSpec],
    signals: Mapping[str, Signal],
    samples: Mapping[str, Sequence[Sample]],
    *,
    at: datetime,
    over: Duration,
    revision: str = "",
) -> ReferenceProfile | tuple[Finding, ...]:
    """The profile of a monitor's signals, or why it cannot be had.

    Counts are rounded to whole rows, for Prometheus extrapolates.

    Args:
        monitor: whose signals.
        signals: the engine's.
        samples: by signal, what `counts_query` was answered for the time that is to be the reference.
        at: when that time ended.
        over: its length.
        revision: what the model served.
    """
    found: list[Finding] = []
    learned: dict[str, HistogramReference | CategoricalReference] = {}
    for index, name in enumerate(monitor.spec.signals):
        counted = read(signals[name], samples[name])
        reason = _reason(counted, monitor.spec.min_rows)
        if reason or isinstance(counted, Unusable):
            found.append(Finding(REFERENCE_TOO_SMALL, f"{name}: {reason}", monitor.at("spec", "signals", index)))
        else:
            learned[name] = _stored(counted)
    if found:
        return tuple(found)
    return ReferenceProfile(
        model=monitor.spec.model, revision=revision, learned_at=at, learned_from=str(over), features=learned
    )


def _reason(counted: Distribution | Unusable, min_rows: int) -> str:
    if isinstance(counted, Unusable):
        return counted.reason
    if counted.rows < min_rows:
        return f"{counted.rows:g} rows are fewer than the {min_rows} that a window needs"
    return ""


def _stored(counted: Distribution) -> HistogramReference | CategoricalReference:
    if isinstance(counted, Histogram):
        counts = tuple(round(count) for count in counted.counts)
        return HistogramReference(cuts=counted.cuts, counts=counts, rows=sum(counts))
    return CategoricalReference.of({name: round(count) for name, count in counted.counts.items()})
