"""Other people's programs that we run: where each one is found, how to get it, and one call that runs it to its end."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from failsoft.errors import MissingPartError, UnavailableError

__all__ = ["Completed", "find", "run_tool"]

_PROMETHEUS = ("prometheus", "install Prometheus (Debian: apt-get install prometheus)")
_ALERTMANAGER = ("prometheus", "install Alertmanager (Debian: apt-get install prometheus-alertmanager)")
_KUBERNETES = ("kubernetes", "set KUBEBUILDER_ASSETS to a folder that holds it")
_POSTGRESQL = ("postgresql", "install PostgreSQL (Debian: apt-get install postgresql)")
# For each program: the argument of `tools/parts.py` that brings it into a checkout's cache, and what to do elsewhere.
_SOURCES = {
    "prometheus": _PROMETHEUS,
    "promtool": _PROMETHEUS,
    "alertmanager": _ALERTMANAGER,
    "amtool": _ALERTMANAGER,
    "kube-apiserver": _KUBERNETES,
    "kube-controller-manager": _KUBERNETES,
    "kube-scheduler": _KUBERNETES,
    "etcd": _KUBERNETES,
    "initdb": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "chromium": ("chromium", "install Chromium (Debian: apt-get install chromium)"),
}
# Debian names it after its package.
_OTHER_NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}
_CACHES = ("parts", "kubernetes")


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ran to its end.

    Attributes:
        argv: what was run.
        returncode: its exit status; negative when a signal ended it.
        stdout: what it printed, undecodable bytes replaced.
        stderr: the same for its error output.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether it says that it succeeded."""
        return self.returncode == 0

    def __str__(self) -> str:
        return f"{shlex.join(self.argv)} exited with {self.returncode}"


def find(name: str) -> Path:
    """The program `name`, such as `promtool` or `kube-apiserver`.

    Looked for in the folder that `FAILSOFT_PARTS` names, in the one that `KUBEBUILDER_ASSETS` names (etcd and the
    kube- programs only), in `.cache/` of the checkout around the current folder, and on `PATH`; the first one wins.

    Raises:
        MissingPartError: it is in none of them; the text says how to get it.
    """
    names = _OTHER_NAMES.get(name, (name,))
    for folder in _folders(name, os.environ):
        for candidate in names:
            if os.access(folder / candidate, os.X_OK) and (folder / candidate).is_file():
                return folder / candidate
    for candidate in names:
        if found := shutil.which(candidate):
            return Path(found)
    raise MissingPartError(_advice(name))


def run_tool(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    timeout: float = 60.0,
    stdin: str = "",
    defaults: Mapping[str, str] = MappingProxyType({}),
) -> Completed:
    """Runs a program to its end, without a shell, and hands back what it said, whatever its exit status.

    Args:
        argv: the program and its arguments.
        cwd: the folder it runs in; the current one by default.
        timeout: seconds until it is killed.
        stdin: what it reads.
        defaults: variables of its environment, where ours does not say otherwise.

    Raises:
        MissingPartError: there is no such program, or it does not start here.
        UnavailableError: it did not end within `timeout`.
    """
    words = tuple(str(word) for word in argv)
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**defaults, **os.environ},
            timeout=timeout,
            input=stdin,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{shlex.join(words)} did not end within {timeout:g} s") from error
    except OSError as error:
        raise MissingPartError(f"{words[0]} does not start: {error.strerror}") from error
    return Completed(words, done.returncode, done.stdout, done.stderr)


def _folders(name: str, environment: Mapping[str, str]) -> Iterator[Path]:
    if own := environment.get("FAILSOFT_PARTS"):
        yield Path(own)
    if _SOURCES.get(name) is _KUBERNETES and (assets := environment.get("KUBEBUILDER_ASSETS")):
        yield Path(assets)
    here = Path.cwd()
    for folder in (here, *here.parents):
        caches = [folder / ".cache" / cache for cache in _CACHES]
        if any(cache.is_dir() for cache in caches):
            yield from caches
            return


def _advice(name: str) -> str:
    if name not in _SOURCES:
        return f"{name} is not on PATH"
    part, elsewhere = _SOURCES[name]
    return (
        f"{name} is not installed. In a checkout of failsoft: python3 tools/parts.py {part}. "
        f"Elsewhere: {elsewhere}, or set FAILSOFT_PARTS to the folder that holds it"
    )
