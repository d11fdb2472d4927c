"""Held-out windows of the reference's own time: how far they are from it, and how much of that is not chance."""

from dataclasses import dataclass

import numpy as np

from failsoft.drift.alarms.laws import Law, quadratic_form
from failsoft.drift.alarms.tables import Counts, Floats, signed_roots

__all__ = ["HeldOut", "compare"]

_LEAST_WEIGHT = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Windows in which nothing had changed, compared with a reference that none of them is part of.

    Attributes:
        roots: signed roots in units of the standard error of independent rows, shape (windows, bins).
        first, second: sums of the roots and of their products in each block, shapes (blocks, bins) and
            (blocks, bins, bins).
        sizes: windows in each block, shape (blocks,).
    """

    roots: Floats
    first: Floats
    second: Floats
    sizes: Floats

    @property
    def z(self) -> Floats:
        """The score of each window, PSI / (1/n + 1/m); shape (windows,)."""
        scores: Floats = (self.roots**2).sum(axis=1)
        return scores

    @property
    def wander(self) -> float:
        """The largest design effect: the variance in the worst direction, 1 where windows differ by chance only."""
        return float(self._moments(None)[1][-1])

    @property
    def kurtosis(self) -> float:
        """Excess kurtosis of the roots in the worst direction: 0 where windows differ as a normal law has it."""
        mean, _, axes = self._moments(None)
        along = (self.roots - mean) @ axes[:, -1]
        spread = float((along**2).mean())
        return float((along**4).mean()) / spread**2 - 3 if spread > _LEAST_WEIGHT else 0.0

    def law(self, weights: Floats | None = None, shift: Floats | None = None) -> Law:
        """The quadratic form with the windows' own mean and covariance.

        Args:
            weights: how often each block counts, shape (blocks,); once when left out. A bootstrap's resampling.
            shift: what is added to the mean of the roots, shape (bins,); a drift whose detection is asked for.
        """
        mean, variance, axes = self._moments(weights)
        moved = mean if shift is None else mean + shift
        return quadratic_form(variance, (moved @ axes) ** 2 / variance)

    def _moments(self, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
        often = np.ones(len(self.sizes)) if weights is None else weights
        windows = float(often @ self.sizes)
        mean = often @ self.first / windows
        products = np.tensordot(often, self.second, axes=1) / windows
        variance, axes = np.linalg.eigh(products - np.outer(mean, mean))
        # the counts of a window add up to its rows, so one direction has hardly any variance; rounding may say below 0
        # nor has any where all windows are alike, as a column that is constant in them: least of all that of chance, 1
        return mean, np.maximum(variance, _LEAST_WEIGHT * max(variance[-1], 1.0)), axes


def compare(
    reference: Counts, windows: Counts, block: int, *, inside: bool, references: Counts | None = None
) -> HeldOut:
    """Compare windows with a reference, block by block.

    Where the windows are rows of the reference itself, each block of neighbouring windows is compared with the
    reference without it: a window that is compared with itself, or with a neighbour that shares its hour, looks calmer
    than the next one will.

    Args:
        reference: counts, shape (bins,).
        windows: counts in the order of time, shape (windows, bins).
        block: windows that belong together, such as those of one day; also what a bootstrap draws.
        inside: whether the windows' rows are among the reference's.
        references: of each window, shape (windows, bins), where they differ; such windows are not inside.
    """
    starts = np.arange(0, len(windows), block)
    blocks = np.add.reduceat(windows, starts, axis=0)
    sizes = np.diff(np.append(starts, len(windows)))
    if references is not None:
        of_each = references
    else:
        of_each = np.repeat(reference - blocks, sizes, axis=0) if inside else np.broadcast_to(reference, windows.shape)
    with np.errstate(divide="ignore"):  # a window without rows is at no distance, and its error is infinite
        error = np.sqrt(1 / of_each.sum(axis=1) + 1 / windows.sum(axis=1))
    roots = signed_roots(of_each, windows) / error[:, None]
    first = np.add.reduceat(roots, starts, axis=0)
    second = np.stack([roots[at : at + size].T @ roots[at : at + size] for at, size in zip(starts, sizes, strict=True)])
    return HeldOut(roots, first, second, sizes.astype(np.float64))
