"""Programs built from Go modules, each from a go.mod of ours that pins every version and hash."""

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["GoError", "build", "up_to_date"]

_STAMP = ".built-from"
# Two compilers at a time: the largest packages of Kubernetes take more than 1 GB each.
_PARALLEL = "2"


class GoError(Exception):
    """The programs could not be built; the text says why."""


def up_to_date(module: Path, into: Path, programs: Sequence[str]) -> bool:
    """Whether all of them are in `into`, built from the go.mod and go.sum that stand in `module` now."""
    stamp = into / _STAMP / module.name
    built = stamp.read_text("ascii") if stamp.is_file() else ""
    return built == _fingerprint(module) and all((into / program).is_file() for program in programs)


def build(module: Path, into: Path, programs: Mapping[str, str], *, ldflags: str = "-s -w") -> None:
    """Builds the programs, name to package, into `into`; each appears there whole or not at all.

    Raises:
        GoError: there is no Go, or it failed.
    """
    if shutil.which("go") is None:
        raise GoError("Go is not installed (1.26 or newer is needed): https://go.dev/doc/install")
    into.mkdir(parents=True, exist_ok=True)
    packages = list(programs.values())
    listed = list(_go(module, ["list", "-deps", "-mod=readonly", *packages], f"{module.name}: fetching modules"))
    total = len(listed)
    done: set[str] = set()
    for name, package in programs.items():
        half = into / f".{name}.tmp"
        flags = [
            "-mod=readonly",
            "-buildvcs=false",
            "-trimpath",
            f"-p={_PARALLEL}",
            f"-ldflags={ldflags}",
            "-v",
            "-o",
            str(half.absolute()),
        ]
        for line in _go(module, ["build", *flags, package], f"{module.name}: compiling {name}", total - len(done)):
            done.add(line)
        half.replace(into / name)
        print(f"  built {name} ({(into / name).stat().st_size / 1e6:.0f} MB)", flush=True)
    (into / _STAMP).mkdir(exist_ok=True)
    (into / _STAMP / module.name).write_text(_fingerprint(module), "ascii")


def _go(module: Path, arguments: Sequence[str], doing: str, total: int = 0) -> Iterator[str]:
    """Runs go and gives its output line by line, with a line of progress at times."""
    started = shown = time.monotonic()
    lines: list[str] = []
    every = 1.0 if sys.stdout.isatty() else 20.0
    argv = ["go", *arguments]
    with subprocess.Popen(
        argv, cwd=module, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            lines.append(line.rstrip("\n"))
            if time.monotonic() - shown > every:
                shown = time.monotonic()
                share = f"{len(lines)} of at most {total} packages" if total else f"{len(lines)} so far"
                print(f"  {doing}: {share}, {shown - started:.0f} s", flush=True)
            yield lines[-1]
    if child.returncode:
        raise GoError(f"{' '.join(argv[:2])} failed in {module}:\n" + "\n".join(lines[-20:]))


def _fingerprint(module: Path) -> str:
    return hashlib.sha256((module / "go.mod").read_bytes() + (module / "go.sum").read_bytes()).hexdigest()
