"""Every statistic of every feature: a window's counts beside a reference's, with no word on what is too much."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from failsoft.drift.accumulator import Accumulator, BinCounts, Counts
from failsoft.drift.clusters import mean_size
from failsoft.drift.distribution import Distribution, Pairing, lay
from failsoft.drift.features import (
    FeatureReference,
    HistogramReference,
    NumericReference,
    UncomparedReference,
)
from failsoft.drift.rhythm import mixed
from failsoft.drift.statistics import (
    ChiSquare,
    chi_square,
    js,
    ks_exact,
    ks_grid,
    missing_share,
    new_share,
    psi,
    tvd,
    w1_exact,
    w1_grid,
)
from failsoft.drift.stratified import Stratified, Window

__all__ = ["UNCOMPARED", "Both", "Compared", "Statistics", "compare", "designs", "exactly", "expected"]


@dataclass(frozen=True, slots=True)
class Both[T]:
    """The same of the reference and of the window."""

    reference: T
    current: T

    def as_json(self) -> dict[str, T]:
        """As plain JSON."""
        return {"reference": self.reference, "current": self.current}


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of a feature; None where there is nothing to compare, or where its kind has no such statistic.

    Attributes:
        psi, js, tvd, chi2: of the ten bins, or of the categories.
        ks: of numbers; the true distance is at most `ks_error` higher.
        w1_iqr: of numbers, in interquartile ranges; `w1_approximate` where it is from counts.
    """

    psi: float | None = None
    js: float | None = None
    tvd: float | None = None
    chi2: ChiSquare | None = None
    ks: float | None = None
    ks_error: float | None = None
    w1_iqr: float | None = None
    w1_approximate: bool = True

    def as_json(self) -> dict[str, Any]:
        """As plain JSON: null is "there is none"."""
        return {
            "psi": self.psi,
            "ks": self.ks,
            "ks_error": self.ks_error,
            "js": self.js,
            "tvd": self.tvd,
            "w1_iqr": self.w1_iqr,
            "w1_approximate": self.w1_approximate if self.w1_iqr is not None else None,
            "chi2": None if self.chi2 is None else self.chi2._asdict(),
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """One feature of a window beside its reference.

    Attributes:
        name: of the feature.
        feature: its reference.
        statistics: all of them.
        rows: all rows of both sides, those without a value included.
        missing: the share of them without a value; None without rows.
        new: the share of the rows with a value whose category the reference never had; None without such rows.
        laid: both sides bin by bin; None where the feature is not compared.
        reason: why there are no statistics, or not all; empty where nothing is left out.
        stratum: in which rows; empty where all are taken together.
        design: how many rows of either side say as much as one independent row.
        spread: how many times that it is in the worst direction, such as that of the mean.
    """

    name: str
    feature: FeatureReference
    statistics: Statistics
    rows: Both[int]
    missing: Both[float | None]
    new: Both[float | None]
    laid: Pairing | None
    reason: str
    stratum: str = ""
    design: "Both[float]" = field(default_factory=lambda: Both(1.0, 1.0))
    spread: "Both[float]" = field(default_factory=lambda: Both(1.0, 1.0))

    @property
    def effective(self) -> "Both[float]":
        """Independent rows that say as much as all rows of each side."""
        return Both(self.rows.reference / self.design.reference, self.rows.current / self.design.current)


def compare(window: Window) -> tuple[Compared, ...]:
    """Every feature of a window, in the order of its reference; of strata their mix first, then each of them."""
    if isinstance(window, Stratified):
        mix = _compared(window.strata.by, window.strata.mix, window.mix, window.mix.distribution)
        each = (replace(one, stratum=name) for name, part in window.parts.items() for one in compare(part))
        return (mix, *each)
    return tuple(
        _clustered(_compared(name, feature, window.counts[name], window.distribution(name)), window)
        for name, feature in expected(window).items()
    )


def expected(window: Accumulator) -> Mapping[str, FeatureReference]:
    """What the features of a window are compared with: the reference, or the mixture that its own hours ask for."""
    profile = window.profile
    if profile.rhythm is None:
        return profile.features
    hours = window.hours.tolist()
    return {name: mixed(name, feature, profile.rhythm, hours) for name, feature in profile.features.items()}


def designs(window: Accumulator, name: str) -> Both[float]:
    """How many rows of either side say as much as one independent row: more than 1 where rows come in clusters."""
    clusters = window.profile.clusters
    if clusters is None:
        return Both(1.0, 1.0)
    return Both(clusters.design(name, clusters.size), clusters.design(name, _size(window)))


def _clustered(one: Compared, window: Accumulator) -> Compared:
    clusters = window.profile.clusters
    if clusters is None:
        return one
    spread = Both(clusters.spread(one.name, clusters.size), clusters.spread(one.name, _size(window)))
    return replace(one, design=designs(window, one.name), spread=spread)


def _size(window: Accumulator) -> float:
    return mean_size(window.clusters.values(), window.rows - sum(window.clusters.values()))


def exactly(compared: Compared, reference: np.typing.NDArray[Any], current: np.typing.NDArray[Any]) -> Compared:
    """The same with KS and W1 from the rows of both sides.

    Args:
        compared: a numeric feature.
        reference: its rows in the reference, shape (n,); NaN is missing.
        current: its rows in the window, shape (m,).
    """
    if not isinstance(compared.feature, NumericReference):
        return compared
    ks = ks_exact(reference, current)
    w1 = w1_exact(reference, current, compared.feature.iqr)
    old = compared.statistics
    made = Statistics(old.psi, old.js, old.tvd, old.chi2, ks, None if ks is None else 0.0, w1, w1_approximate=False)
    infinite = np.isinf(reference).any() or np.isinf(current).any()
    reason = "W1 has no value: there are infinite rows" if w1 is None and infinite else compared.reason
    return replace(compared, statistics=made, reason=reason)


def _compared(name: str, feature: FeatureReference, counts: Counts, current: Distribution | None) -> Compared:
    rows = Both(feature.rows + feature.missing, counts.rows + counts.missing)
    missing = Both(missing_share(feature.missing, rows.reference), missing_share(counts.missing, rows.current))
    if current is None or isinstance(feature, UncomparedReference):
        reason = UNCOMPARED[feature.why] if isinstance(feature, UncomparedReference) else ""
        return Compared(name, feature, Statistics(), rows, missing, Both(None, None), None, reason)
    laid = lay(feature.distribution, current)
    statistics = _statistics(feature, laid, counts)
    categorical = not isinstance(counts, BinCounts)
    new: Both[float | None] = Both(0.0, new_share(laid.new, counts.rows)) if categorical else Both(None, None)
    return Compared(name, feature, statistics, rows, missing, new, laid, _reason(feature, counts, statistics))


def _statistics(feature: FeatureReference, laid: Pairing, counts: Counts) -> Statistics:
    left, right = laid.reference, laid.current
    ks = w1 = None
    if isinstance(feature, NumericReference) and isinstance(counts, BinCounts):
        grid = counts.over(feature.grid)
        ks = ks_grid(feature.over_grid.counts, grid.counts)
        w1 = w1_grid(feature.grid, feature.over_grid.counts, grid.counts, feature.iqr)
    elif isinstance(feature, HistogramReference):
        ks = ks_grid(left, right)
    return Statistics(
        psi=psi(left, right),
        js=js(left, right),
        tvd=tvd(left, right),
        chi2=chi_square(left, right),
        ks=None if ks is None else ks.value,
        ks_error=None if ks is None else ks.error,
        w1_iqr=w1,
    )


UNCOMPARED: Mapping[str, str] = {
    "no-value": "the reference has no value to compare with",
    "no-finite-value": "the reference has infinite values only",
    "identifier": "more than 10,000 different values: identifiers, not categories",
}
"""In words, why nothing but the missing rows of a feature can be compared."""


def _reason(feature: FeatureReference, counts: Counts, statistics: Statistics) -> str:
    if not counts.rows:
        return "no rows in the window" if not counts.missing else "no row of the window has a value"
    if isinstance(feature, NumericReference) and statistics.w1_iqr is None:
        if not feature.iqr:
            return "W1 has no value: the interquartile range of the reference is 0"
        return "W1 has no value: the grid has fewer than two cuts"
    return ""
