"""From a budget to the chance that one test may have: windows, features, strata, persistence and burn rates."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp, floor, inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from failsoft.drift.alarms.tables import Floats

__all__ = ["DAYS", "Budget", "Cadence", "Rule", "level_for", "overlap"]

DAYS = 30
"""The days of a budget."""

_HIGHEST = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What may go wrong while nothing has changed, over all features and strata of a monitor.

    Attributes:
        false_pages_per_30d, false_tickets_per_30d: how many alarms on average leave Alertmanager in 30 days.
    """

    false_pages_per_30d: float = 1.0
    false_tickets_per_30d: float = 4.0


@dataclass(frozen=True, slots=True)
class Cadence:
    """When windows are judged.

    Attributes:
        window: milliseconds of data in one window, or the mean time until one has enough rows.
        every: milliseconds between two evaluations; less than `window` where windows overlap.
    """

    window: int
    every: int

    @property
    def windows(self) -> float:
        """Windows in 30 days that share no row."""
        return DAYS * 86_400_000 / max(self.window, self.every)

    @property
    def evaluations(self) -> float:
        """Evaluations for each of those; 1 where windows do not overlap."""
        return max(1.0, self.window / self.every)


@dataclass(frozen=True, slots=True)
class Rule:
    """What leaves Alertmanager: a page when the newest window is bad and at least `least` of the last `among` are.

    Attributes:
        least, among: 1 of 1 pages at once, 2 of 2 is two in a row. Windows share no row.
    """

    least: int = 1
    among: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.among:
            raise ValueError(f"{self.least} of {self.among} windows is no rule")

    @classmethod
    def of_burn(cls, threshold: Fraction, long: int, step: int, *, bad: int, window: int) -> "Rule":
        """The rule that a burn-rate tier amounts to.

        A tier pages when more than `threshold` of the slices in its long window are bad, and at least `bad` of them.
        Slices that lie closer together than one drift window look at the same rows and are bad together: they count as
        one. The short window only ends pages sooner, it starts none.

        Args:
            threshold: the error ratio of the tier.
            long: milliseconds of its long window.
            step: milliseconds of one slice.
            bad: the least number of bad slices.
            window: milliseconds of a drift window.

        >>> Rule.of_burn(Fraction(144, 1000), 3_600_000, 300_000, bad=1, window=300_000)
        Rule(least=2, among=12)
        >>> Rule.of_burn(Fraction(144, 1000), 3_600_000, 300_000, bad=1, window=3_600_000)
        Rule(least=1, among=1)
        """
        slices = long // step
        needed = max(bad, floor(threshold * slices) + 1)
        together = max(1, ceil(window / step))
        return cls(1 + (needed - 1) // together, max(1, ceil(slices / together)))

    def rate(self, chance: "Floats") -> "Floats":
        """How often it pages, per window, when each window is bad with this chance and independently.

        Each window that is bad while enough of those before it are counts as a page, though Alertmanager may make one
        of several: an upper bound, close to exact for rare alarms. Any shape.
        """
        from scipy.special import bdtrc  # who only reads a rule needs no scipy

        if self.least == 1:
            return chance
        paged: Floats = chance * bdtrc(self.least - 2, self.among - 1, chance)
        return paged


def level_for(rate: float, rule: Rule, tests: int) -> float:
    """The level -log(chance) of one test at which all of them page at this rate together, per window.

    Expected numbers of pages add up whether features depend on each other or not (Bonferroni), so the rate is shared
    out evenly.

    Args:
        rate: pages per window.
        rule: what pages.
        tests: features x strata.

    >>> round(exp(level_for(1 / 8640, Rule(), 1)))
    8640
    >>> round(exp(level_for(1 / 8640, Rule(2, 2), 1)), 2) == round(8640**0.5, 2)
    True
    """
    import numpy as np

    if rate <= 0:
        return inf
    low, high = 0.0, _HIGHEST
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if tests * float(rule.rate(np.array(exp(-middle)))) > rate else (low, middle)
    return high


def overlap(z: float, mean: float, hazard: float, evaluations: float) -> float:
    """How many more windows alarm, per window's length, when windows overlap than when they share no row.

    A score over a sliding window wanders above its critical value in clumps. The rate of clumps of a sum of squares
    with a triangular autocorrelation is 2 (z - mean) hazard per window's length (D. Aldous, "Probability Approximations
    via the Poisson Clumping Heuristic", 1989, chapter D); there can be no more clumps than evaluations.

    Args:
        z: the critical score.
        mean: of the score.
        hazard: of its law at z, per unit of score.
        evaluations: for each window's length.

    >>> overlap(33.36, 9, 0.38, 1.0), round(overlap(33.36, 9, 0.38, 12.0), 1), round(overlap(33.36, 9, 0.38, 60.0), 1)
    (1.0, 12.0, 19.5)
    """
    return min(evaluations, 1 + 2 * max(0.0, z - mean) * hazard)
