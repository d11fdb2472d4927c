"""Categories that the reference never had: all their rows, and the names and rows of a fixed choice of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

__all__ = ["KEPT", "Unseen"]

KEPT = 1_000
"""How many names are kept. More would let memory grow with the rows of a column of identifiers."""


@dataclass(slots=True)
class Unseen:
    """Rows of categories that the reference lacks.

    Names with the lowest hashes are kept, with their exact rows: a name among the lowest of the whole was among the
    lowest of every part, so any split of the rows leaves the same.

    Attributes:
        rows: of all of them, kept or not.
        kept: rows by name.

    >>> whole, part = Unseen(), Unseen()
    >>> whole.add({"x": 2, "y": 1}); part.add({"x": 1}); part.add({"y": 1, "x": 1})
    >>> whole == part, whole.rows
    (True, 3)
    """

    rows: int = 0
    kept: dict[str, int] = field(default_factory=dict)

    def add(self, counts: Mapping[str, int]) -> None:
        """Count rows by name."""
        self.rows += sum(counts.values())
        for name, count in counts.items():
            self.kept[name] = self.kept.get(name, 0) + count
        self._trim()

    def merge(self, other: "Unseen") -> None:
        """Take the rows of another count."""
        self.rows += other.rows
        for name, count in other.kept.items():
            self.kept[name] = self.kept.get(name, 0) + count
        self._trim()

    def _trim(self) -> None:
        if len(self.kept) > KEPT:
            lowest = sorted(self.kept, key=_hash)[:KEPT]
            self.kept = {name: self.kept[name] for name in lowest}


def _hash(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
