"""What the statistics on tables of counts share: the check of the two tables."""

from collections.abc import Sequence
from math import fsum, isfinite

__all__ = ["rows_of_both"]


def rows_of_both(reference: Sequence[float], current: Sequence[float]) -> tuple[float, float]:
    """The rows of two tables of counts over the same bins.

    Raises `ValueError` on counts that are negative or not finite, or of different lengths.
    """
    if len(reference) != len(current):
        raise ValueError(f"the two sides have {len(reference)} and {len(current)} bins")
    if not all(isfinite(count) and count >= 0 for count in (*reference, *current)):
        raise ValueError("a count is negative or not finite")
    return fsum(reference), fsum(current)
