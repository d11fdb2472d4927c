"""How the last `failsoft compile` ended, for one that finds everything as it was: what it reads, and what it wrote."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from failsoft.cli.artefacts import MANIFEST, digest, manifest, replace
from failsoft.errors import UsageError
from failsoft.findings import Code, Finding, Place, Severity

if TYPE_CHECKING:
    from failsoft.workspace import Workspace

__all__ = ["OPEN", "Said", "Seal", "code", "seal"]

_MOST_FILES, _MOST_BYTES = 50_000, 256 * 1024 * 1024
"""A folder that holds more is looked through by nobody but those who read it."""

_MOST_NOTES = 8
"""There is one for each folder to write into, and for all that may be asked for besides."""

_PACKAGES = ("pydantic", "PyYAML", "Jinja2", "numpy", "scipy")
"""What has a say in what is found and made, besides our own code."""

type _Files = Mapping[str, tuple[int, int, str]]
"""Size, time of the last change of any kind, and what it links to of each file, by its path in the workspace."""


class Said(NamedTuple):
    """How a run without errors ended.

    Attributes:
        folder: into which it wrote, as it was named.
        what: how many SLOs and alerts there are, in words.
        findings: what it found.
    """

    folder: str
    what: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Seal:
    """A workspace before anything of it is read.

    Attributes:
        root: its folder.
        path: the file in which the end of a run is noted; None where none is.
        asked: what was asked for.
        files: what may be read.
    """

    root: Path = Path()
    path: Path | None = None
    asked: str = ""
    files: _Files = field(default_factory=dict)

    def said(self) -> tuple[Said, int] | None:
        """How the last run ended, and how many files it left, where another one would write and say the same."""
        if self.path is None:
            return None
        try:
            head, _, body = self.path.read_bytes().partition(b"\n")
            noted = json.loads(body) if head.decode() == digest(body) else {}
            folder = Path(noted["folder"]).resolve()
            written = manifest(folder)
            if noted["state"] != self._state(self.files, folder, written) or not _untouched(folder, written):
                return None
            return Said(noted["folder"], noted["what"], tuple(map(_finding, noted["findings"]))), len(written)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, workspace: "Workspace", said: Said, written: Mapping[str, str]) -> None:
        """Note how this run ended, unless what it read was changed meanwhile, or lies elsewhere too.

        Args:
            workspace: what was read.
            said: how it ended.
            written: every file that is there now, with its hash.
        """
        if self.path is None or not _alone(workspace):
            return
        with suppress(OSError, ValueError, UsageError):  # a workspace that cannot be written compiles all the same
            folder = Path(said.folder).resolve()
            state = self._state(self.files, folder, written)
            now = _files(self.root)  # after the last byte was read for the hash: what is as before was so all the time
            if _besides(now, self.root, folder) != _besides(self.files, self.root, folder):
                return
            findings = [asdict(finding) for finding in said.findings]
            body = json.dumps(said._asdict() | {"findings": findings, "state": state, "at": str(folder)})
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace(self.path.parent / ".gitignore", "*\n")
            replace(self.path, f"{digest(body.encode())}\n{body}")
            _tidy(self.path.parent)

    def _state(self, files: _Files, folder: Path, written: Mapping[str, str]) -> str:
        """A hash of the code, of what was asked for, of all that may be read, and of what was written.

        Raises:
            OSError: something cannot be read.
            ValueError: among what was written there is something else, which is looked at too.
        """
        home = self.root.resolve()
        there = {str((home / path).relative_to(folder)) for path in files if (home / path).is_relative_to(folder)}
        if there - {MANIFEST, *written}:
            raise ValueError("something else is there")
        read = sorted(_besides(files, self.root, folder))
        raws = _digests(self.root, read)
        inputs = [(path, files[path][2], raw) for path, raw in zip(read, raws, strict=True)]
        return digest(repr((sys.version, code(), self.asked, inputs, sorted(written.items()))).encode())


OPEN = Seal()
"""Nothing is noted, and nothing was."""


def seal(root: Path, asked: object) -> Seal:
    """What there is to know of a workspace before it is read; `asked` is all that a run depends on besides."""
    try:
        words = repr((asked, Path.cwd().as_posix(), root.resolve().as_posix()))
        path = root / ".failsoft" / "compiled" / f"{digest(words.encode())[:16]}.said.json"
        return Seal(root, path, words, _files(root))
    except (OSError, ValueError):
        return OPEN


def _tidy(folder: Path) -> None:
    """Of the notes only the newest stay, and none of a folder that is gone."""
    notes = sorted(folder.glob("*.said.json"), key=lambda note: note.stat().st_mtime_ns, reverse=True)
    for place, note in enumerate(notes):
        if place >= _MOST_NOTES or not _leads_somewhere(note):
            note.unlink(missing_ok=True)


def _leads_somewhere(note: Path) -> bool:
    try:
        return Path(json.loads(note.read_bytes().partition(b"\n")[2])["at"]).is_dir()
    except (ValueError, KeyError, TypeError):
        return False


def _digests(folder: Path, paths: Iterable[str]) -> list[str]:
    with ThreadPoolExecutor(2) as pool:  # reading and hashing wait for no Python
        return list(pool.map(lambda path: digest((folder / path).read_bytes()), paths))


def _untouched(folder: Path, written: Mapping[str, str]) -> bool:
    return _digests(folder, written) == list(written.values())


@cache
def code() -> str:
    """A hash of failsoft itself, and of what it stands on."""
    package = Path(__file__).parents[1]
    parts = []
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            parts.append(f"{name} {version(name)}")
    for here, folders, names in os.walk(package, followlinks=True):  # the library's folders are links in a checkout
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        parts += (f"{name} {digest((Path(here) / name).read_bytes())}" for name in sorted(names))
    return digest("\n".join(parts).encode())


def _files(root: Path) -> _Files:
    """Every file below a folder but those in hidden folders, which nobody reads.

    Raises:
        OSError: one of its folders cannot be read.
        ValueError: it holds too many of them, or a link to a folder or to nothing.
    """
    found: dict[str, tuple[int, int, str]] = {}
    folders, left = [(os.fspath(root), "")], _MOST_BYTES
    while folders:
        here, above = folders.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith("."):
                        folders.append((entry.path, f"{above}{entry.name}/"))
                    continue
                if not entry.is_file():
                    raise ValueError(f"{entry.path} is no file")
                known, target = entry.stat(), os.path.realpath(entry.path) if entry.is_symlink() else ""
                found[above + entry.name] = (known.st_size, known.st_ctime_ns, target)
                left -= known.st_size
                if left < 0 or len(found) > _MOST_FILES:
                    raise ValueError(f"{root} holds too much")
    return found


def _besides(files: _Files, root: Path, folder: Path) -> _Files:
    """Those that are not in a folder."""
    home = root.resolve()
    if not folder.is_relative_to(home):
        return files
    above = f"{folder.relative_to(home).as_posix()}/"
    return {path: known for path, known in files.items() if not path.startswith(above)}


def _alone(workspace: "Workspace") -> bool:
    """Whether the workspace decides alone: all that is read lies in it, and no time zone is looked up in this machine.

    An Alertmanager configuration of the user's may name a time zone as well.
    """
    hours = [team.spec.hours for team in workspace.teams.values()]
    zones = workspace.exclusions or any(one is not None and one.time_zone != "UTC" for one in hours)
    if zones or workspace.config.alertmanager.base:
        return False
    named = [one.spec.reference for one in workspace.monitors.values()]
    named += [one.spec.answers for one in workspace.probes.values()]
    home = workspace.root.resolve()
    return all(_finds(home, way(home / name)) for name in named for way in (os.path.normpath, os.path.realpath))


def _finds(home: Path, path: str) -> bool:
    """Whether `_files` finds a file, or those of a folder."""
    place = Path(path)
    return place.is_relative_to(home) and not any(part.startswith(".") for part in place.relative_to(home).parts)


def _finding(noted: dict[str, Any]) -> Finding:
    code = noted["code"]
    kind = Code(code["id"], code["name"], code["summary"], Severity(code["severity"]))
    return Finding(kind, noted["message"], Place(**noted["place"]), noted["expected"], noted["hint"])
