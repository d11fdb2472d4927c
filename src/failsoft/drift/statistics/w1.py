"""The Wasserstein-1 distance over the reference's interquartile range: exact from rows, or approximate over a grid."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import frexp, fsum, isfinite, ldexp
from typing import TYPE_CHECKING

from failsoft.drift.statistics.tables import rows_of_both

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["w1_exact", "w1_grid"]


def w1_exact(reference: "NDArray[np.floating]", current: "NDArray[np.floating]", iqr: float) -> float | None:
    """How far the rows moved, in interquartile ranges of the reference.

    The area between the two empirical distribution functions (Vallender 1974, "Calculation of the Wasserstein
    distance between probability distributions on the line") over `iqr`. One huge outlier moves it: that is what it
    measures. NaN is missing and leaves.

    Args:
        reference: shape (n,).
        current: shape (m,), in the same unit.
        iqr: the interquartile range of the reference, in that unit.

    Returns:
        None where either side has no rows or an infinite one, or where the range is 0.

    >>> import numpy as np
    >>> draw = np.random.default_rng(20261121).normal
    >>> reference, current = draw(0, 1, 1000), draw(0.3, 1, 1000)
    >>> iqr = float(np.subtract(*np.quantile(reference, [0.75, 0.25])))
    >>> round(w1_exact(reference, current, iqr), 6)
    0.213449
    >>> round(w1_exact(reference * 1e-300, current * 1e-300, iqr * 1e-300), 6)
    0.213449
    >>> w1_exact(reference, current, 0.0) is None
    True
    """
    import numpy as np

    left, right = (np.sort(side[~np.isnan(side)]) for side in (reference, current))
    if not (
        left.size and right.size and iqr > 0 and np.isfinite(left[[0, -1]]).all() and np.isfinite(right[[0, -1]]).all()
    ):
        return None
    exponent = max(frexp(float(value))[1] for side in (left, right) for value in (side[0], side[-1]))
    exponent = max(exponent, frexp(iqr)[1]) + 1
    seen = np.sort(np.ldexp(np.concatenate([left, right]), -exponent))  # so that no difference overflows
    left, right = np.ldexp(left, -exponent), np.ldexp(right, -exponent)
    steps = np.diff(seen)
    below = (
        left.searchsorted(seen[:-1], side="right") / left.size
        - right.searchsorted(seen[:-1], side="right") / right.size
    )
    return _ratio(float(np.sum(np.abs(below) * steps)), ldexp(iqr, -exponent))


def w1_grid(cuts: Sequence[float], reference: Sequence[float], current: Sequence[float], iqr: float) -> float | None:
    """The same from counts: the area between the two functions from the grid's first cut to its last.

    Approximate: between two cuts the functions are taken as straight, and what lies beyond the outer cuts is not
    seen, so that no outlier moves it.

    Args:
        cuts: the k inner bounds of the grid, rising.
        reference: k + 1 counts of rows in (cut[i-1], cut[i]].
        current: k + 1 counts.
        iqr: the interquartile range of the reference, in the unit of the cuts.

    Returns:
        None where either side has no rows, where the range is 0, or where the grid has fewer than two cuts.

    Raises `ValueError` on counts that are negative or not finite, or of different lengths.

    >>> import numpy as np
    >>> draw = np.random.default_rng(20261121).normal
    >>> reference, current = draw(0, 1, 1000), draw(0.3, 1, 1000)
    >>> cuts = np.unique(np.quantile(reference, np.linspace(0, 1, 65)[1:-1]))
    >>> count = lambda rows: np.bincount(cuts.searchsorted(rows), minlength=64).tolist()
    >>> iqr = float(np.subtract(*np.quantile(reference, [0.75, 0.25])))
    >>> round(w1_grid(cuts.tolist(), count(reference), count(current), iqr), 4)
    0.2058
    """
    left, right = rows_of_both(reference, current)
    if not left or not right or not iqr > 0 or len(cuts) < 2:  # noqa: PLR2004  # an area needs two ends
        return None
    exponent = max(*(frexp(cut)[1] for cut in (cuts[0], cuts[-1])), frexp(iqr)[1]) + 1
    scaled = [ldexp(cut, -exponent) for cut in cuts]
    below = zip(accumulate(reference), accumulate(current), strict=True)
    apart = [n / left - m / right for n, m in below][:-1]
    spans = zip(pairwise(scaled), pairwise(apart), strict=True)
    return _ratio(
        fsum((high - low) * _mean_height(one, other) for (low, high), (one, other) in spans), ldexp(iqr, -exponent)
    )


def _mean_height(one: float, other: float) -> float:
    """The mean of |a straight line| between its two ends.

    >>> _mean_height(1.0, 3.0), _mean_height(-1.0, 1.0)
    (2.0, 0.5)
    """
    if one * other >= 0:
        return abs(one + other) / 2
    return (one * one + other * other) / (2 * (abs(one) + abs(other)))


def _ratio(area: float, iqr: float) -> float | None:
    if not iqr:
        return None
    value = area / iqr
    return value if isfinite(value) else None
