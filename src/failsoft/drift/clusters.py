"""Rows that come in clusters, such as those of a tenant or the retries of a request, count for fewer than they are."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from failsoft.drift.features import Stored

__all__ = ["Clusters", "design", "mean_size"]

type Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Clusters(Stored):
    """How much alike the rows of one cluster are."""

    column: str
    """What tells clusters apart."""

    size: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """Rows of the cluster that a row of the reference is in, on average over rows."""

    alike: dict[str, Share]
    """By feature the intraclass correlation: 0 where rows of a cluster differ as any do, 1 where they are equal."""

    most: dict[str, Share]
    """The same in the direction in which clusters differ most, such as that of their mean."""

    def spread(self, feature: str, size: float) -> float:
        """How many times the mean design effect that of the worst direction is, in clusters of this size."""
        return max(1.0, design(self.most.get(feature, 0.0), size) / self.design(feature, size))

    def design(self, feature: str, size: float) -> float:
        """How many rows of a feature say as much as one independent row, in clusters of this size."""
        return design(self.alike.get(feature, 0.0), size)


def mean_size(rows: Iterable[int], singles: int = 0) -> float:
    """The rows of the cluster that a row is in, on average over rows: sum n^2 / sum n; 1 without rows.

    Args:
        rows: of each cluster.
        singles: rows that are clusters of their own.

    >>> mean_size([1, 1, 1]), mean_size([9, 1]), mean_size([9], 1)
    (1.0, 8.2, 8.2)
    """
    sizes = list(rows)
    whole = sum(sizes) + singles
    return (sum(count * count for count in sizes) + singles) / whole if whole else 1.0


def design(alike: float, size: float) -> float:
    """The design effect of clusters, 1 + (size - 1) alike (L. Kish, "Survey Sampling", 1965, section 5.4).

    >>> design(0.05, 21.0)
    2.0
    """
    return 1 + (size - 1) * alike
