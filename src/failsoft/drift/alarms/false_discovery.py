"""Which features of a report stand out, when many are looked at at once."""

from collections.abc import Sequence
from math import log10

__all__ = ["adjusted"]


def adjusted(log10_p: Sequence[float]) -> tuple[float, ...]:
    """The p-values of a report adjusted for how many there are, as decimal logarithms.

    To call all features drifted whose adjusted p is below q keeps the expected share of false ones among them below q
    (Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995)). It says nothing about how
    often an alarm is false: alarms share out a budget (`rules.level_for`), and only reports use this.

    Args:
        log10_p: the decimal logarithm of each feature's p, not above 0.

    >>> [round(10**value, 6) for value in adjusted([-4.0, -2.0, -1.39794, 0.0])]
    [0.0004, 0.02, 0.053333, 1.0]
    """
    order = sorted(range(len(log10_p)), key=lambda index: log10_p[index], reverse=True)
    smallest, found = 0.0, [0.0] * len(log10_p)
    for behind, index in enumerate(order):
        smallest = min(smallest, log10_p[index] + log10(len(log10_p) / (len(log10_p) - behind)))
        found[index] = smallest
    return tuple(found)
