"""How long 10,000 latency SLOs take to become rules, beside Sloth from the 1,000 files of ten that they came from.

Ours are converted once, which is not counted: a workspace is what people keep. Both then make rules and nothing else
(`--no-tests`), in turns, so that whatever else the machine does hits both; the ratio is the median of pairs. Time of
processors is measured too: on a busy machine it says more than the clock on the wall. That of the first process is what
passes at least where the second one has a processor of its own.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.rows import Row
from bench.sloth import binary, spec

__all__ = ["EACH", "FAILSOFT", "FILES", "Took", "convert", "run", "took", "write"]

FILES, EACH = 1000, 10
_FEWER = 10
_PAIRS = 3
FAILSOFT = (sys.executable, "-m", "failsoft")
_RUNBOOK = """\
kind: Runbook
metadata: {name: look}
spec:
  answers: {failureModes: [requests-failing]}
  steps: [{page: {}}]
"""


class Took(NamedTuple):
    """What a program took: seconds on the wall, of processors, of processors in its first process, and MiB at most."""

    wall: float
    cpu: float
    first: float
    memory: float


def run() -> list[Row]:
    """Ratios to Sloth, memory, growth, and `failsoft check`."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        return list(_measured(Path(folder)))


def _measured(folder: Path) -> Iterator[Row]:
    sloth = binary()
    write(folder / "sloth", FILES)
    write(folder / "fewer", FILES // _FEWER)
    for name, workspace in (("sloth", "workspace"), ("fewer", "smaller")):
        convert(folder / name, folder / workspace)
    (folder / "rules").mkdir()
    pairs = []
    for index in range(_PAIRS + 1):
        ours = _compile(folder, "workspace", f"out{index}")  # a folder of its own: nothing is kept
        theirs = took(sloth, "generate", "-i", folder / "sloth", "-o", folder / "rules")
        pairs.append((ours, theirs))
        print(f"compile {ours}, Sloth {theirs}", file=sys.stderr, flush=True)
    kept = pairs[1:]
    smaller = [_compile(folder, "smaller", f"small{index}") for index in range(_PAIRS)]
    again = [_compile(folder, "workspace", f"out{_PAIRS}") for _ in range(_PAIRS)]
    changed = [_after_an_edit(folder, index) for index in range(_PAIRS)]
    checks = [took(*FAILSOFT, "check", folder / "workspace") for _ in range(_PAIRS)]
    what = f"{FILES * EACH:,} SLOs to rules"
    yield Row(f"{what}, Sloth", statistics.median(their.wall for _, their in kept), "s")
    yield Row(f"{what}, failsoft", statistics.median(our.wall for our, _ in kept), "s")
    yield Row(f"{what}, failsoft / Sloth, median of pairs", _ratio([(a.wall, b.wall) for a, b in kept]), "", 1)
    yield Row("the same by time of processors", _ratio([(a.cpu, b.cpu) for a, b in kept]), "")
    yield Row(f"{what}, failsoft, first process, of processors", statistics.median(our.first for our, _ in kept), "s")
    yield Row(f"{what}, memory", max(our.memory for our, _ in kept), "MiB", 1024)
    growth = statistics.median(our.cpu for our, _ in kept) / statistics.median(one.cpu for one in smaller)
    yield Row(f"processor time for {_FEWER} times as many SLOs", growth, "times", _FEWER)
    first = statistics.median(our.cpu for our, _ in kept)
    yield Row(f"{what}, failsoft, time of processors", first, "s")
    yield Row("the same again, nothing changed", statistics.median(one.cpu for one in again), "s")
    yield Row(f"the same, one file of {FILES:,} changed", statistics.median(one.cpu for one in changed), "s")
    documents = f"`failsoft check` of {FILES * (EACH + 1):,} documents"
    yield Row(f"{documents}, time of processors", statistics.median(one.cpu for one in checks), "s")
    yield Row(f"{documents}, first process, of processors", statistics.median(one.first for one in checks), "s", 3)
    yield Row(f"{documents}, wall", min(one.wall for one in checks), "s")


def convert(sloth: Path, workspace: Path) -> None:
    """Make a workspace of Sloth's files, with a runbook for all SLOs."""
    took(*FAILSOFT, "convert", sloth, "-o", workspace)
    (workspace / "runbooks").mkdir()
    (workspace / "runbooks" / "look.yaml").write_text(_RUNBOOK, encoding="utf-8")


def write(folder: Path, files: int) -> None:
    """So many files of Sloth, ten latency SLOs in each."""
    folder.mkdir()
    for index in range(files):
        queries = []
        for number in range(EACH):
            chosen = f'job="shop-{index}",route="r{number}"'
            total = f"sum(rate(http_request_duration_seconds_count{{{chosen}}}[{{{{.window}}}}]))"
            good = f'sum(rate(http_request_duration_seconds_bucket{{{chosen},le="0.5"}}[{{{{.window}}}}]))'
            queries.append((f"latency-{number}", f"{total} - {good}", total))
        (folder / f"shop-{index}.yaml").write_text(spec(f"shop-{index}", "99.9", queries), encoding="utf-8")


def _after_an_edit(folder: Path, index: int) -> Took:
    file = folder / "workspace" / "slo" / f"shop-{index}.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("99.9%", "99.8%"), encoding="utf-8")
    return _compile(folder, "workspace", f"out{_PAIRS}")


def _compile(folder: Path, workspace: str, out: str) -> Took:
    return took(*FAILSOFT, "compile", folder / workspace, "-o", folder / out, "--no-tests")


def took(*argv: str | Path) -> Took:
    """What a program took. Raises RuntimeError where it fails."""
    started = time.perf_counter()
    command = [str(word) for word in argv]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - started
    # what it has used itself, without its children, is told until it is waited for
    own = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))} ended with {process.returncode}")
    first = sum(map(int, own)) / os.sysconf("SC_CLK_TCK")
    return Took(wall, used.ru_utime + used.ru_stime, first, used.ru_maxrss / 1024)


def _ratio(pairs: list[tuple[float, float]]) -> float:
    return statistics.median(ours / theirs for ours, theirs in pairs)
