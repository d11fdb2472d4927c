"""A monitor as something that can be evaluated: what to ask Prometheus, and how to judge its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failsoft.clients.prometheus.port import Sample
from failsoft.drift.codes import (
    ENGINE_HAS_NO_SIGNAL,
    OTHER_MODEL,
    OTHER_SHAPE,
    SIGNAL_WITHOUT_REFERENCE,
    WINDOW_TOO_SHORT,
)
from failsoft.drift.distribution import Distribution, Histogram
from failsoft.drift.features import CategoricalReference, HistogramReference
from failsoft.drift.monitors.alarm import Alarm
from failsoft.drift.monitors.bins import Reference
from failsoft.drift.monitors.queries import counts_query
from failsoft.drift.monitors.score import Score, alarmed, score
from failsoft.drift.monitors.window import Unusable, read_categories, read_histogram
from failsoft.drift.profile import ReferenceProfile
from failsoft.drift.rhythm import HOURS, Rhythm, mixed
from failsoft.findings import Finding
from failsoft.workspace.kinds import DriftMonitorSpec, EngineSpec, ModelSpec
from failsoft.workspace.kinds.engine import Signal
from failsoft.workspace.model import Document
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.drift.alarms.stored import StoredCalibration

__all__ = ["Watch", "evaluate", "lengths", "read", "watches"]

_SCRAPES_NEEDED = 4


@dataclass(frozen=True, slots=True)
class Watch:
    """One signal of one monitor.

    Attributes:
        model, monitor, name: the Model, the DriftMonitor and the signal.
        signal: how the engine exports it.
        asks: windows and the PromQL that counts them, the shortest first: the first with enough rows is judged.
        reference: what the window is compared with.
        min_rows: fewer rows than this are too few to judge.
        rhythm: references of hours of the week; None where there is one for all.
        alarm: its critical values; None where there are none.
        digest: the SHA-256 of the reference profile.
    """

    model: str
    monitor: str
    name: str
    signal: Signal
    asks: tuple[tuple[Duration, str], ...]
    reference: Reference
    min_rows: int
    rhythm: Rhythm | None = None
    alarm: Alarm | None = None
    digest: str = ""

    @property
    def query(self) -> str:
        """The PromQL that counts the shortest window."""
        return self.asks[0][1]


def watches(  # noqa: PLR0913  # three documents and three facts
    monitor: Document[DriftMonitorSpec],
    model: Document[ModelSpec],
    engine: Document[EngineSpec],
    profile: ReferenceProfile,
    *,
    scrape_interval: Duration,
    kept: "StoredCalibration | None" = None,
) -> tuple[tuple[Watch, ...], tuple[Finding, ...]]:
    """The signals of a monitor that can be evaluated, and what is wrong with the others.

    Args:
        monitor: the monitor.
        model: the model that it names.
        engine: the engine of that model.
        profile: the reference that it names.
        scrape_interval: how often Prometheus scrapes; a window needs 4 scrapes.
        kept: the critical values of the monitor, found for what it says now and for this profile.
    """
    spec = monitor.spec
    made: list[Watch] = []
    found: list[Finding] = []
    if profile.model != spec.model:
        message = f"compares {spec.model} with a reference of {profile.model}"
        return (), (Finding(OTHER_MODEL, message, monitor.at("spec", "reference")),)
    if spec.window < scrape_interval * _SCRAPES_NEEDED:
        message = f"a window of {spec.window} holds too few scrapes"
        expected = f"at least {scrape_interval * _SCRAPES_NEEDED}, four scrape intervals"
        return (), (Finding(WINDOW_TOO_SHORT, message, monitor.at("spec", "window"), expected),)
    for index, name in enumerate(spec.signals):
        reference = _reference(name, monitor, engine, profile, index)
        if isinstance(reference, Finding):
            found.append(reference)
            continue
        signal = engine.spec.signals[name]
        asks = tuple((window, counts_query(signal, model.spec.select, window)) for window in lengths(spec))
        alarm, digest = _alarm(kept, name), profile.digest
        made.append(
            Watch(spec.model, monitor.name, name, signal, asks, reference, spec.min_rows, profile.rhythm, alarm, digest)
        )
    return tuple(made), tuple(found)


def read(signal: Signal, samples: Sequence[Sample], reference: Distribution | None = None) -> Distribution | Unusable:
    """The counts in what Prometheus answered to `counts_query`, in the bins of `reference` where there is one."""
    if signal.categories is not None:
        return read_categories(samples, signal.categories.by)
    return read_histogram(samples, reference.cuts if isinstance(reference, Histogram) else None)


def evaluate(watch: Watch, samples: Sequence[Sample], hour: int = 0) -> Score:
    """Judge what Prometheus answered to the query of a watch, in an hour of the week (`failsoft.drift.rhythm`)."""
    reference = _of_hour(watch, hour)
    counted = read(watch.signal, samples, reference.distribution)
    if watch.alarm is None:
        return score(reference.distribution, counted, min_rows=watch.min_rows)
    return alarmed(watch.alarm, reference, counted, min_rows=watch.min_rows)


def _of_hour(watch: Watch, hour: int) -> Reference:
    """The reference of an hour of the week; the whole one where it has none, or holds no row."""
    if watch.rhythm is None:
        return watch.reference
    found = mixed(watch.name, watch.reference, watch.rhythm, [int(one == hour) for one in range(HOURS)])
    usable = isinstance(found, HistogramReference | CategoricalReference) and found.rows > 0
    return found if usable and isinstance(found, HistogramReference | CategoricalReference) else watch.reference


def lengths(spec: DriftMonitorSpec) -> tuple[Duration, ...]:
    """The windows that are tried, each twice as long as the one before, up to the longest."""
    most, found = spec.max_age or spec.window, [spec.window]
    while found[-1] * 2 < most:
        found.append(found[-1] * 2)
    return tuple(found) if found[-1] == most else (*found, most)


def _alarm(kept: "StoredCalibration | None", name: str) -> Alarm | None:
    test = kept.by_feature.get(("", name)) if kept is not None else None
    if test is None or kept is None:
        return None
    return Alarm(test.pools, test.rows, test.page, test.cusum, "page" if kept.promised else "ticket")


def _reference(
    name: str,
    monitor: Document[DriftMonitorSpec],
    engine: Document[EngineSpec],
    profile: ReferenceProfile,
    index: int,
) -> Reference | Finding:
    """What a signal is compared with, or why it cannot be."""
    place = monitor.at("spec", "signals", index)
    signal = engine.spec.signals.get(name)
    if signal is None:
        expected = "one of " + ", ".join(sorted(engine.spec.signals)) if engine.spec.signals else ""
        return Finding(ENGINE_HAS_NO_SIGNAL, f"{engine.name} has no signal {name}", place, expected)
    reference = profile.features.get(name)
    if reference is None:
        hint = "learn it with `failsoft drift learn`"
        return Finding(SIGNAL_WITHOUT_REFERENCE, f"the reference has no signal {name}", place, hint=hint)
    wanted = CategoricalReference if signal.histogram is None else HistogramReference
    if isinstance(reference, wanted):
        return reference
    message = f"{name} is a {signal.choice}, its reference is {reference.kind}"
    return Finding(OTHER_SHAPE, message, place, hint="learn the reference again with `failsoft drift learn`")
