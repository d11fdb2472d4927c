"""Debian packages unpacked into a folder: no root, no change to the system, no service started."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Debian", "DebianError"]


class DebianError(Exception):
    """The packages could not be had; the text is what apt said."""


class Debian:
    """Debian's (or Ubuntu's) packages, through the system's own apt and its configured mirrors.

    Package lists are the system's where they serve; else our own, fetched into `state`, because a fresh container has
    none and only root may fetch the system's.
    """

    def __init__(self, state: Path) -> None:
        """Keeps package lists in `state`, when the system's do not serve."""
        self._state = state
        self._options: tuple[str, ...] = ("-q", "-o", "APT::Sandbox::User=")

    @staticmethod
    def here() -> bool:
        """Whether this system has apt and dpkg."""
        return all(shutil.which(program) for program in ("apt-get", "dpkg"))

    def unpack(self, packages: Sequence[str], into: Path) -> None:
        """Downloads the packages and unpacks them under `into`, which appears whole or not at all.

        Raises:
            DebianError: apt has no such package, or could not reach its mirrors.
        """
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpacking-") as scratch:
            downloads, tree = Path(scratch, "downloads"), Path(scratch, "tree")
            downloads.mkdir()
            tree.mkdir()
            try:
                self._apt("download", *packages, cwd=downloads)
            except DebianError:
                self._fetch_lists()
                self._apt("download", *packages, cwd=downloads)
            for package in sorted(downloads.glob("*.deb")):
                _run(["dpkg", "-x", str(package), str(tree)])
            tree.chmod(0o755)
            if into.exists():
                shutil.rmtree(into)
            tree.rename(into)

    def dependencies(self, package: str) -> list[str]:
        """What apt would install with `package`, itself included, recommendations left out.

        Raises:
            DebianError: apt has no such package, or could not reach its mirrors.
        """
        plan = ("--simulate", "--no-install-recommends", "install", package)
        try:
            lines = self._apt(*plan)
        except DebianError:
            self._fetch_lists()
            lines = self._apt(*plan)
        return [line.split()[1] for line in lines.splitlines() if line.startswith("Inst ")]

    def install(self, package: str) -> None:
        """Installs a package into the system; needs root.

        Raises:
            DebianError: apt has no such package, or could not reach its mirrors.
        """
        self._apt("update")
        self._apt("install", "--yes", "--no-install-recommends", package)

    def _fetch_lists(self) -> None:
        for folder in ("lists/partial", "archives/partial"):
            (self._state / folder).mkdir(parents=True, exist_ok=True)
        self._options = (
            *("-q", "-o", "APT::Sandbox::User=", "-o", "APT::Update::Post-Invoke="),
            *("-o", f"Dir::State={self._state}", "-o", "Dir::State::status=/var/lib/dpkg/status"),
            *("-o", f"Dir::Cache={self._state}"),
        )
        self._apt("update")

    def _apt(self, *arguments: str, cwd: Path | None = None) -> str:
        return _run(["apt-get", *self._options, *arguments], cwd)


def _run(argv: Sequence[str], cwd: Path | None = None) -> str:
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise DebianError(done.stderr.strip() or f"{argv[0]} exited with {done.returncode}")
    return done.stdout
