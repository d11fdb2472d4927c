"""Native histograms of a story, in promtool's notation: observations well within a bound, and others well beyond it."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, log2

from failsoft.slo.indicators import Counted
from failsoft.slo.promql import number

__all__ = ["HISTOGRAM", "observed"]

HISTOGRAM = "{{schema:"
"""How a native histogram begins in the text of a test file, and nothing else does."""

_ONE = Fraction(1)

type Runs = Sequence[tuple[int, int | Fraction]]


def observed(counted: Counted, good: Runs, bad: Runs, *, begun: int, absent: int = 0) -> str:
    """A histogram that grows by so many good and bad observations at each sample.

    Args:
        counted: the histogram, with the bound between good and bad, where there is one.
        good: runs of samples, and how many good observations each of them adds.
        bad: the same runs with the bad ones.
        begun: so many of each there are before.
        absent: samples for which it is not there.
    """
    parts = [f"_x{absent}"] if absent else [_histogram(counted, begun, begun)]
    within, beyond = Fraction(begun), Fraction(begun)
    for (cells, more), (_, worse) in zip(good, bad, strict=True):
        if cells:
            first = _histogram(counted, within + more, beyond + worse)
            parts.append(first if cells == 1 else f"{first}+{_histogram(counted, more, worse)}x{cells - 1}")
        within, beyond = within + more * cells, beyond + worse * cells
    return " ".join(parts)


def _histogram(counted: Counted, good: Fraction | int, bad: Fraction | int) -> str:
    """The buckets around the bound hold nothing, so that no interpolation decides; a custom one ends at the bound."""
    bound = Fraction(counted.up_to) if counted.up_to is not None else _ONE
    within, beyond = number(Fraction(good)), number(Fraction(bad))
    total = number(Fraction(good) + Fraction(bad))
    head = f"count:{total} sum:{total}"
    if counted.form == "custom":
        return f"{HISTOGRAM}-53 {head} custom_values:[{number(bound)}] buckets:[{within} {beyond}]}}}}"
    first = floor(log2(bound)) - 1
    apart = ceil(log2(bound)) + 2 - first - 1
    buckets = " ".join([within, *["0"] * apart, beyond])
    return f"{HISTOGRAM}0 {head} offset:{first} buckets:[{buckets}]}}}}"
