"""Samples as blocks of a Prometheus database, written by promtool: a new folder that is whole, or none."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from failsoft.clients.binaries import find, run_tool
from failsoft.errors import RefusedError, UsageError
from failsoft.live.past import Past
from failsoft.slo.promql import quoted
from failsoft.slo.records import count_labels

__all__ = ["blocks_in", "check_target", "openmetrics", "write_blocks"]

_LIVE = ("wal", "chunks_head")
_PATIENCE_S = 3600.0


def check_target(folder: Path) -> None:
    """Refuse a folder that is there, or that lies in the data of a Prometheus.

    Raises:
        UsageError: it is one of them.
    """
    if folder.exists():
        raise UsageError(f"{folder} is there already: name a new folder with -o, nothing is overwritten")
    for parent in folder.absolute().parents:
        if any((parent / name).exists() for name in _LIVE):
            raise UsageError(f"{folder} lies in the data of a Prometheus, {parent}: name a folder elsewhere")


def openmetrics(pasts: Sequence[Past]) -> Iterator[str]:
    """The lines of a file with the increments of SLOs: one family after the other, each series in order of time."""
    families: dict[str, list[tuple[Past, Mapping[int, float]]]] = {}
    for past in pasts:
        families.setdefault(past.span.count.bad, []).append((past, past.bad))
        families.setdefault(past.span.count.total, []).append((past, past.total))
    for name, held in families.items():
        yield f"# TYPE {name} gauge\n"
        for past, values in held:
            labels = ",".join(f"{key}={quoted(value)}" for key, value in count_labels(past.span.objective))
            for at in sorted(values):
                yield f"{name}{{{labels}}} {values[at]!r} {at / 1000:.3f}\n"
    yield "# EOF\n"


def write_blocks(pasts: Sequence[Past], folder: Path) -> int:
    """Write the blocks beside the folder and put them in its place at once; how many there are.

    Raises:
        MissingPartError: there is no promtool.
        RefusedError: promtool refuses, and says why.
        UsageError: the folder cannot be written.
    """
    promtool = find("promtool")
    staged = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".new", dir=folder.parent))
        samples = staged / "samples.om"
        with samples.open("w", encoding="utf-8") as stream:
            stream.writelines(openmetrics(pasts))
        made = staged / "blocks"
        argv: list[str | Path] = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", samples, made]
        done = run_tool(argv, timeout=_PATIENCE_S)
        if not done.ok:
            raise RefusedError(f"promtool makes no blocks: {' '.join((done.stderr or done.stdout).split())[:500]}")
        made.rename(folder)
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
    return len(blocks_in(folder))


def blocks_in(folder: Path) -> list[Path]:
    """The blocks in a folder."""
    return sorted(path.parent for path in folder.glob("*/meta.json"))
