"""Distributions as counts: of a histogram's bins or of categories, and how two of them are laid side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isfinite

__all__ = ["NEW", "OTHER", "TOP_CATEGORIES", "Categories", "Distribution", "Histogram", "paired", "rows_of_both"]

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
    """Rows counted by category; a row without a category is missing and is not among them."""

    counts: Mapping[str, float]

    @property
    def rows(self) -> float:
        """All rows that have a category."""
        return fsum(self.counts.values())


type Distribution = Histogram | Categories


def paired(reference: Distribution, current: Distribution) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The counts of both sides, bin by bin.

    Categories: the 50 most frequent of the reference, ties by their text; then `other`, the rest of the reference's,
    and `new`, those the reference never had, each only where it holds rows on either side.
    Raises `ValueError` where the two have no bins in common.

    >>> paired(Categories({"a": 5, "b": 3, "c": 0}), Categories({"b": 1, "a": 2, "c": 4}))
    ((5, 3, 0.0), (2, 1, 4.0))
    """
    match reference, current:
        case Histogram(), Histogram() if reference.cuts == current.cuts:
            return reference.counts, current.counts
        case Categories(), Categories():
            return _paired_categories(reference.counts, current.counts)
        case _:
            raise ValueError("the reference and the window have different bins")


def _paired_categories(
    reference: Mapping[str, float], current: Mapping[str, float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    known = sorted((name for name, count in reference.items() if count > 0), key=lambda name: (-reference[name], name))
    top, rest = known[:TOP_CATEGORIES], known[TOP_CATEGORIES:]
    new = [name for name in current if reference.get(name, 0) <= 0]
    pairs = [(reference[name], current.get(name, 0)) for name in top]
    for names in (rest, new):
        pair = fsum(reference.get(name, 0) for name in names), fsum(current.get(name, 0) for name in names)
        if any(pair):
            pairs.append(pair)
    return tuple(left for left, _ in pairs), tuple(right for _, right in pairs)


def rows_of_both(reference: Sequence[float], current: Sequence[float]) -> tuple[float, float]:
    """The rows of two tables of counts over the same bins.

    Raises `ValueError` on counts that are negative or not finite, or of different lengths.
    """
    if len(reference) != len(current):
        raise ValueError(f"the two sides have {len(reference)} and {len(current)} bins")
    if not all(isfinite(count) and count >= 0 for count in (*reference, *current)):
        raise ValueError("a count is negative or not finite")
    return fsum(reference), fsum(current)
