"""Values of a YAML document together with where they stand, and how to find a place in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from failsoft.findings import Place

__all__ = ["Mark", "Node", "SourceFile", "SourceOrigin"]

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")

_NO_KEYS: Mapping[str, tuple[int, int, int, int]] = MappingProxyType({})

type Mark = tuple[int, int, int, int]
"""First line, first column, last line, column after the last character; all from 0, as libyaml counts them."""


@dataclass(slots=True)
class Node:
    """One value.

    Attributes:
        data: plain data: None, bool, int, Decimal, str, list, dict with text keys.
        mark: where it stands.
        children: the nodes of a mapping by key, or of a list.
        keys: where the keys of a mapping stand.
        size: how many nodes it would be with every alias written out.
        depth: how many levels of mappings and lists it holds.
        span: first and last line of the document, where this is its root.
    """

    data: object
    mark: Mark
    children: "dict[str, Node] | list[Node] | None" = None
    keys: Mapping[str, Mark] = _NO_KEYS
    size: int = 1
    depth: int = 0
    span: tuple[int, int] = (0, 0)

    def child(self, step: str | int) -> "Node | None":
        """The node one step down, or None."""
        if isinstance(self.children, dict):
            return self.children.get(str(step))
        if isinstance(self.children, list) and isinstance(step, int) and 0 <= step < len(self.children):
            return self.children[step]
        return None


@dataclass(frozen=True)
class SourceFile:
    """A file that was read.

    Attributes:
        path: as findings show it.
        text: its whole text.
    """

    path: str
    text: str

    @cached_property
    def lines(self) -> Sequence[str]:
        """Its lines, as YAML 1.1 breaks them."""
        plain = self.text.isascii() and "\r" not in self.text
        return self.text.split("\n") if plain else _BREAK.split(self.text)

    def part(self, span: tuple[int, int]) -> str:
        """Its lines from the first to the last one of `span`."""
        first, last = span
        return "\n".join(self.lines[first : last + 1]) + "\n"

    def place(self, mark: Mark) -> Place:
        """A mark as a place that can be shown."""
        line, column, last, end = mark
        if line >= len(self.lines):  # the end of the file, which libyaml counts as a line of its own
            line, column = len(self.lines) - 1, len(self.lines[-1])
        text = self.lines[line]
        length = end - column if last == line else len(text.rstrip()) - column
        return Place(self.path, line + 1, column + 1, max(1, length), text)


@dataclass(frozen=True)
class SourceOrigin:
    """Where one document was read."""

    file: SourceFile
    root: Node

    @property
    def path(self) -> str:
        """The file, as findings show it."""
        return self.file.path

    @property
    def text(self) -> str:
        """The document's own lines."""
        return self.file.part(self.root.span)

    def place(self, *path: str | int, key: bool = False) -> Place:
        """The place of the value at `path`, or of its key; the nearest one that exists."""
        return self.file.place(self.mark(*path, key=key))

    def mark(self, *path: str | int, key: bool = False) -> Mark:
        """The same as a mark."""
        node = self.root
        mark = node.keys.get("kind", node.mark)
        for position, step in enumerate(path):
            mark = node.keys.get(str(step), mark)
            below = node.child(step)
            if below is None:
                return mark
            is_last = position == len(path) - 1
            # A mapping or a list is shown by its key: underlining a whole block helps nobody.
            if not (is_last and key) and (below.children is None or str(step) not in node.keys):
                mark = below.mark
            node = below
        return mark
