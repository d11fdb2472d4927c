"""What the statistics on rows share: rows without a value leave, too many are thinned out, p comes by permutation."""

from collections.abc import Callable
from math import log10
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_SAMPLE", "Tested", "by_pairs", "permuted", "thinned"]

LARGEST_SAMPLE = 500
"""Rows of each side that a test by permutation uses; more are drawn from at random, with the seed."""

type Rows = NDArray[np.floating]


class Tested(NamedTuple):
    """A statistic, and the decimal logarithm of the chance to see as much without drift."""

    statistic: float
    log10_p: float


def thinned(rows: Rows, most: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """At most so many of the rows that have a finite value in each column, as float64 of shape (rows, columns).

    Raises `ValueError` on anything but one or two dimensions.
    """
    table = np.asarray(rows, dtype=np.float64)
    if table.ndim not in {1, 2}:
        raise ValueError(f"rows have {table.ndim} dimensions, not 1 or 2")
    table = table.reshape(len(table), -1)
    table = table[np.isfinite(table).all(axis=1)]
    return table if len(table) <= most else table[np.sort(dice.choice(len(table), most, replace=False))]


def permuted(
    distance: Callable[[NDArray[np.bool_]], float], left: int, right: int, draws: int, dice: np.random.Generator
) -> Tested:
    """A distance between two groups, and how often a random division in groups of these sizes gives as much.

    The chance is (1 + as many as reach it) / (1 + draws): the division at hand is one of them (Phipson, Smyth 2010,
    "Permutation p-values should never be zero").

    Args:
        distance: of the group for which the mask, of shape (left + right,), is true, to the others.
        left: rows of the one group, which come first.
        right: rows of the other.
        draws: how many random divisions.
        dice: where chance comes from.
    """
    mask = np.arange(left + right) < left
    found = distance(mask)
    reached = sum(distance(dice.permutation(mask)) >= found * (1 - 1e-12) for _ in range(draws))
    return Tested(found, log10((1 + reached) / (1 + draws)))


def by_pairs(  # noqa: PLR0913  # a test has so many parts
    reference: Rows,
    current: Rows,
    alike: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    draws: int,
    seed: int,
    in_units: bool,
) -> Tested | None:
    """How much more alike rows of one side are than rows of two, summed over all pairs, and its p by permutation.

    Args:
        reference: shape (n,) or (n, d).
        current: shape (m,) or (m, d), in the same units.
        alike: from the distances of all rows, of shape (n + m, n + m), at most about 1, to how alike they are.
        draws: random divisions.
        seed: of the drawing.
        in_units: whether the statistic is one in the rows' own units.

    Returns:
        None where either side has no rows.
    """
    from scipy.spatial.distance import cdist

    dice = np.random.default_rng(seed)
    left, right = (thinned(side, LARGEST_SAMPLE, dice) for side in (reference, current))
    if not len(left) or not len(right):
        return None
    both = np.concatenate([left, right])
    scale = float(np.abs(both).max()) or 1.0
    both /= scale  # so that no square overflows
    likeness = alike(cdist(both, both))
    unit = scale if in_units else 1.0

    def distance(mask: NDArray[np.bool_]) -> float:
        weights = np.where(mask, 1 / mask.sum(), -1 / (~mask).sum())
        return max(0.0, float(weights @ likeness @ weights)) * unit

    return permuted(distance, len(left), len(right), draws, dice)
