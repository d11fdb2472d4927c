"""From a reference profile and counted windows to the signals that alarms are calibrated on."""

from collections.abc import Iterator, Sequence

import numpy as np

from failsoft.drift.accumulator import Accumulator, CategoryCounts
from failsoft.drift.alarms.signals import Signal
from failsoft.drift.alarms.stored import Watched
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.distribution import Histogram
from failsoft.drift.features import CategoricalReference, FeatureReference, UncomparedReference
from failsoft.drift.profile import ReferenceProfile

__all__ = ["WindowCounts", "signals", "window_counts"]

type WindowCounts = dict[Watched, Floats]
"""By what is watched, its counts in one window."""


def window_counts(window: Accumulator) -> WindowCounts:
    """The counts of one window, by signal: what is kept of a window, so that many fit in memory."""
    return {
        watched: counts
        for name, feature in window.profile.features.items()
        for watched, counts in _window(name, feature, window)
    }


def signals(profile: ReferenceProfile, windows: Sequence[WindowCounts]) -> tuple[Signal, ...]:
    """Every feature's table, its missing rows and its new categories.

    Args:
        profile: the reference.
        windows: the held-out ones, in the order of time; maybe none.
    """
    made = []
    for name, feature in profile.features.items():
        for watched, reference in _reference(name, feature):
            held = np.array([window[watched] for window in windows]).reshape(len(windows), len(reference))
            ordered, share = not isinstance(feature, CategoricalReference), watched.what != "distribution"
            made.append(Signal(watched.text, reference, held, ordered, share, watched))
    return tuple(made)


def _reference(name: str, feature: FeatureReference) -> Iterator[tuple[Watched, Floats]]:
    if isinstance(feature, CategoricalReference):
        yield Watched(name), np.array([*feature.counts, sum(feature.rest_counts), 0], dtype=np.float64)
        yield Watched(name, "new"), np.array([0, feature.rows], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        yield Watched(name), np.array(feature.distribution.counts, dtype=np.float64)
    yield Watched(name, "missing"), np.array([feature.missing, feature.rows], dtype=np.float64)


def _window(name: str, feature: FeatureReference, window: Accumulator) -> Iterator[tuple[Watched, Floats]]:
    counts = window.counts[name]
    if isinstance(feature, CategoricalReference) and isinstance(counts, CategoryCounts):
        known = [counts.known[category] for category in feature.categories]
        rest = sum(counts.known[category] for category in feature.rest)
        yield Watched(name), np.array([*known, rest, counts.unseen.rows], dtype=np.float64)
        yield Watched(name, "new"), np.array([counts.unseen.rows, sum(known) + rest], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        found = window.distribution(name)
        assert isinstance(found, Histogram)  # noqa: S101  # the others were told apart before
        yield Watched(name), np.array(found.counts, dtype=np.float64)
    yield Watched(name, "missing"), np.array([counts.missing, counts.rows], dtype=np.float64)
