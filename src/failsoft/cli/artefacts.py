"""Writing what was compiled into a folder: each file whole or not at all, and nothing that is not ours touched."""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from failsoft.errors import UsageError

__all__ = ["MANIFEST", "Changes", "digest", "inside", "manifest", "replace", "stale", "write"]

MANIFEST = "failsoft-manifest.json"
"""The list of the files that we wrote, with their hashes."""

_MARKS = (b"# Written by failsoft compile ", b'{\n "uid": "failsoft-')
"""How our files begin; JSON, which dashboards are, has no comments."""

_STAGED = ".failsoft-"


class Changes(NamedTuple):
    """How many files were written, how many were removed, and all that are there now, with the SHA-256 of each."""

    written: int
    removed: int
    listed: Mapping[str, str]


def write(files: Mapping[str, str], folder: Path, kept: Mapping[str, str] = MappingProxyType({})) -> Changes:
    """Write `files` (paths relative to `folder`), and remove those of the last time that are no longer made.

    A file that was written by somebody else stays; where it stands in our way, nothing is written at all. One of ours
    that is no longer made but was changed by hand stays too. A file that would not change is left as it is.

    The new files are all on the disk before the first one takes its place, so what can fail has failed by then. No file
    system replaces several files at once: who reads in between may see some of them new and some old, each one whole.

    Args:
        files: the text of each.
        folder: the folder.
        kept: files that are there already as they have to be, with the SHA-256 of each.

    Raises:
        UsageError: the folder cannot be written, or a file of somebody else stands in our way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            return _write(files, folder, kept)
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def replace(path: Path, text: str) -> None:
    """Write one file that somebody asked for by name: whole, or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        _stage(path, text).replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def stale(files: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What `write` would change, and in which way: `is missing`, `is out of date` or `is no longer made`.

    Nothing is written.

    Raises:
        UsageError: the folder cannot be read, or a file of somebody else stands in our way.
    """
    try:
        before = manifest(folder)
        found = {}
        for path, text in files.items():
            if _differs(folder, path, text, before):
                found[path] = "is out of date" if (folder / path).exists() else "is missing"
        gone = [path for path in before if path not in files and _ours(folder / path, before[path])]
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be read: {error.strerror}") from error
    return dict(sorted((found | dict.fromkeys(gone, "is no longer made")).items()))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else of us writes into the folder meanwhile; what a killed one left half-written goes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in (*folder.glob(f"{_STAGED}*"), *folder.glob(f"*/{_STAGED}*")):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def _write(files: Mapping[str, str], folder: Path, kept: Mapping[str, str]) -> Changes:
    before = manifest(folder)
    changed = [path for path, text in files.items() if _differs(folder, path, text, before)]
    for parent in sorted({(folder / path).parent for path in changed}):
        parent.mkdir(parents=True, exist_ok=True)
    # writing and hashing wait for the system and for no Python, so two threads do them side by side
    with ThreadPoolExecutor(2) as pool:
        staged = {path: pool.submit(_stage, folder / path, files[path]) for path in changed}
        hashed = pool.map(lambda text: digest(text.encode()), files.values())
        listed = {**kept, **dict(zip(files, hashed, strict=True))}
    try:
        for path, temporary in [(path, one.result()) for path, one in staged.items()]:
            temporary.replace(folder / path)
    finally:
        for one in staged.values():
            if one.exception() is None:
                one.result().unlink(missing_ok=True)
    gone = [path for path in before if path not in listed and _ours(folder / path, before[path])]
    for path in gone:
        (folder / path).unlink()
    for parent in sorted({(folder / path).parent for path in gone} - {folder}, reverse=True):
        if not any(parent.iterdir()):
            parent.rmdir()
    if listed != before:
        text = json.dumps({"files": listed}, indent=1, sort_keys=True) + "\n"
        _stage(folder / MANIFEST, text).replace(folder / MANIFEST)
    return Changes(len(changed), len(gone), listed)


def digest(raw: bytes) -> str:
    """The SHA-256, in hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()


def _stage(target: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix=_STAGED, dir=target.parent)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
        path.chmod(0o644)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _differs(folder: Path, path: str, text: str, before: Mapping[str, str]) -> bool:
    try:
        there = (folder / path).read_bytes()
    except FileNotFoundError:
        return True
    if there == text.encode():
        return False
    if path not in before and not there.startswith(_MARKS):
        raise UsageError(
            f"{folder / path} was not written by failsoft and is not overwritten: "
            "name another folder with -o, or move the file away"
        )
    return True


def _ours(path: Path, known: str) -> bool:
    try:
        return digest(path.read_bytes()) == known
    except FileNotFoundError:
        return False


def manifest(folder: Path) -> dict[str, str]:
    """The files of the last time. Without a manifest that we can read there are none."""
    try:
        loaded = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    files = loaded.get("files") if isinstance(loaded, dict) else None
    if not isinstance(files, dict):
        return {}
    return {path: known for path, known in files.items() if isinstance(known, str) and inside(path)}


def inside(path: str) -> bool:
    """Whether a path of a manifest lies in its folder."""
    # a manifest is a file like any other: one that was tampered with must not lead out of the folder
    return not Path(path).is_absolute() and ".." not in Path(path).parts
