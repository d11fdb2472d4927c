"""From a reference profile and counted windows to the signals that alarms are calibrated on."""

from collections.abc import Iterator, Sequence

import numpy as np

from failsoft.drift.accumulator import Accumulator, CategoryCounts
from failsoft.drift.alarms.signals import Signal
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.distribution import Histogram
from failsoft.drift.features import CategoricalReference, FeatureReference, UncomparedReference
from failsoft.drift.profile import ReferenceProfile

__all__ = ["MISSING", "NEW", "WindowCounts", "signals", "window_counts"]

MISSING = ": missing"
"""What a feature's name is followed by where the share of its missing rows is watched."""

NEW = ": new"
"""The same for rows of categories that the reference never had."""

type WindowCounts = dict[str, Floats]
"""By the name of a signal, its counts in one window."""


def window_counts(window: Accumulator) -> WindowCounts:
    """The counts of one window, by signal: what is kept of a window, so that many fit in memory."""
    return {
        name: counts
        for feature_name, feature in window.profile.features.items()
        for name, counts in _window(feature_name, feature, window)
    }


def signals(profile: ReferenceProfile, windows: Sequence[WindowCounts]) -> tuple[Signal, ...]:
    """Every feature's table, its missing rows and its new categories.

    Args:
        profile: the reference.
        windows: the held-out ones, in the order of time; maybe none.
    """
    made = []
    for feature_name, feature in profile.features.items():
        for name, reference in _reference(feature_name, feature):
            held = np.array([window[name] for window in windows]).reshape(len(windows), len(reference))
            share = name != feature_name
            made.append(Signal(name, reference, held, not isinstance(feature, CategoricalReference), share))
    return tuple(made)


def _reference(name: str, feature: FeatureReference) -> Iterator[tuple[str, Floats]]:
    if isinstance(feature, CategoricalReference):
        yield name, np.array([*feature.counts, sum(feature.rest_counts), 0], dtype=np.float64)
        yield name + NEW, np.array([0, feature.rows], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        yield name, np.array(feature.distribution.counts, dtype=np.float64)
    yield name + MISSING, np.array([feature.missing, feature.rows], dtype=np.float64)


def _window(name: str, feature: FeatureReference, window: Accumulator) -> Iterator[tuple[str, Floats]]:
    counts = window.counts[name]
    if isinstance(feature, CategoricalReference) and isinstance(counts, CategoryCounts):
        known = [counts.known[category] for category in feature.categories]
        rest = sum(counts.known[category] for category in feature.rest)
        yield name, np.array([*known, rest, counts.unseen.rows], dtype=np.float64)
        yield name + NEW, np.array([counts.unseen.rows, sum(known) + rest], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        found = window.distribution(name)
        assert isinstance(found, Histogram)  # noqa: S101  # the others were told apart before
        yield name, np.array(found.counts, dtype=np.float64)
    yield name + MISSING, np.array([counts.missing, counts.rows], dtype=np.float64)
