"""A tail model of what leaves Alertmanager, fitted to the held-out windows whose alarms came closest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from failsoft.drift.alarms.rules import Rule
from failsoft.drift.alarms.tables import Floats

__all__ = ["Tail", "fit", "loudest"]

_LEAST, _MOST, _SHARE = 40, 250, 0.05
_LIKELY = 1.3


def loudest(levels: Floats, rule: Rule) -> Floats:
    """The critical level above which each window would not have paged, over all tests.

    A test pages at a window when that window is bad and `rule.least` - 1 of those before it are: the level is the
    smaller of its own and the so-manieth largest of theirs. Persistence is counted on windows as they came, so that a
    wander that lasts is not taken for chance twice.

    Args:
        levels: -log(chance) of each window under the law of each test, shape (windows, tests), in the order of time.
        rule: what pages.

    Returns:
        Shape (windows - rule.among + 1,).

    >>> loudest(np.array([[1.0], [5.0], [4.0], [0.0], [3.0]]), Rule(2, 3)).tolist()
    [4.0, 0.0, 3.0]
    """
    if rule.least == 1:
        return levels[rule.among - 1 :].max(axis=1, initial=0.0)
    before = np.lib.stride_tricks.sliding_window_view(levels[:-1], rule.among - 1, axis=0)
    nth = np.partition(before, -(rule.least - 1), axis=-1)[..., -(rule.least - 1)]
    pages: Floats = np.minimum(levels[rule.among - 1 :], nth).max(axis=1)
    return pages


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """Peaks over a threshold on the scale of levels, generalised Pareto (J. Pickands, Annals of Statistics 3 (1975)).

    Where the law of each window is right, levels of single windows exceed each other exponentially with scale 1, those
    of two in a row with scale 1/2: shape 0. A larger scale says that the law's tail is too light. A shape above 0 says
    that some windows are outliers, which no law of the others foretells; a shape is taken from the data only where they
    show it (above 1.3 times its standard error), for to estimate one in vain costs more error than it mends.

    Attributes:
        start: the threshold.
        excesses: of the windows above it, rising, shape (peaks,).
        blocks: the block of each, shape (peaks,).
        sizes: windows in each block, shape (blocks,).
    """

    start: float
    excesses: Floats
    blocks: npt.NDArray[np.intp]
    sizes: Floats

    @property
    def heaviness(self) -> float:
        """The shape in units of its standard error where it is 0; 0 where there are too few peaks to tell."""
        if len(self.excesses) < _LEAST // 2:
            return 0.0
        _, shape = _moments(self.excesses, np.ones((1, len(self.excesses))))
        return float(shape[0] / (4 / 3 / len(self.excesses)) ** 0.5)

    def rates(self, levels: Floats, weights: Floats | None = None) -> Floats:
        """Pages per window at critical levels not below `start`.

        Args:
            levels: shape (levels,).
            weights: how often each block counts, shape (draws, blocks); once when left out.

        Returns:
            Shape (draws, levels); one draw without weights.
        """
        often = np.ones((1, len(self.sizes))) if weights is None else weights
        each = often[:, self.blocks]
        above = each.sum(axis=1)
        share = above / (often @ self.sizes)
        scale, shape = _moments(self.excesses, each)
        if self.heaviness < _LIKELY:
            scale, shape = (each @ self.excesses) / np.maximum(above, 1.0), np.zeros(len(above))
        x = np.maximum(levels - self.start, 0.0) / np.maximum(scale, 1e-9)[:, None]
        bent = np.maximum(shape, 1e-6)[:, None]  # a shape below 0 would mean that there is a largest score
        paged: Floats = share[:, None] * np.exp(-np.log1p(bent * x) / bent)
        return paged


def _moments(excesses: Floats, each: Floats) -> tuple[Floats, Floats]:
    """Scale and shape by probability-weighted moments (J. R. M. Hosking, J. R. Wallis, Technometrics 29 (1987)).

    Args:
        excesses: rising, shape (peaks,).
        each: how often each counts, shape (draws, peaks).
    """
    above = np.maximum(each.sum(axis=1), 1.0)
    mean = np.maximum((each @ excesses) / above, 1e-9)
    below = (np.cumsum(each, axis=1) - each / 2) / above[:, None]
    second = (each * excesses * (1 - below)).sum(axis=1) / above
    left = np.maximum(mean - 2 * second, 1e-3 * mean)
    return 2 * mean * second / left, np.minimum(2 - mean / left, 0.9)


def fit(pages: Floats, block: int) -> Tail:
    """Fit the tail to the levels at which windows would have paged, in the order of time.

    The largest twentieth is used, but at least 40 and at most 250 windows.
    """
    used = min(len(pages) - 1, max(_LEAST, min(_MOST, int(len(pages) * _SHARE))))
    start = float(np.partition(pages, len(pages) - used - 1)[len(pages) - used - 1])
    peaks = np.flatnonzero(pages > start)
    peaks = peaks[np.argsort(pages[peaks], kind="stable")]
    starts = np.arange(0, len(pages), block)
    sizes = np.diff(np.append(starts, len(pages))).astype(np.float64)
    return Tail(start, pages[peaks] - start, peaks // block, sizes)
