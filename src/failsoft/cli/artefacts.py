"""Writing what was compiled into a folder: each file whole or not at all, and nothing that is not ours touched."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from failsoft.errors import UsageError

__all__ = ["MANIFEST", "write"]

MANIFEST = "failsoft-manifest.json"
"""The list of the files that we wrote, with their hashes."""

_MARK = b"# Written by failsoft compile "


def write(files: Mapping[str, str], folder: Path) -> int:
    """Write `files` (paths relative to `folder`), and remove those of the last time that are no longer made.

    A file that was written by somebody else stays; where it stands in our way, nothing is written at all. One of ours
    that is no longer made but was changed by hand stays too. A file that would not change is left as it is.

    Returns:
        How many files were written or removed.

    Raises:
        UsageError: the folder cannot be written, or a file of somebody else stands in our way.
    """
    contents = {path: text.encode() for path, text in files.items()}
    try:
        return _write(contents, folder)
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _write(contents: Mapping[str, bytes], folder: Path) -> int:
    before = _manifest(folder)
    changed = {path: raw for path, raw in contents.items() if _differs(folder, path, raw, before)}
    for parent in sorted({(folder / path).parent for path in changed} | {folder}):
        parent.mkdir(parents=True, exist_ok=True)
    staged: list[tuple[Path, Path]] = []
    try:
        for path, raw in changed.items():
            staged.append((_stage(folder / path, raw), folder / path))
        for temporary, target in staged:
            temporary.replace(target)
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    stale = [path for path in before if path not in contents and _ours(folder / path, before[path])]
    for path in stale:
        (folder / path).unlink()
    listed = {path: hashlib.sha256(raw).hexdigest() for path, raw in contents.items()}
    if listed != before:
        text = json.dumps({"files": listed}, indent=1, sort_keys=True) + "\n"
        _stage(folder / MANIFEST, text.encode()).replace(folder / MANIFEST)
    return len(changed) + len(stale)


def _stage(target: Path, raw: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=".failsoft-", dir=target.parent)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
        path.chmod(0o644)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _differs(folder: Path, path: str, raw: bytes, before: Mapping[str, str]) -> bool:
    try:
        there = (folder / path).read_bytes()
    except FileNotFoundError:
        return True
    if there == raw:
        return False
    if path not in before and not there.startswith(_MARK):
        raise UsageError(
            f"{folder / path} was not written by failsoft and is not overwritten: "
            "name another folder with -o, or move the file away"
        )
    return True


def _ours(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except FileNotFoundError:
        return False


def _manifest(folder: Path) -> dict[str, str]:
    """The files of the last time. Without a manifest that we can read there are none."""
    try:
        loaded = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    files = loaded.get("files") if isinstance(loaded, dict) else None
    if not isinstance(files, dict):
        return {}
    return {path: digest for path, digest in files.items() if isinstance(digest, str) and _inside(path)}


def _inside(path: str) -> bool:
    # a manifest is a file like any other: one that was tampered with must not lead out of the folder
    return not Path(path).is_absolute() and ".." not in Path(path).parts
