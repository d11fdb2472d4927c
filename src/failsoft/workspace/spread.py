"""How many pieces of work are done that know nothing of each other."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

__all__ = ["Spread"]


class Spread(Protocol):
    """What `map` does; perhaps in several processes at once, so what comes back may be a copy."""

    def __call__[T, R](self, function: Callable[[T], R], items: Sequence[T], /) -> Iterable[R]:
        """The results, in the order of the items."""
