"""The counts of a signal as a row of numbers, in the order of the bins of its reference."""

from collections.abc import Sequence
from math import fsum

from failsoft.drift.distribution import Distribution, Histogram
from failsoft.drift.features import CategoricalReference, HistogramReference

__all__ = ["Reference", "bins_of", "pooled"]

type Reference = HistogramReference | CategoricalReference
"""What a signal of an engine is compared with."""


def bins_of(reference: Reference, counted: Distribution) -> tuple[float, ...]:
    """The rows of each bin: a histogram's; of categories the most frequent ones, then the rest, then new ones.

    Args:
        reference: whose bins.
        counted: over the cuts of the reference, where it is a histogram.

    >>> from failsoft.drift import CategoricalReference, Categories
    >>> bins_of(CategoricalReference.of({"stop": 9, "length": 1}), Categories({"length": 2, "abort": 3}))
    (0.0, 2, 0.0, 3.0)
    """
    if isinstance(counted, Histogram):
        return counted.counts
    assert isinstance(reference, CategoricalReference)  # noqa: S101  # the two are read by the same signal
    top = (counted.counts.get(name, 0.0) for name in reference.categories)
    rest = fsum(counted.counts.get(name, 0.0) for name in reference.rest)
    known = {*reference.categories, *reference.rest}
    new = fsum(count for name, count in counted.counts.items() if name not in known) + counted.unnamed
    return (*top, rest, new)


def pooled(counts: Sequence[float], pools: Sequence[int]) -> tuple[float, ...]:
    """The rows of each pool.

    >>> pooled([1, 2, 3], (0, 1, 1))
    (1.0, 5.0)
    """
    sums = [0.0] * (max(pools) + 1)
    for count, pool in zip(counts, pools, strict=True):
        sums[pool] += count
    return tuple(sums)
