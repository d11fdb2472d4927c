"""The maximum mean discrepancy of two samples of one or many dimensions, by permutation: a diagnosis, not an alert."""

import numpy as np
from numpy.typing import NDArray

from failsoft.drift.diagnosis.samples import Rows, Tested, by_pairs

__all__ = ["mmd"]


def mmd(reference: Rows, current: Rows, *, draws: int = 199, seed: int = 0) -> Tested | None:
    """The squared maximum mean discrepancy with a Gaussian kernel, and its p by permutation.

    The kernel's width is the median distance of all rows (Gretton et al. 2012, "A kernel two-sample test", sections 2.2
    and 8). The biased estimate: never negative. Rows with a missing or infinite value leave; of more than 500 rows a
    side, 500 are drawn.

    Args:
        reference: shape (n,) or (n, d).
        current: shape (m,) or (m, d), in the same units.
        draws: random divisions; p is not below 1 / (draws + 1).
        seed: of the drawing.

    Returns:
        None where either side has no rows.

    >>> draw = np.random.default_rng(20261121).normal
    >>> found = mmd(draw(0, 1, 300), draw(0.5, 1, 300))
    >>> round(found.statistic, 6), round(found.log10_p, 6)
    (0.074975, -2.30103)
    """
    return by_pairs(reference, current, _gaussian, draws=draws, seed=seed, in_units=False)


def _gaussian(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    positive = apart[apart > 0]
    width = float(np.median(positive)) if positive.size else 1.0
    return np.exp(-((apart / width) ** 2) / 2)
