"""From a reference profile and counted windows to the signals that alarms are calibrated on."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from failsoft.drift.accumulator import CategoryCounts
from failsoft.drift.accumulator import Counts as AnyCounts
from failsoft.drift.alarms.signals import Signal
from failsoft.drift.alarms.stored import Watched
from failsoft.drift.alarms.tables import Floats, pools
from failsoft.drift.comparison import designs, expected
from failsoft.drift.distribution import Distribution, Histogram
from failsoft.drift.features import CategoricalReference, FeatureReference, UncomparedReference
from failsoft.drift.profile import ReferenceProfile, Strata
from failsoft.drift.stratified import Stratified, Window

__all__ = ["Counted", "WindowCounts", "signals", "window_counts"]


class Counted(NamedTuple):
    """What is watched in one window.

    Attributes:
        counts: its rows in each bin; independent ones, where they come in clusters.
        reference: what it is compared with, where its hours ask for a mixture of their own; None else.
    """

    counts: Floats
    reference: Floats | None = None


type WindowCounts = dict[Watched, Counted]
"""By what is watched, one window."""


def window_counts(window: Window) -> WindowCounts:
    """The counts of one window, by what is watched: what is kept of a window, so that many fit in memory."""
    if isinstance(window, Stratified):
        mix = _window(window.strata.by, window.strata.mix, window.mix, window.mix.distribution)
        made = {watched: Counted(counts) for watched, counts in mix}
        for stratum, part in window.parts.items():
            made |= {watched._replace(stratum=stratum): counted for watched, counted in window_counts(part).items()}
        return made
    made = {}
    for name, feature in expected(window).items():
        both = designs(window, name)
        mixture = dict(_reference(name, feature)) if window.profile.rhythm is not None else {}
        for watched, counts in _window(name, feature, window.counts[name], window.distribution(name)):
            of = mixture.get(watched)
            made[watched] = Counted(counts / both.current, None if of is None else of / both.reference)
    return made


def signals(profile: ReferenceProfile, windows: Sequence[WindowCounts], rows: int = 0) -> tuple[Signal, ...]:
    """Every feature's table, its missing rows and its new categories; of strata their mix, and each of them.

    Args:
        profile: the reference.
        windows: the held-out ones, in the order of time; maybe none.
        rows: of a window; a stratum has its share of them, in the held-out windows or else in the reference.
    """
    if profile.strata is None:
        return tuple(
            signal
            for name, feature in profile.features.items()
            for signal in _signals(name, feature, windows, "", _design_of(profile, name), rows or None)
        )
    strata = profile.strata
    made = list(_signals(strata.by, strata.mix, windows, "", 1.0, None))
    for stratum, features in strata.features.items():
        share = _share_of(stratum, next(iter(features)), windows, strata)
        own = max(1, round(rows * share)) if rows else None
        for name, feature in features.items():
            made += _signals(name, feature, windows, stratum, 1.0, own)
    return tuple(made)


def _share_of(stratum: str, feature: str, windows: Sequence[WindowCounts], strata: Strata) -> float:
    """The share of all rows that a stratum has in a window, as a rule."""
    if windows:
        own = sum(float(window[Watched(feature, "missing", stratum)].counts.sum()) for window in windows)
        return own / max(1.0, sum(float(window[Watched(strata.by, "missing")].counts.sum()) for window in windows))
    reference = strata.features[stratum][feature]
    return (reference.rows + reference.missing) / (strata.mix.rows + strata.mix.missing)


def _design_of(profile: ReferenceProfile, name: str) -> float:
    return 1.0 if profile.clusters is None else profile.clusters.design(name, profile.clusters.size)


def _signals(  # noqa: PLR0913, PLR0917  # a feature, its windows and how they count
    name: str,
    feature: FeatureReference,
    windows: Sequence[WindowCounts],
    stratum: str,
    design: float,
    rows: int | None,
) -> Iterator[Signal]:
    apart = False
    for found, reference in _reference(name, feature):
        if found.what == "distribution":
            apart = _watched_apart(feature, reference / design, rows)
        if found.what == "unusual" and not apart:
            continue
        watched = found._replace(stratum=stratum)
        each = [window[watched] for window in windows]
        held = np.array([one.counts for one in each]).reshape(len(windows), len(reference))
        mixtures = [one.reference for one in each if one.reference is not None]
        ordered, share = not isinstance(feature, CategoricalReference), watched.what != "distribution"
        yield Signal(
            name=watched.text,
            reference=_typical(reference / design, mixtures),
            windows=held,
            ordered=ordered,
            share=share,
            of=watched,
            rows=_independent(rows, held, each, design),
            references=np.array(mixtures) if mixtures else None,
        )


def _typical(reference: Floats, mixtures: Sequence[Floats]) -> Floats:
    """The shares of all hours, of as many rows as the mixtures that windows are compared with."""
    if not mixtures:
        return reference
    rows = float(np.median([mixture.sum() for mixture in mixtures]))
    return reference * min(1.0, rows / max(1.0, float(reference.sum())))


def _independent(rows: int | None, held: Floats, each: Sequence[Counted], design: float) -> int | None:
    """Rows of a window, fewer where they come in clusters: as in the held-out windows, or as in the reference."""
    if rows is None or design == 1:
        return rows
    return max(1, round(float(np.median(held.sum(axis=1))))) if each else max(1, round(rows / design))


def _reference(name: str, feature: FeatureReference) -> Iterator[tuple[Watched, Floats]]:
    if isinstance(feature, CategoricalReference):
        table = np.array([*feature.counts, sum(feature.rest_counts), 0], dtype=np.float64)
        yield Watched(name), table
        yield Watched(name, "unusual"), _unusual(table, int(table.argmax()))
        yield Watched(name, "new"), np.array([0, feature.rows], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        table = np.array(feature.distribution.counts, dtype=np.float64)
        yield Watched(name), table
        yield Watched(name, "unusual"), _unusual(table, int(table.argmax()))
    yield Watched(name, "missing"), np.array([feature.missing, feature.rows], dtype=np.float64)


def _window(
    name: str, feature: FeatureReference, counts: AnyCounts, found: Distribution | None
) -> Iterator[tuple[Watched, Floats]]:
    if isinstance(feature, CategoricalReference) and isinstance(counts, CategoryCounts):
        known = [counts.known[category] for category in feature.categories]
        rest = sum(counts.known[category] for category in feature.rest)
        table = np.array([*known, rest, counts.unseen.rows], dtype=np.float64)
        yield Watched(name), table
        yield Watched(name, "unusual"), _unusual(table, _usual(feature))
        yield Watched(name, "new"), np.array([counts.unseen.rows, sum(known) + rest], dtype=np.float64)
    elif not isinstance(feature, UncomparedReference):
        assert isinstance(found, Histogram)  # noqa: S101  # the others were told apart before
        table = np.array(found.counts, dtype=np.float64)
        yield Watched(name), table
        yield Watched(name, "unusual"), _unusual(table, _usual(feature))
    yield Watched(name, "missing"), np.array([counts.missing, counts.rows], dtype=np.float64)


def _usual(feature: FeatureReference) -> int:
    """The bin or category that most rows of a reference have."""
    table = next(table for watched, table in _reference("", feature) if watched.what == "distribution")
    return int(table.argmax())


def _unusual(table: Floats, usual: int) -> Floats:
    return np.array([table.sum() - table[usual], table[usual]])


def _watched_apart(feature: FeatureReference, reference: Floats, rows: int | None) -> bool:
    """Whether the share of unusual rows is a signal: of flags, and where one bin is left of a table."""
    if isinstance(feature, CategoricalReference):
        if feature.type == "boolean":
            return True
        return rows is not None and len(set(pools(reference.tolist(), rows, ordered=False))) == 1
    return rows is not None and len(set(pools(reference.tolist(), rows, ordered=True))) == 1
