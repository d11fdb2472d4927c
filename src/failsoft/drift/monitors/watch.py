"""A monitor as something that can be evaluated: what to ask Prometheus, and how to judge its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

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
from failsoft.drift.monitors.queries import counts_query
from failsoft.drift.monitors.score import Score, score
from failsoft.drift.monitors.window import Unusable, read_categories, read_histogram
from failsoft.drift.profile import ReferenceProfile
from failsoft.findings import Finding
from failsoft.workspace.kinds import DriftMonitorSpec, EngineSpec, ModelSpec
from failsoft.workspace.kinds.engine import Signal
from failsoft.workspace.model import Document
from failsoft.workspace.quantities import Duration

__all__ = ["Watch", "evaluate", "read", "watches"]

_SCRAPES_NEEDED = 4


@dataclass(frozen=True, slots=True)
class Watch:
    """One signal of one monitor.

    Attributes:
        model, monitor, name: the Model, the DriftMonitor and the signal.
        signal: how the engine exports it.
        query: the PromQL that counts a window of it.
        reference: what the window is compared with.
        min_rows: fewer rows than this are too few to judge.
    """

    model: str
    monitor: str
    name: str
    signal: Signal
    query: str
    reference: Distribution
    min_rows: int


def watches(
    monitor: Document[DriftMonitorSpec],
    model: Document[ModelSpec],
    engine: Document[EngineSpec],
    profile: ReferenceProfile,
    *,
    scrape_interval: Duration,
) -> tuple[tuple[Watch, ...], tuple[Finding, ...]]:
    """The signals of a monitor that can be evaluated, and what is wrong with the others.

    Args:
        monitor: the monitor.
        model: the model that it names.
        engine: the engine of that model.
        profile: the reference that it names.
        scrape_interval: how often Prometheus scrapes; a window needs 4 scrapes.
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
        query = counts_query(signal, model.spec.select, spec.window)
        made.append(Watch(spec.model, monitor.name, name, signal, query, reference.distribution, spec.min_rows))
    return tuple(made), tuple(found)


def read(signal: Signal, samples: Sequence[Sample], reference: Distribution | None = None) -> Distribution | Unusable:
    """The counts in what Prometheus answered to `counts_query`, in the bins of `reference` where there is one."""
    if signal.categories is not None:
        return read_categories(samples, signal.categories.by)
    return read_histogram(samples, reference.cuts if isinstance(reference, Histogram) else None)


def evaluate(watch: Watch, samples: Sequence[Sample]) -> Score:
    """Judge what Prometheus answered to the query of a watch."""
    return score(watch.reference, read(watch.signal, samples, watch.reference), min_rows=watch.min_rows)


def _reference(
    name: str,
    monitor: Document[DriftMonitorSpec],
    engine: Document[EngineSpec],
    profile: ReferenceProfile,
    index: int,
) -> HistogramReference | CategoricalReference | Finding:
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
