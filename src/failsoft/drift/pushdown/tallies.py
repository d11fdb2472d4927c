"""What an engine was asked and what it answered, engine by engine the same: rows not above each bound, rows by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from failsoft.drift.accumulator import Accumulator, BinCounts, CategoryCounts, PlainCounts, WrongColumnError
from failsoft.drift.columns import Labels, Type
from failsoft.drift.profile import ReferenceProfile

__all__ = ["Below", "accumulated", "check"]


@dataclass(frozen=True, slots=True)
class Below:
    """Rows of a numeric column.

    Attributes:
        not_above: for each bound, the rows whose value is not above it.
        present: rows that are neither null nor NaN.
    """

    not_above: Sequence[int]
    present: int


def check(profile: ReferenceProfile, types: Mapping[str, Type]) -> None:
    """Raise `WrongColumnError` where a feature has no column, or one of another type, or where there are strata.

    Args:
        profile: the reference.
        types: of the columns that the engine has.
    """
    if profile.strata is not None:
        raise WrongColumnError(
            f"the reference has strata of {profile.strata.by!r}: count the rows of each with profile.stratum(NAME), or "
            'all together with profile.stratum("")'
        )
    if profile.embeddings:
        column = next(iter(profile.embeddings))
        raise WrongColumnError(
            f"{column!r} is an embedding, which engines do not project: count a file or a data frame"
        )
    if profile.rhythm is not None or profile.clusters is not None:
        raise WrongColumnError("the reference knows hours or clusters, which engines do not count: count a file")
    for name, feature in profile.features.items():
        if name not in types:
            raise WrongColumnError(f"there is no column {name!r}")
        wanted = "number" if feature.kind == "histogram" else feature.type
        if "any" not in {wanted, types[name]} and wanted != types[name]:
            raise WrongColumnError(f"{name!r} is of type {types[name]}, the reference has {wanted}")


def accumulated(profile: ReferenceProfile, rows: int, tallies: Mapping[str, Below | Labels | int]) -> Accumulator:
    """The counts of an engine's answers.

    Args:
        profile: the reference.
        rows: all rows.
        tallies: for each feature what was counted; of one that is not compared, the rows with a value.
    """
    made = Accumulator(profile)
    made.rows = rows
    for name, counts in made.counts.items():
        match counts, tallies[name]:
            case BinCounts(), Below() as below:
                edges = np.array([0, *below.not_above, below.present], dtype=np.int64)
                counts.counts += np.diff(edges)
                counts.missing = rows - below.present
            case CategoryCounts(), Labels() as labels:
                counts.update(labels)
            case PlainCounts(), int(present):
                counts.update(Labels({"": present} if present else {}, rows - present))
            case _, other:
                raise TypeError(f"{name!r} was counted as {type(other).__name__}")
    return made
