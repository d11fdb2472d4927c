"""The population stability index of two tables of counts."""

from collections.abc import Sequence
from math import fsum, log

from failsoft.drift.statistics.tables import rows_of_both

__all__ = ["psi"]


def psi(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """The population stability index, in nats; 0 for equal shares, never infinite.

    sum (q - p) ln(q / p) over B bins, where p (reference) and q (current) are (count + 0.5) / (rows + 0.5 B): half a
    row is added to every bin of both sides, so that an empty bin has a finite weight. Symmetric in its two sides. With
    n and m rows and no drift, PSI / (1/n + 1/m) follows a chi-square law with B - 1 degrees of freedom (Yurdakul 2018,
    "Statistical properties of population stability index").

    Args:
        reference: B counts of rows, not negative.
        current: B counts of rows in the same bins.

    Returns:
        None where either side has no rows: no data is not the same as no drift.

    Raises `ValueError` on counts that are negative or not finite, or of different lengths.

    >>> import numpy as np
    >>> draw = np.random.default_rng(20261121).normal
    >>> reference, current = draw(0, 1, 1000), draw(0.3, 1, 1000)
    >>> count = lambda rows: np.bincount(np.searchsorted([-1, 0, 1], rows), minlength=4).tolist()
    >>> count(reference), count(current)
    ([139, 364, 346, 151], [94, 290, 390, 226])
    >>> round(psi(count(reference), count(current)), 6)
    0.069601
    >>> psi([7, 0, 3], [7, 0, 3])
    0.0
    >>> psi([7, 0, 3], [0, 0, 0]) is None
    True
    """
    left, right = rows_of_both(reference, current)
    if not left or not right:
        return None
    bins = len(reference)
    shares = (
        ((n + 0.5) / (left + 0.5 * bins), (m + 0.5) / (right + 0.5 * bins))
        for n, m in zip(reference, current, strict=True)
    )
    return fsum((q - p) * log(q / p) for p, q in shares)
