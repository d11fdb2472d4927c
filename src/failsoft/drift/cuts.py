"""Where the bins of a numeric reference are cut."""

from math import ceil, frexp, inf, ldexp, log2, nextafter

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "GRID", "cuts_of", "grid_of", "interquartile_range"]

BINS = 10
"""Bins for PSI, JS and TVD."""

GRID = 64
"""Bins for the distance of the distribution functions."""

_SLACK = 64
_STEPS = 80


def cuts_of(values: NDArray[np.float64], bins: int = BINS) -> tuple[float, ...]:
    """The inner bounds of so many bins with about the same number of rows each.

    The unique linear-interpolated quantiles at 1/k .. (k-1)/k. For each value that equals two or more of the k+1
    quantiles also the next float64 below it, so that an atom has a bin of its own: else a binary column that moves from
    5 % to 50 % would have a PSI of exactly 0.

    Args:
        values: finite, rising; shape (n,).
        bins: how many.

    >>> cuts_of(np.sort([0.1, 0.2, 0.35, 0.4, 0.55, 0.6, 0.7, 0.8, 0.95, 1.1, 1.3, 1.7]), 4)
    (0.3875, 0.6499999999999999, 0.9875)
    >>> cuts_of(np.array([0.0] * 11 + [1.0]))
    (-5e-324, 0.0)
    """
    inner, atoms = _quantiles(values, bins)
    return tuple(sorted({*inner, *_below(atoms)}))


def grid_of(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The inner bounds of the grid: as `cuts_of` for 64 bins, with fewer digits where that does not matter.

    A quantile that is no atom is moved to the number with the fewest binary digits within a 64th of the way to the
    next one, which is a 64th of a bin's rows. That is what lets a hundred features fit in 50 kB; the counts over these
    bounds are exact.

    Args:
        values: finite, rising; shape (n,).
    """
    inner, atoms = _quantiles(values, GRID)
    kept = [
        cut if cut in atoms else _shortest(cut, low, high)
        for low, cut, high in zip([-inf, *inner[:-1]], inner, [*inner[1:], inf], strict=True)
    ]
    return tuple(sorted({*kept, *_below(atoms)}))


def interquartile_range(values: NDArray[np.float64]) -> float:
    """Of finite, rising values; 0 without any. Not above the largest float64."""
    if not values.size:
        return 0.0
    exponent = _exponent(values)
    low, high = np.quantile(np.ldexp(values, -exponent), [0.25, 0.75]).tolist()
    try:
        return float(ldexp(high - low, exponent))
    except OverflowError:
        return float(np.finfo(np.float64).max)


def _quantiles(values: NDArray[np.float64], bins: int) -> tuple[list[float], set[float]]:
    """The unique inner quantiles, rising, and those that are two quantiles at once."""
    if not values.size:
        return [], set()
    exponent = _exponent(values)
    found = np.ldexp(np.quantile(np.ldexp(values, -exponent), np.linspace(0, 1, bins + 1)), exponent)
    unique, times = np.unique(found, return_counts=True)
    return sorted(set(found[1:-1].tolist())), set(unique[times > 1].tolist())


def _exponent(values: NDArray[np.float64]) -> int:
    """A power of two to divide by, so that interpolation between huge values does not overflow; 0 for all others."""
    largest = frexp(float(max(-values[0], values[-1])))[1]
    return largest if largest > 1_000 else 0  # noqa: PLR2004  # float64 ends at 1,024


def _below(atoms: set[float]) -> list[float]:
    return [below for atom in atoms if (below := nextafter(atom, -inf)) != -inf]


def _shortest(cut: float, low: float, high: float) -> float:
    """The number with the fewest binary digits close to a cut between two others."""
    room = min(cut / _SLACK - low / _SLACK, high / _SLACK - cut / _SLACK)
    if not 0 < room < inf:
        return cut
    exponent = ceil(log2(room))
    for _ in range(_STEPS):
        try:
            found = ldexp(round(ldexp(cut, -exponent)), exponent)
        except OverflowError:
            return cut
        if abs(found - cut) <= room:
            return found
        exponent -= 1
    return cut
