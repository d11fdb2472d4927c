"""From a reference profile and counted windows to the signals that alarms are calibrated on."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from failsoft.drift.accumulator import CategoryCounts
from failsoft.drift.accumulator import Counts as AnyCounts
from failsoft.drift.alarms.signals import Signal
from failsoft.drift.alarms.stored import Watched
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.distribution import Distribution, Histogram
from failsoft.drift.features import CategoricalReference, FeatureReference, UncomparedReference
from failsoft.drift.profile import ReferenceProfile, Strata
from failsoft.drift.stratified import Stratified, Window

__all__ = ["WindowCounts", "signals", "window_counts"]

type WindowCounts = dict[Watched, Floats]
"""By what is watched, its counts in one window."""


def window_counts(window: Window) -> WindowCounts:
    """The counts of one window, by what is watched: what is kept of a window, so that many fit in memory."""
    if isinstance(window, Stratified):
        made = dict(_window(window.strata.by, window.strata.mix, window.mix, window.mix.distribution))
        for stratum, part in window.parts.items():
            made |= {watched._replace(stratum=stratum): counts for watched, counts in window_counts(part).items()}
        return made
    return {
        watched: counts
        for name, feature in window.profile.features.items()
        for watched, counts in _window(name, feature, window.counts[name], window.distribution(name))
    }


def signals(profile: ReferenceProfile, windows: Sequence[WindowCounts], rows: int = 0) -> tuple[Signal, ...]:
    """Every feature's table, its missing rows and its new categories; of strata their mix, and each of them.

    Args:
        profile: the reference.
        windows: the held-out ones, in the order of time; maybe none.
        rows: of a window; a stratum has its share of them, in the held-out windows or else in the reference.
    """
    if profile.strata is None:
        return tuple(_signals(profile.features, windows, "", None))
    strata = profile.strata
    made = list(_signals({strata.by: strata.mix}, windows, "", None))
    for stratum, features in strata.features.items():
        share = _share_of(stratum, next(iter(features)), windows, strata)
        made += _signals(features, windows, stratum, max(1, round(rows * share)) if rows else None)
    return tuple(made)


def _share_of(stratum: str, feature: str, windows: Sequence[WindowCounts], strata: Strata) -> float:
    """The share of all rows that a stratum has in a window, as a rule."""
    if windows:
        own = sum(float(window[Watched(feature, "missing", stratum)].sum()) for window in windows)
        return own / max(1.0, sum(float(window[Watched(strata.by, "missing")].sum()) for window in windows))
    reference = strata.features[stratum][feature]
    return (reference.rows + reference.missing) / (strata.mix.rows + strata.mix.missing)


def _signals(
    features: Mapping[str, FeatureReference], windows: Sequence[WindowCounts], stratum: str, rows: int | None
) -> Iterator[Signal]:
    for name, feature in features.items():
        for found, reference in _reference(name, feature):
            watched = found._replace(stratum=stratum)
            held = np.array([window[watched] for window in windows]).reshape(len(windows), len(reference))
            ordered, share = not isinstance(feature, CategoricalReference), watched.what != "distribution"
            yield Signal(watched.text, reference, held, ordered, share, watched, rows)


def _reference(name: str, feature: FeatureReference) -> Iterator[tuple[Watched, Floats]]:
    if isinstance(feature, CategoricalReference):
        yield Watched(name), np.array([*feature.counts, sum(feature.rest_counts), 0], dtype=np.float64)
        yield Watched(name, "new"), np.array([0, feature.rows], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        yield Watched(name), np.array(feature.distribution.counts, dtype=np.float64)
    yield Watched(name, "missing"), np.array([feature.missing, feature.rows], dtype=np.float64)


def _window(
    name: str, feature: FeatureReference, counts: AnyCounts, found: Distribution | None
) -> Iterator[tuple[Watched, Floats]]:
    if isinstance(feature, CategoricalReference) and isinstance(counts, CategoryCounts):
        known = [counts.known[category] for category in feature.categories]
        rest = sum(counts.known[category] for category in feature.rest)
        yield Watched(name), np.array([*known, rest, counts.unseen.rows], dtype=np.float64)
        yield Watched(name, "new"), np.array([counts.unseen.rows, sum(known) + rest], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        assert isinstance(found, Histogram)  # noqa: S101  # the others were told apart before
        yield Watched(name), np.array(found.counts, dtype=np.float64)
    yield Watched(name, "missing"), np.array([counts.missing, counts.rows], dtype=np.float64)
