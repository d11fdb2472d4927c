"""The Jensen-Shannon distance of two tables of counts."""

from collections.abc import Sequence
from math import fsum, log2, sqrt

from failsoft.drift.statistics.tables import rows_of_both

__all__ = ["js"]


def js(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """The Jensen-Shannon distance in base 2: 0 for equal shares, 1 for tables that share no bin.

    The square root of (KL(p, m) + KL(q, m)) / 2, where p (reference) and q (current) are raw shares, m is their mean,
    logarithms are of base 2 and 0 log 0 is 0. It is a metric (Endres, Schindelin 2003, "A new metric for probability
    distributions", IEEE Transactions on Information Theory 49). Tools differ in the base: with natural logarithms
    the largest distance is 0.8326, so a threshold carries over only together with its base.

    Args:
        reference: counts of rows, not negative.
        current: counts of rows in the same bins.

    Returns:
        None where either side has no rows: no data is not the same as no drift.

    Raises `ValueError` on counts that are negative or not finite, or of different lengths.

    >>> import numpy as np
    >>> draw = np.random.default_rng(20261121).normal
    >>> reference, current = draw(0, 1, 1000), draw(0.3, 1, 1000)
    >>> count = lambda rows: np.bincount(np.searchsorted([-1, 0, 1], rows), minlength=4).tolist()
    >>> count(reference), count(current)
    ([139, 364, 346, 151], [94, 290, 390, 226])
    >>> round(js(count(reference), count(current)), 6)
    0.112016
    >>> js([4, 0], [0, 9])
    1.0
    >>> js([0, 0], [0, 9]) is None
    True
    """
    left, right = rows_of_both(reference, current)
    if not left or not right:
        return None
    terms = []
    for n, m in zip(reference, current, strict=True):
        p, q = n / left, m / right
        middle = p / 2 + q / 2
        terms += [share * log2(share / middle) for share in (p, q) if share and middle]
    return min(1.0, sqrt(max(0.0, fsum(terms) / 2)))
