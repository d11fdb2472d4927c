"""How long `failsoft --help` takes, as a whole process."""

import subprocess
import sys
import time

from bench.rows import Row

_RUNS = 15


def run() -> list[Row]:
    """The median of fifteen runs after a first one."""
    argv = [sys.executable, "-m", "failsoft", "--help"]
    times = []
    for _ in range(_RUNS + 1):
        start = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return [Row("`failsoft --help`, median of 15", sorted(times[1:])[_RUNS // 2], "s", 0.15)]
