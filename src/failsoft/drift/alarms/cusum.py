"""CUSUM on scores: small changes that last add up, and a ticket is raised when they have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from failsoft.drift.alarms.laws import Law
from failsoft.drift.alarms.stored import ALLOWANCE
from failsoft.drift.alarms.tables import Floats

__all__ = ["ALLOWANCE", "Cusum", "advance", "run_length", "threshold"]

_STATES = 160
_HIGHEST = 400.0
_CLOSE = 0.005
_NEVER = 1e15
"""Windows; longer runs are lost in the rounding of their chances."""


@dataclass(frozen=True, slots=True)
class Cusum:
    """One test's CUSUM: S = max(0, S + (z - mean) / sd - 1/2), a ticket and S = 0 when S > threshold.

    Windows share no row.

    Attributes:
        mean, sd: of the score z while nothing has changed.
        threshold: h.
    """

    mean: float
    sd: float
    threshold: float


def advance(sums: Floats, standardised: Floats, thresholds: Floats | float) -> tuple[Floats, Floats]:
    """The sums after one more window, and 1 where a ticket is raised.

    Args:
        sums: any shape.
        standardised: (z - mean) / sd of the window; a shape that broadcasts to it.
        thresholds: the same.
    """
    raw = np.maximum(sums + standardised - ALLOWANCE, 0.0)
    alarms = raw > thresholds
    return np.where(alarms, 0.0, raw), alarms.astype(np.float64)


def run_length(law: Law, cusum: Cusum) -> float:
    """The average number of windows from S = 0 to a ticket when each score follows the law, independently.

    The Markov chain of D. Brook and D. A. Evans, "An approach to the probability distribution of CUSUM run length",
    Biometrika 59 (1972), with 160 states.

    >>> from failsoft.drift.alarms.laws import yurdakul
    >>> round(run_length(yurdakul(10), Cusum(9.0, 18**0.5, 9.0)), -3)
    7000.0
    """
    step = cusum.threshold / (_STATES - 0.5)
    # a move from state i to j depends on j - i only
    reached = cusum.mean + cusum.sd * (step * (np.arange(1 - _STATES, _STATES) + 0.5) + ALLOWANCE)
    below = -np.expm1(law.log_sf(np.asarray(reached, dtype=np.float64)))[
        np.arange(_STATES) - np.arange(_STATES)[:, None] + _STATES - 1
    ]
    moves = np.diff(below, axis=1, prepend=0.0)
    try:
        length = float(np.linalg.solve(np.eye(_STATES) - moves, np.ones(_STATES))[0])
    except np.linalg.LinAlgError:  # no score ever leads to a ticket
        return _NEVER
    return length if 0 < length < _NEVER else _NEVER


def threshold(laws: Sequence[Law], mean: float, sd: float, rate: float) -> float:
    """The smallest threshold at which tickets come no more often than this, on average over the laws.

    Args:
        laws: what the score may follow, equally likely, such as under several draws of the reference.
        mean: by which scores are standardised.
        sd: the same.
        rate: tickets per window.
    """

    def log_rate(height: float) -> float:
        return float(np.log(np.mean([1 / run_length(law, Cusum(mean, sd, height)) for law in laws])))

    # the logarithm of the rate is nearly straight in the threshold, so the chord's root is soon close enough
    wanted, low, high = float(np.log(rate)), 1.0, 8.0
    at_low, at_high = log_rate(low), log_rate(high)
    for _ in range(12):
        if abs(at_high - wanted) < _CLOSE or high >= _HIGHEST or at_high == at_low:
            break
        following = high + (wanted - at_high) * (high - low) / (at_high - at_low)
        low, at_low = high, at_high
        high = min(_HIGHEST, max(0.5, following))
        at_high = log_rate(high)
    return high
