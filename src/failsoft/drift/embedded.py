"""What a reference knows of a column of embeddings: fixed directions, along which vectors are numbers like others."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from failsoft.drift.features import Stored
from failsoft.drift.packed import PackedInts

__all__ = ["LARGEST", "STEPS", "Embedding"]

LARGEST = 65_536
"""Numbers of a vector at most, so that every projection is an exact whole number below 2^53."""

STEPS = 127
"""Each number of a direction is a whole one from -127 to 127."""


class Embedding(Stored):
    """Directions of the reference's largest variance, rounded to small whole numbers.

    A number x of a vector counts as round(x 2^shift). With whole numbers on both sides every projection is exact in
    float64 whatever the order of its sum, so that any split of the rows, on any machine, gives the same counts.
    """

    size: Annotated[int, Field(ge=1, le=LARGEST)]
    """Numbers of a vector."""

    shift: Annotated[int, Field(ge=-1100, le=1100)]
    directions: PackedInts
    """The directions one after another, each number raised by 127 so that it is not negative."""

    centroid: PackedInts
    """The mean of the reference's vectors, in units of 2^-shift."""

    explained: tuple[float, ...]
    """The share of the reference's variance along each direction."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.centroid) != self.size or len(self.directions) != self.size * len(self.explained):
            raise ValueError("needs as many numbers in each direction as in a vector")
        if not self.explained or min(self.directions) < 0 or max(self.directions) > 2 * STEPS:
            raise ValueError("needs directions of numbers from -127 to 127")
        return self

    def names(self, column: str) -> tuple[str, ...]:
        """The features that the column becomes, one for each direction."""
        return tuple(f"{column}[{index}]" for index in range(len(self.explained)))
