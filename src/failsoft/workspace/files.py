"""Which files belong to a workspace, in which order, and which of those that seem to belong are not read."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from failsoft.findings import Finding, Place
from failsoft.workspace import codes
from failsoft.workspace.kinds import SPECS

__all__ = ["FOLDERS", "own_files", "shipped_files", "unread"]

FOLDERS = ("models", "teams", "slo", "alerts", "drift", "chaos", "runbooks")
"""The folders of a workspace; files of the workspace's root are read too."""

_SUFFIXES = frozenset({".yaml", ".yml"})
_DEEPEST = 3
_LOOKED_AT = 64 * 1024
_SEPARATOR = re.compile(r"^---", re.MULTILINE)
_KIND = re.compile(rf"^kind:[ \t]*[\"']?(?:{'|'.join(SPECS)})[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)
_FOREIGN = re.compile(r"^apiVersion:[ \t]*[\"']?(?!failsoft\.dev/)\S", re.MULTILINE)


def shipped_files(library: Path) -> Iterator[Path]:
    """The YAML files of the library, whose folders are links on purpose while running from a checkout."""
    return (path for path in _candidates(library) if path.is_file())


def own_files(root: Path) -> Iterator[Path]:
    """The YAML files of a workspace, in sorted order; hidden ones and links that lead out of it are left out."""
    inside = _Inside(root)
    return (path for path in _candidates(root) if path.is_file() and inside.holds(path))


def unread(root: Path) -> Iterator[Finding]:
    """What looks like a part of the workspace and is not read: links, pipes, and documents in other folders."""
    inside = _Inside(root)
    for path in _candidates(root):
        if path.is_file() and inside.holds(path):
            continue
        shown = Place(path.relative_to(root).as_posix())
        if path.is_symlink() and not path.exists():
            yield Finding(codes.UNREADABLE, f"it is a link to {os.readlink(path)}, which is not there", shown, "a file")  # noqa: PTH115  # as it is written
        elif path.is_file():
            yield Finding(codes.NOT_READ, "this link leads out of the workspace and is not read", shown, "a file of it")
        elif not path.is_dir():
            yield Finding(codes.UNREADABLE, "it is no regular file", shown, "a file")
    for folder in FOLDERS:
        linked = (path for path in (root / folder).rglob("*") if path.is_symlink() and path.is_dir())
        for path in sorted(linked) if (root / folder).is_dir() else ():
            shown = Place(path.relative_to(root).as_posix())
            yield Finding(codes.NOT_READ, "links to folders are not followed", shown, "a folder, or links to files")
    for path in sorted(_elsewhere(root)):
        hint = "move it into one of " + ", ".join(FOLDERS) + ", or beside failsoft.yaml"
        message = "this file holds a document of failsoft and is not read"
        yield Finding(codes.NOT_READ, message, Place(path.relative_to(root).as_posix()), "a folder that is read", hint)


class _Inside:
    """Whether files lie in a folder, links followed; each folder on the way is looked at once."""

    def __init__(self, root: Path) -> None:
        self._home = root.resolve()
        self._folders: dict[Path, bool] = {}

    def holds(self, path: Path) -> bool:
        """Whether a file does."""
        if path.is_symlink():
            return path.resolve().is_relative_to(self._home)
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = folder.resolve().is_relative_to(self._home)
        return self._folders[folder]


def _candidates(root: Path) -> Iterator[Path]:
    deep = [path for folder in FOLDERS if (root / folder).is_dir() for path in (root / folder).rglob("*")]
    above = len(root.parts)
    yaml = [path for path in (*root.iterdir(), *deep) if path.suffix in _SUFFIXES]
    return (path for path in sorted(yaml) if not any(part.startswith(".") for part in path.parts[above:]))


def _elsewhere(root: Path) -> Iterator[Path]:
    """Files with a document of ours in folders that are not read, those of other workspaces left out."""
    for here, folders, names in os.walk(root):
        folder = Path(here)
        depth = len(folder.relative_to(root).parts)
        other = depth > 0 and "failsoft.yaml" in names
        left_out = FOLDERS if depth == 0 else ()
        stop = other or depth == _DEEPEST
        folders[:] = [name for name in folders if not (stop or name in left_out or name.startswith("."))]
        if depth and not other:
            yield from (folder / name for name in names if Path(name).suffix in _SUFFIXES and _is_ours(folder / name))


def _is_ours(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(_LOOKED_AT)
    except OSError:
        return False
    return any(_KIND.search(part) and not _FOREIGN.search(part) for part in _SEPARATOR.split(text))
