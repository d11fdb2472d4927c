"""How much CPU and memory drift scores take, from Parquet, against a stored reference; beside Evidently where it is.

Each measurement is a process of its own. CPU seconds are those of the work, without imports; memory is the growth of
the process's peak while it works. Evidently gets an environment of its own in `.cache/evidently`, made with pip the
first time (1 GB); where that cannot be had its rows are left out, and that is said. It has both data sets in memory
before the clock runs; ours are read from Parquet within it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from bench.rows import Row

_NUMERIC, _CATEGORICAL = 50, 10
_CHUNK = 100_000
_RUNS = 5
_PINNED = ("evidently==0.7.23", "pandas<3", "pyarrow")
_IMPORT = "import time; w, c = time.perf_counter(), time.process_time(); import {0}; "
_SCORE = """
import json, resource, sys, time
from pathlib import Path
import scipy.special
from failsoft.drift import Accumulator, ReferenceProfile
from failsoft.drift.comparison import compare
from failsoft.drift.data import open_data
from failsoft.drift.judgement import judge
from failsoft.drift.limits import Tolerance
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
import pyarrow.parquet
profile = ReferenceProfile.parse(Path(sys.argv[1]).read_bytes(), "reference")
before, cpu, wall = peak(), time.process_time(), time.perf_counter()
window = Accumulator(profile)
for batch in open_data(Path(sys.argv[2])).batches(list(profile.features)):
    window.update(batch)
judged = judge(compare(window), Tolerance())
assert len(judged) == 60 and all(one.compared.statistics.psi is not None for one in judged)
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall, peak() - before]))
"""
_EVIDENTLY = """
import json, resource, sys, time
import pandas as pd
from evidently import Report
from evidently.metrics import ValueDrift
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
metrics = [ValueDrift(column=name, method=method) for name in before.columns
           for method in (("ks", "psi", "jensenshannon", "wasserstein") if name.startswith("f") else
                          ("chisquare", "psi", "jensenshannon"))]
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
most, cpu, wall = peak(), time.process_time(), time.perf_counter()
Report(metrics).run(now, before)
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall, peak() - most]))
"""


def run() -> list[Row]:
    """100,000, 1,000,000 and 10,000,000 rows of 50 numbers and 10 categories."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        root = Path(folder)
        write_rows(root / "reference.parquet", 100_000, seed=1)
        write_rows(root / "small.parquet", 100_000, seed=2)
        write_rows(root / "large.parquet", 1_000_000, seed=3)
        fitted = [sys.executable, "-m", "failsoft", "drift", "fit", str(root / "reference.parquet")]
        subprocess.run([*fitted, "-o", str(root / "r.json")], check=True, stdout=subprocess.DEVNULL)
        small = _measured(sys.executable, _SCORE, root / "r.json", root / "small.parquet")
        large = _measured(sys.executable, _SCORE, root / "r.json", root / "large.parquet")
        write_rows(root / "huge.parquet", 10_000_000, seed=4, repeat=True)
        huge = _measured(sys.executable, _SCORE, root / "r.json", root / "huge.parquet", runs=1)
        (root / "huge.parquet").unlink()
        size = (root / "r.json").stat().st_size
        rows = [
            Row("drift of 100,000 x (50 numbers + 10 categories), all statistics, CPU", small[0], "s", 1.0),
            Row("the same, wall", small[1], "s"),
            Row("the same, memory beyond the process", small[2], "MB", 100),
            Row("drift of 1,000,000 x (50 + 10), CPU", large[0], "s", 6.0),
            Row(f"the same, wall on {os.cpu_count()} cores", large[1], "s"),
            Row("the same, memory beyond the process", large[2], "MB", 100),
            Row("drift of 10,000,000 x (50 + 10), CPU", huge[0], "s", 60.0),
            Row("the same, CPU for a row over that at 1,000,000 rows", huge[0] / large[0] / 10, "", 1.25),
            Row("the same, memory beyond the process", huge[2], "MB", 100),
            Row("reference profile of the 60 features", size / 1000, "kB", 50 * 60 / 100),
            Row("`import failsoft.drift`, with the accumulator, CPU", _imported(root), "s", 0.25),
        ]
        if evidently := _evidently():
            other = _measured(str(evidently), _EVIDENTLY, root / "reference.parquet", root / "small.parquet", runs=1)
            rows += [
                Row("Evidently 0.7, 100,000 rows in memory, the same statistics, CPU", other[0], "s"),
                Row("the same, wall", other[1], "s"),
                Row("the same, memory beyond the data", other[2], "MB"),
            ]
        return rows


def _evidently() -> Path | None:
    """The interpreter of an environment with Evidently; None, and why on standard error, where it cannot be made."""
    folder = Path(__file__).parents[1] / ".cache" / "evidently"
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    if stamp.is_file() and stamp.read_text() == " ".join(_PINNED):
        return python
    print("  making an environment with Evidently (1 GB) ...", file=sys.stderr, flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *_PINNED]
        subprocess.run(wanted, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"  Evidently is left out: {error}", file=sys.stderr, flush=True)
        return None
    stamp.write_text(" ".join(_PINNED))
    return python


def write_rows(path: Path, rows: int, seed: int, *, repeat: bool = False) -> None:
    """Normal numbers, and categories of 12 values, in row groups of 100,000 rows; the same ones, to repeat."""
    dice = np.random.default_rng(seed)
    writer = table = None
    for start in range(0, rows, _CHUNK):
        if repeat and writer and table is not None:
            writer.write_table(table)
            continue
        size = min(_CHUNK, rows - start)
        columns = {f"f{index}": dice.normal(size=size) for index in range(_NUMERIC)}
        values = pa.array([f"value {index}" for index in range(12)])
        for index in range(_CATEGORICAL):
            codes = pa.array(dice.integers(0, 12, size), pa.int32())
            columns[f"c{index}"] = pa.DictionaryArray.from_arrays(codes, values).cast(pa.string())
        table = pa.table(columns)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def _measured(python: str, code: str, *arguments: Path, runs: int = _RUNS) -> list[float]:
    """CPU seconds, wall seconds and MB: the medians of some runs."""
    found = []
    for _ in range(runs):
        argv = [python, "-c", code, *map(str, arguments)]
        ran = subprocess.run(argv, check=True, capture_output=True, text=True)
        found.append(json.loads(ran.stdout.strip().splitlines()[-1]))
    return [sorted(column)[len(column) // 2] for column in zip(*found, strict=True)]


def _imported(folder: Path) -> float:
    """With byte code, as every installation has it: a first run writes it."""
    code = _IMPORT.format("failsoft.drift.accumulator") + (
        "import sys; assert 'scipy' not in sys.modules; print([time.process_time() - c, time.perf_counter() - w])"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    times = []
    for _ in range(_RUNS + 1):
        ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
        times.append(json.loads(ran.stdout)[0])
    return float(sorted(times[1:])[_RUNS // 2])
