"""Documents on their way from another process: without their nodes, which are read again where a place is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from failsoft.findings import Place
from failsoft.workspace.read import read_nodes
from failsoft.workspace.tree import Mark, Node, SourceFile, SourceOrigin

__all__ = ["MovedOrigin", "moved"]

_NAME = ("metadata", "name")


@dataclass(frozen=True)
class MovedOrigin:
    """What a `SourceOrigin` is once it was pickled.

    Nodes are ten times as large as the text that they were read from; nearly all of them are never asked for.

    Attributes:
        file: the whole file.
        span: its first and last line, from 0; no other document of the file begins there.
        name: where the document's name stands, which is asked for each SLO.
    """

    file: SourceFile
    span: tuple[int, int]
    name: Mark

    @property
    def path(self) -> str:
        """The file, as findings show it."""
        return self.file.path

    @property
    def text(self) -> str:
        """The document's own lines."""
        return self.file.part(self.span)

    def place(self, *path: str | int, key: bool = False) -> Place:
        """The place of the value at `path`, or of its key; the nearest one that exists."""
        if path == _NAME and not key:
            return self.file.place(self.name)
        return self._read.place(*path, key=key)

    @property
    def _read(self) -> SourceOrigin:
        return SourceOrigin(self.file, _by_line(self.file)[self.span[0]])


@lru_cache(maxsize=4)
def _by_line(file: SourceFile) -> dict[int, Node]:
    return {node.span[0]: node for node in read_nodes(file)[0]}


def moved(origin: SourceOrigin) -> tuple[Callable[..., Any], tuple[str, str, tuple[int, int], Mark]]:
    """How to pickle an origin, as `copyreg` asks for it."""
    return _arrived, (origin.file.path, origin.file.text, origin.root.span, origin.mark(*_NAME))


def _arrived(path: str, text: str, span: tuple[int, int], name: Mark) -> MovedOrigin:
    return MovedOrigin(_file(path, text), span, name)


@lru_cache(maxsize=4)
def _file(path: str, text: str) -> SourceFile:
    return SourceFile(path, text)
