"""The Kolmogorov-Smirnov distance: exact from rows, or over a grid of cuts with the bound of its error."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from failsoft.drift.statistics.tables import rows_of_both

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bounded", "ks_exact", "ks_grid"]


class Bounded(NamedTuple):
    """A value that is too low by `error` at most, and never too high."""

    value: float
    error: float


def ks_grid(reference: Sequence[float], current: Sequence[float]) -> Bounded | None:
    """The largest difference of the two distribution functions at the cuts of a grid, in [0, 1].

    The exact distance is between the value and the value plus the error, which is the largest share of either side
    inside one bin: between two cuts neither function moves by more.

    Args:
        reference: counts of rows in (cut[i-1], cut[i]], not negative.
        current: counts of rows in the same bins.

    Returns:
        None where either side has no rows.

    Raises `ValueError` on counts that are negative or not finite, or of different lengths.

    >>> import numpy as np
    >>> draw = np.random.default_rng(20261121).normal
    >>> reference, current = draw(0, 1, 1000), draw(0.3, 1, 1000)
    >>> count = lambda rows: np.bincount(np.searchsorted([-1, 0, 1], rows), minlength=4).tolist()
    >>> found = ks_grid(count(reference), count(current))
    >>> round(found.value, 6), round(found.error, 6)
    (0.119, 0.39)
    >>> found.value <= ks_exact(reference, current) <= found.value + found.error
    True
    """
    left, right = rows_of_both(reference, current)
    if not left or not right:
        return None
    below = zip(accumulate(reference), accumulate(current), strict=True)
    value = max((abs(n / left - m / right) for n, m in below), default=0.0)
    error = max(max(reference) / left, max(current) / right)
    return Bounded(min(1.0, value), min(1.0, error))


def ks_exact(reference: "NDArray[np.floating]", current: "NDArray[np.floating]") -> float | None:
    """The largest difference of the two right-continuous empirical distribution functions, in [0, 1].

    Taken over all observed values (Hodges 1958, "The significance probability of the Smirnov two-sample test").
    Infinite rows are values like others; NaN is missing and leaves.

    Args:
        reference: shape (n,).
        current: shape (m,).

    Returns:
        None where either side has no rows.

    >>> import numpy as np
    >>> draw = np.random.default_rng(20261121).normal
    >>> ks_exact(draw(0, 1, 1000), draw(0.3, 1, 1000))
    0.127
    >>> ks_exact(np.array([1.0, np.nan]), np.array([np.inf]))
    1.0
    """
    import numpy as np

    left, right = (np.sort(side[~np.isnan(side)]) for side in (reference, current))
    if not left.size or not right.size:
        return None
    seen = np.concatenate([left, right])
    below = left.searchsorted(seen, side="right") / left.size - right.searchsorted(seen, side="right") / right.size
    return float(np.abs(below).max())
