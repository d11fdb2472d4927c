"""A long question cut into chunks that lie on one grid, so that every run asks for the same ones."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["MOST_POINTS", "Chunk", "Question", "chunks_of"]

MOST_POINTS = 10_000
"""Points of one answer, for each series; Prometheus gives at most 11,000."""

_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Question:
    """An expression at every multiple of a step, of two ends of time.

    Attributes:
        expression: PromQL.
        step: milliseconds.
        first, last: numbers of steps since the epoch, both inclusive.
        phase: milliseconds after those multiples, less than a step.
    """

    expression: str
    step: int
    first: int
    last: int
    phase: int = 0


class Chunk(NamedTuple):
    """A part of a question: numbers of steps since the epoch, both inclusive."""

    first: int
    last: int

    @property
    def points(self) -> int:
        """How many steps it has."""
        return self.last - self.first + 1

    def halves(self) -> "tuple[Chunk, Chunk]":
        """The same in two."""
        middle = (self.first + self.last) // 2
        return Chunk(self.first, middle), Chunk(middle + 1, self.last)


def chunks_of(question: Question, *, most: int = _DAY) -> tuple[Chunk, ...]:
    """The chunks of a question, oldest first: days of UTC or what `MOST_POINTS` allows, cut at both ends.

    >>> chunks_of(Question("up", 3_600_000, first=20, last=50))
    (Chunk(first=20, last=23), Chunk(first=24, last=47), Chunk(first=48, last=50))
    """
    size = max(1, min(most // question.step, MOST_POINTS))
    starts = range(question.first // size * size, question.last + 1, size)
    return tuple(Chunk(max(start, question.first), min(start + size - 1, question.last)) for start in starts)
