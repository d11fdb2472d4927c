"""The ticket tier: a CUSUM for each table, its threshold from the budget and from how held-out windows follow on."""

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtri

from failsoft.drift.alarms.cusum import ALLOWANCE, Cusum, run_length, threshold
from failsoft.drift.alarms.laws import Law
from failsoft.drift.alarms.rules import Budget, Cadence
from failsoft.drift.alarms.signals import TableTest, Test, reference_draw
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.alarms.tail import fit

__all__ = ["cusums"]

_DRAWS = 6
_REACH = 300.0
_CALMEST = 0.01
"""Scores that differ less than this share of what chance makes them differ are all alike."""


def cusums(
    tests: Sequence[Test], budget: Budget, cadence: Cadence, strata: int, rng: np.random.Generator
) -> tuple[tuple[Cusum | None, ...], float]:
    """A CUSUM for each table (None for a share), and the false tickets per 30 days that result.

    A threshold comes from the average run length under the test's law, averaged over what the reference's error and the
    held-out windows leave open. It is raised where the held-out windows' own CUSUM climbs higher than that, as it does
    when traffic wanders for longer than a window: the peaks of its cycles have an exponential tail (D. Siegmund,
    "Sequential Analysis", 1985, chapter X), which is fitted to the highest of them.
    """
    tables = [test for test in tests if isinstance(test, TableTest)]
    if not tables:
        return (None,) * len(tests), 0.0
    each = budget.false_tickets_per_30d / (cadence.windows * len(tables) * strata)
    made: dict[int, Cusum] = {}
    rate = 0.0
    for test in tables:
        mean, sd = test.base.mean, test.base.variance**0.5
        if test.held is not None:
            mean, sd = float(test.held.z.mean()), max(float(test.held.z.std()), _CALMEST * sd)
        laws = _likely(test, rng)
        height = threshold(laws, mean, sd, each)
        if test.held is not None:
            height = max(height, _peaks_reach((test.held.z - mean) / sd, each))
        made[id(test)] = Cusum(mean, sd, height)
        rate += float(np.mean([1 / run_length(law, made[id(test)]) for law in laws]))
    return tuple(made.get(id(test)) for test in tests), rate * cadence.windows * strata


def _likely(test: TableTest, rng: np.random.Generator) -> list[Law]:
    if test.held is None:
        dof = len(test.reference) - 1
        return [reference_draw(test, float(chdtri(dof, (at + 0.5) / _DRAWS))) for at in range(_DRAWS)]
    blocks = len(test.held.sizes)
    weights = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=_DRAWS).astype(np.float64)
    return [test.held.law(row) for row in weights]


def _peaks_reach(standardised: Floats, rate: float) -> float:
    """The height that a CUSUM of these scores exceeds at this rate per window; 0 where it hardly ever leaves 0."""
    walk = np.cumsum(standardised - ALLOWANCE)
    sums = walk - np.minimum.accumulate(np.minimum(walk, 0.0))
    peaks = np.maximum.reduceat(sums, np.flatnonzero(np.append(True, sums[1:] == 0)))
    tail = fit(peaks, len(peaks))
    if not len(tail.excesses):
        return 0.0
    ladder = tail.start + np.linspace(0, _REACH, 1000)
    rates = tail.rates(ladder)[0] * len(peaks) / len(standardised)
    return float(ladder[int((rates <= rate).argmax())]) if rates[-1] <= rate else float(ladder[-1])
