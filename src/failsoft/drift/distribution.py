"""Distributions as counts: of a histogram's bins or of categories, and how two of them are laid side by side."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import fsum

__all__ = [
    "NEW",
    "OTHER",
    "TOP_CATEGORIES",
    "Categories",
    "Distribution",
    "Histogram",
    "Pairing",
    "coarser",
    "lay",
    "paired",
    "spans",
]

TOP_CATEGORIES = 50
"""How many of the reference's categories have a bin of their own."""

OTHER = "other"
"""The bin of the reference's categories beyond the most frequent ones."""

NEW = "new"
"""The bin of categories that the reference never had."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows counted in bins.

    Attributes:
        cuts: the k inner bounds, rising, in the signal's unit.
        counts: k + 1 counts of rows in (cut[i-1], cut[i]], the outer bins open to infinity. Not whole numbers where
            Prometheus extrapolated an increase.
    """

    cuts: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def rows(self) -> float:
        """All rows."""
        return fsum(self.counts)


@dataclass(frozen=True, slots=True)
class Categories:
    """Rows counted by category; a row without a category is missing and is not among them.

    Attributes:
        counts: by name.
        unnamed: rows of categories that the other side lacks and whose names were not kept.
    """

    counts: Mapping[str, float]
    unnamed: float = 0.0

    @property
    def rows(self) -> float:
        """All rows that have a category."""
        return fsum(self.counts.values()) + self.unnamed


type Distribution = Histogram | Categories


def coarser(histogram: Histogram, cuts: tuple[float, ...]) -> Histogram:
    """The same rows over some of the cuts only.

    Raises `ValueError` where one of them is no cut of the histogram.

    >>> coarser(Histogram((1.0, 2.0, 5.0), (4, 3, 2, 1)), (2.0,))
    Histogram(cuts=(2.0,), counts=(7, 3))
    """
    if cuts == histogram.cuts:
        return histogram
    ends = [bisect_left(histogram.cuts, cut) for cut in cuts]
    if any(histogram.cuts[end : end + 1] != (cut,) for end, cut in zip(ends, cuts, strict=True)):
        raise ValueError("the histogram lacks a cut")
    edges = [0, *(end + 1 for end in ends), len(histogram.counts)]
    return Histogram(cuts, tuple(sum(histogram.counts[low:high]) for low, high in pairwise(edges)))


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two distributions bin by bin.

    Attributes:
        bins: what each bin holds, for a person.
        reference, current: the counts.
        new: rows of the current side in categories that the reference never had.
    """

    bins: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    new: float = 0.0


def lay(reference: Distribution, current: Distribution) -> Pairing:
    """The two side by side.

    Categories: the 50 most frequent of the reference, ties by their text; then `other`, the rest of the reference's,
    and `new`, those the reference never had, each only where it holds rows on either side.
    Raises `ValueError` where the two have no bins in common.

    >>> lay(Categories({"a": 5, "b": 3, "c": 0}), Categories({"b": 1, "a": 2, "c": 4}))
    Pairing(bins=('a', 'b', 'new'), reference=(5, 3, 0.0), current=(2, 1, 4.0), new=4.0)
    """
    match reference, current:
        case Histogram(), Histogram() if reference.cuts == current.cuts:
            return Pairing(spans(reference.cuts), reference.counts, current.counts)
        case Categories(), Categories():
            return _categories(reference.counts, current)
        case _:
            raise ValueError("the reference and the window have different bins")


def paired(reference: Distribution, current: Distribution) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The counts of both sides, bin by bin, as `lay` lays them."""
    laid = lay(reference, current)
    return laid.reference, laid.current


def spans(cuts: tuple[float, ...]) -> tuple[str, ...]:
    """What each bin between the cuts holds, for a person."""
    if not cuts:
        return ("all",)
    inner = (f"({low:.6g}, {high:.6g}]" for low, high in pairwise(cuts))
    return (f"<= {cuts[0]:.6g}", *inner, f"> {cuts[-1]:.6g}")


def _categories(reference: Mapping[str, float], side: Categories) -> Pairing:
    current = side.counts
    known = sorted((name for name, count in reference.items() if count > 0), key=lambda name: (-reference[name], name))
    top, rest = known[:TOP_CATEGORIES], known[TOP_CATEGORIES:]
    new = [name for name in current if reference.get(name, 0) <= 0]
    bins = [(name, reference[name], current.get(name, 0)) for name in top]
    unseen = fsum(current[name] for name in new) + side.unnamed
    remaining = fsum(reference[name] for name in rest), fsum(current.get(name, 0) for name in rest)
    # a category of the reference may have the name of the bin; a person tells them by the place
    bins += [(label, *pair) for label, pair in ((OTHER, remaining), (NEW, (0.0, unseen))) if any(pair)]
    return Pairing(
        bins=tuple(label for label, _, _ in bins),
        reference=tuple(left for _, left, _ in bins),
        current=tuple(right for _, _, right in bins),
        new=unseen,
    )
