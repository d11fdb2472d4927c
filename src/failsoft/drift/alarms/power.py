"""How long a drift of a given size goes unseen."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from failsoft.drift.alarms.cusum import Cusum, run_length
from failsoft.drift.alarms.laws import Law
from failsoft.drift.alarms.rules import Rule
from failsoft.drift.alarms.tables import Floats, signed_roots

__all__ = ["SHIFTS", "Delay", "delay", "shifted"]

SHIFTS = (0.1, 0.3, 0.5)
"""In standard deviations."""

_STREAMS = 2000
_LONGEST = 400
_LARGE = 1e9


@dataclass(frozen=True, slots=True)
class Delay:
    """When a lasting shift is seen.

    Attributes:
        shift: in standard deviations.
        each: the chance that one window is bad.
        soon: the chance that it has paged by the end of the second window.
        pages_after: windows until the page, on average; infinity where it is not seen.
        tickets_after: windows until CUSUM's ticket, on average.
    """

    shift: float
    each: float
    soon: float
    pages_after: float
    tickets_after: float


def shifted(reference: Floats, shift: float) -> Floats:
    """The signed roots of a shift of the mean, as they are without chance.

    The bins are taken for those of a normal variable, in their order: its mean moves by `shift` standard deviations.
    So a shift means the same for a number of any distribution; for categories it is a change as large as that.

    Args:
        reference: counts, shape (bins,).
        shift: in standard deviations.
    """
    cumulative = np.cumsum(reference)[:-1] / reference.sum()
    edges: Floats = np.concatenate([[0.0], ndtr(ndtri(cumulative) - shift), [1.0]])
    share = reference / reference.sum()
    roots: Floats = signed_roots(share * _LARGE, np.diff(edges)[None, :] * _LARGE)[0]
    return roots


def delay(shift: float, law: Law, z: float, rule: Rule, cusum: Cusum | None) -> Delay:
    """How long a shift goes unseen under a rule.

    Args:
        shift: in standard deviations; for the record.
        law: of the score under the shift; windows are independent.
        z: the critical score.
        rule: what pages.
        cusum: what raises tickets, if anything.
    """
    each = float(np.exp(law.log_sf(np.array([z])))[0])
    after = run_length(law, cusum) if cusum is not None else float("inf")
    return Delay(shift, each, _within_two(each, rule), _mean_wait(each, rule), after)


def _within_two(each: float, rule: Rule) -> float:
    if rule.least == 1:
        return 1 - (1 - each) ** 2
    return each**2 if rule.least == 2 else 0.0  # noqa: PLR2004  # two windows can be two bad ones at most


def _mean_wait(each: float, rule: Rule) -> float:
    """Windows until `least` bad ones lie within `among`: by formula for 1 and in a row, else by streams of gaps."""
    if each <= 0:
        return float("inf")
    if rule.least == 1:
        return 1 / each
    if rule.least == rule.among:
        return (1 - each**rule.least) / ((1 - each) * each**rule.least) if each < 1 else float(rule.least)
    gaps = np.random.default_rng(rule.least).geometric(each, size=(_STREAMS, _LONGEST)).astype(np.float64)
    times = np.cumsum(gaps, axis=1)
    near = times[:, rule.least - 1 :] - times[:, : -(rule.least - 1)] < rule.among
    first = near.argmax(axis=1)
    if not near.any(axis=1).all():
        return float("inf")
    return float(times[np.arange(_STREAMS), first + rule.least - 1].mean())
