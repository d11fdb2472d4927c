"""The energy distance of two samples of one or many dimensions, by permutation: a diagnosis, not an alert."""

import numpy as np

from failsoft.drift.diagnosis.samples import Rows, Tested, by_pairs

__all__ = ["energy"]


def energy(reference: Rows, current: Rows, *, draws: int = 199, seed: int = 0) -> Tested | None:
    """The energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'|, and its p by permutation.

    It is 0 only for equal distributions, in any number of dimensions (Szekely, Rizzo 2013, "Energy statistics: a class
    of statistics based on distances"). Rows with a missing or infinite value leave; of more than 500 rows a side,
    500 are drawn.

    Args:
        reference: shape (n,) or (n, d).
        current: shape (m,) or (m, d), in the same units.
        draws: random divisions; p is not below 1 / (draws + 1).
        seed: of the drawing.

    Returns:
        None where either side has no rows.

    >>> draw = np.random.default_rng(20261121).normal
    >>> found = energy(draw(0, 1, 300), draw(0.5, 1, 300))
    >>> round(found.statistic, 6), round(found.log10_p, 6)
    (0.240997, -2.30103)
    """
    return by_pairs(reference, current, np.negative, draws=draws, seed=seed, in_units=True)
