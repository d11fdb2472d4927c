"""What a file is that a command wrote, as its beginning says, and where it may write to."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from failsoft.errors import UsageError

__all__ = ["Kind", "kind_of", "may_write"]

type Kind = Literal["reference profile", "calibration", "memory", "page", "Parquet file", "file of stored answers"]

_HEAD = 4096
_KEYS: dict[bytes, Kind] = {
    b'"drift-calibration"': "calibration",
    b'"drift-memory"': "memory",
    b'"prompts"': "file of stored answers",
    b'"learnedFrom"': "reference profile",
    b'"features"': "reference profile",
}


def kind_of(head: bytes) -> Kind | None:
    """What a file is that begins so; None where nobody knows."""
    start = head[:_HEAD].lstrip()
    if start.startswith(b"PAR1"):
        return "Parquet file"
    if start[:14].lower() == b"<!doctype html":
        return "page"
    if start.startswith(b"{"):
        there = [(start.index(key), kind) for key, kind in _KEYS.items() if key in start]
        return min(there)[1] if there else None  # the first one, for the others may be names of features
    return None


def may_write(target: Path | None, kind: Kind, inputs: Iterable[Path | None] = ()) -> None:
    """Say no where the target is a file that is read or written too, or is there and of another kind; None is none.

    Raises:
        UsageError: no.
    """
    if target is None:
        return
    if any(_same(target, other) for other in inputs if other is not None):
        raise UsageError(f"cannot write {target}: it would replace what is read or written as well; name another file")
    if not target.is_file():
        return
    with target.open("rb") as stream:
        head = stream.read(_HEAD)
    found = kind_of(head)
    if head and found != kind:
        what = f"a {found} and no {kind}" if found else f"there, and no {kind}"
        raise UsageError(f"cannot write {target}: it is {what}; name another file, or remove it first")


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
