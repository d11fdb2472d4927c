"""Which hours of the week share a reference, so that each is large enough to judge by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from failsoft.drift.rhythm import HOURS

__all__ = ["ALL_HOURS", "Cells", "RhythmName", "cells_of"]

type RhythmName = Literal["hour-of-day", "hour-of-week"]

_DAY = 24


@dataclass(frozen=True, slots=True)
class Cells:
    """Which windows make the reference of which hours.

    Attributes:
        hours: for each hour of the week the index of its cell.
        members: for each cell the hours of the week whose windows are in it.
    """

    hours: tuple[int, ...]
    members: tuple[frozenset[int], ...]


ALL_HOURS = Cells((0,) * HOURS, (frozenset(range(HOURS)),))
"""One reference for all."""


def cells_of(
    name: RhythmName, hours: Sequence[int], rows: Sequence[float], blocks: Sequence[int], least: float
) -> Cells:
    """Give each hour of the week a cell that is large enough, whichever block is left out of it.

    An hour of the week that was seen too seldom shares a cell with the same hour of all days; where that is too small
    as well, with all hours.

    Args:
        name: the rhythm.
        hours: of the week, of each window.
        rows: of each window.
        blocks: of each window, such as its day.
        least: rows that a cell holds without any of its blocks.
    """
    made: dict[frozenset[int], int] = {}
    chosen = []
    for hour in range(HOURS):
        day = frozenset(range(hour % _DAY, HOURS, _DAY))
        wanted = [frozenset({hour}), day] if name == "hour-of-week" else [day]
        fitting = [one for one in wanted if _rows_without(one, hours, rows, blocks) >= least]
        chosen.append(made.setdefault((*fitting, frozenset(range(HOURS)))[0], len(made)))
    return Cells(tuple(chosen), tuple(made))


def _rows_without(cell: frozenset[int], hours: Sequence[int], rows: Sequence[float], blocks: Sequence[int]) -> float:
    """The rows of a cell without its largest block."""
    by_block: dict[int, float] = {}
    for hour, count, block in zip(hours, rows, blocks, strict=True):
        if hour in cell:
            by_block[block] = by_block.get(block, 0.0) + count
    return sum(by_block.values()) - max(by_block.values(), default=0.0)
