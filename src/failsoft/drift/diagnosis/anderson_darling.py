"""The Anderson-Darling test of two samples, by permutation: a diagnosis, not an alert."""

from math import isfinite, log10

import numpy as np

from failsoft.drift.diagnosis.samples import LARGEST_SAMPLE, Rows, Tested

__all__ = ["anderson_darling"]


def anderson_darling(reference: Rows, current: Rows, *, draws: int = 199, seed: int = 0) -> Tested | None:
    """The two-sample Anderson-Darling statistic for tied data, and its p by permutation (scipy's `anderson_ksamp`).

    It weighs the tails more than Cramer-von Mises does (Scholz, Stephens 1987, "K-sample Anderson-Darling tests").
    NaN is missing and leaves; of more than 500 rows a side, 500 are drawn.

    Args:
        reference: shape (n,).
        current: shape (m,).
        draws: random divisions; p is not below 1 / (draws + 1).
        seed: of the drawing.

    Returns:
        None where either side has no rows, or where all rows of both are one value: the statistic is not defined there.

    >>> draw = np.random.default_rng(20261121).normal
    >>> found = anderson_darling(draw(0, 1, 300), draw(0.5, 1, 300))
    >>> round(found.statistic, 4), round(found.log10_p, 4)
    (37.8905, -2.301)
    """
    from scipy.stats import PermutationMethod, anderson_ksamp

    dice = np.random.default_rng(seed)
    sides = [np.asarray(side)[~np.isnan(side)] for side in (reference, current)]
    sides = [s if s.size <= LARGEST_SAMPLE else dice.choice(s, LARGEST_SAMPLE, replace=False) for s in sides]
    if not all(side.size for side in sides) or np.unique(np.concatenate(sides)).size < 2:  # noqa: PLR2004
        return None
    method = PermutationMethod(n_resamples=draws, rng=dice)
    found = anderson_ksamp(sides, variant="midrank", method=method)
    statistic = float(found.statistic)
    return Tested(statistic, log10(float(found.pvalue))) if isfinite(statistic) else None
