"""How much CPU `DriftCounter` takes for each value, in the process that serves the model."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.rows import Row

_COUNT = """
import json, sys, time
import numpy as np
from prometheus_client import CollectorRegistry
from failsoft.drift import DriftCounter, fit_arrays

dice = np.random.default_rng(1)
rows, numbers, categories = int(sys.argv[1]), 50, 10
data = {f"f{i}": dice.normal(size=20_000) for i in range(numbers)}
data |= {f"c{i}": dice.choice([f"value {k}" for k in range(12)], 20_000).tolist() for i in range(categories)}
counter = DriftCounter(fit_arrays(data, model="bench"), registry=CollectorRegistry())
batch = {name: column[:rows] for name, column in data.items()}
row = {name: float(column[0]) if name[0] == "f" else column[0] for name, column in data.items()}
give = (lambda: counter.observe(row)) if rows == 1 else (lambda: counter.observe_many(batch))
times = max(5, 20_000 // rows // 20)
give()
start = time.process_time()
for _ in range(times):
    give()
print(json.dumps((time.process_time() - start) / (times * rows * len(data)) * 1e6))
"""


def run() -> list[Row]:
    """One row at a time, and batches of 8, 32 and 1,000 rows, of 50 numbers and 10 categories."""
    found = []
    for rows in (1, 8, 32, 1_000):
        what = "one row at a time" if rows == 1 else f"batches of {rows:,} rows"
        found.append(Row(f"`DriftCounter`, {what}, CPU for each value", _measured(rows), "us", 2.0))
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        shared = _measured(32, PROMETHEUS_MULTIPROC_DIR=folder)
    found.append(Row("the same, batches of 32 rows, counted by several processes", shared, "us", 2.0))
    return found


def _measured(rows: int, **environment: str) -> float:
    """The median of five processes."""
    times = []
    for _ in range(5):
        argv = [sys.executable, "-c", _COUNT, str(rows)]
        home = Path(__file__).parents[1]
        env = os.environ | environment
        ran = subprocess.run(argv, check=True, capture_output=True, text=True, env=env, cwd=home)
        times.append(float(json.loads(ran.stdout)))
    return sorted(times)[2]
