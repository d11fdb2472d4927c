"""What the statistics on rows share: rows without a value leave, too many are thinned out, p comes by permutation."""

from collections.abc import Callable
from math import log10
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_SAMPLE", "Tested", "permuted", "thinned"]

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
