"""The Cramer-von Mises test of two samples: a diagnosis, not an alert."""

from math import log10

import numpy as np

from failsoft.drift.diagnosis.samples import Rows, Tested
from failsoft.drift.statistics.chi_square import LOWEST_LOG10_P

__all__ = ["cramer_von_mises"]

_FEWEST = 2


def cramer_von_mises(reference: Rows, current: Rows) -> Tested | None:
    """The two-sample Cramer-von Mises statistic T, and its asymptotic p (scipy's `cramervonmises_2samp`).

    It weighs a difference all along the distribution, where Kolmogorov-Smirnov takes the largest one (Anderson 1962,
    "On the distribution of the two-sample Cramer-von Mises criterion"). NaN is missing and leaves.

    Args:
        reference: shape (n,).
        current: shape (m,).

    Returns:
        None where either side has fewer than two rows.

    >>> draw = np.random.default_rng(20261121).normal
    >>> found = cramer_von_mises(draw(0, 1, 1000), draw(0.3, 1, 1000))
    >>> round(found.statistic, 6), round(found.log10_p, 4)
    (3.920094, -9.0631)
    """
    from scipy.stats import cramervonmises_2samp

    left, right = (np.asarray(side)[~np.isnan(side)] for side in (reference, current))
    if min(left.size, right.size) < _FEWEST:
        return None
    found = cramervonmises_2samp(left, right, method="asymptotic")
    p = float(found.pvalue)
    return Tested(float(found.statistic), max(LOWEST_LOG10_P, log10(p)) if p > 0 else LOWEST_LOG10_P)
