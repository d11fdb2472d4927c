"""What rows come from: anything that reads them more than once, a part at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from failsoft.drift.columns import Column

__all__ = ["KeyedSource", "Keys", "Source"]

type Keys = Callable[[Any], tuple[Sequence[str | None], NDArray[np.intp]]]
"""From an Arrow array to its different keys, and for each row which of them it has."""


class Source(Protocol):
    """Rows that can be read more than once."""

    @property
    def columns(self) -> Sequence[str]:
        """The names, each once."""

    @property
    def rows(self) -> int:
        """About how many rows there are, to choose how many columns are held at once."""

    @property
    def vectors(self) -> Sequence[str]:
        """Those columns that hold vectors."""

    def batches(self, columns: Sequence[str]) -> Iterator[Mapping[str, Column]]:
        """All rows of some columns, in parts that fit in memory."""


@runtime_checkable
class KeyedSource(Protocol):
    """Rows that can be told apart by a column."""

    def keyed(
        self, columns: Sequence[str], key: str, keys: Keys | None = None
    ) -> Iterator[tuple[str | None, Mapping[str, Column]]]:
        """All rows of some columns, those of each key apart: of each value of a column, or as `keys` tells them."""
