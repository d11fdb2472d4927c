"""The total variation distance of two tables of counts."""

from collections.abc import Sequence
from math import fsum

from failsoft.drift.statistics.tables import rows_of_both

__all__ = ["tvd"]


def tvd(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """The total variation distance: the largest difference that any set of bins has in share; in [0, 1].

    Half the sum of |q - p| over the bins, where p (reference) and q (current) are raw shares (Levin, Peres, Wilmer,
    "Markov Chains and Mixing Times", proposition 4.2). Symmetric in its two sides; merging bins never raises it.

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
    >>> round(tvd(count(reference), count(current)), 6)
    0.119
    >>> tvd([4, 0], [0, 9])
    1.0
    >>> tvd([0, 0], [0, 9]) is None
    True
    """
    left, right = rows_of_both(reference, current)
    if not left or not right:
        return None
    return min(1.0, fsum(abs(m / right - n / left) for n, m in zip(reference, current, strict=True)) / 2)
