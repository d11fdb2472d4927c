"""DriftCounter over processes: workers that are forked with it, workers that make their own, and workers that die."""

import os
import subprocess
import sys

import pytest

WORKERS = """
import os, signal, sys
import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from failsoft.drift import Accumulator, DriftCounter, fit_arrays

dice = np.random.default_rng(7)
profile = fit_arrays({"x": dice.normal(size=2000), "c": dice.choice(["a", "b"], 2000)}, model="chat")
before = DriftCounter(profile)
parts = [{"x": dice.normal(1, 1, 500), "c": dice.choice(["a", "b", "z"], 500).tolist()} for _ in range(4)]

def work(index):
    counter = before if sys.argv[1] == "preloaded" else DriftCounter(profile)
    for start in range(0, 500, 50):
        counter.observe_many({name: column[start : start + 50] for name, column in parts[index].items()})
    counter.observe(x="no number")

children = []
for index in range(4):
    pid = os.fork()
    if not pid:
        work(index)
        os.kill(os.getpid(), signal.SIGKILL) if index == 3 else os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
    mark_process_dead(pid)

window = Accumulator(profile)
for part in parts:
    window.update(part)
registry = CollectorRegistry()
MultiProcessCollector(registry)
at = {"model": "chat", "reference": profile.digest[:12]}

def rows(name, feature, bin_, **more):
    return registry.get_sample_value(name, {**at, "feature": feature, "bin": bin_, **more})

x = [rows("failsoft_drift_bin_rows_total", "x", f"{index:02}") for index in range(10)]
assert x == list(window.distribution("x").counts), x
known = window.counts["c"].known
assert rows("failsoft_drift_bin_rows_total", "c", "new") == window.counts["c"].unseen.rows > 0
assert rows("failsoft_drift_bin_rows_total", "c", "00") == known[profile.features["c"].categories[0]]
holds = profile.features["c"].categories[0]
assert rows("failsoft_drift_reference_rows", "c", "00", holds=holds) == profile.features["c"].counts[0]
info = registry.get_sample_value("failsoft_drift_reference_info", {**at, "revision": "", "sha256": profile.digest})
assert info == 1
assert registry.get_sample_value("failsoft_drift_rows_dropped_total", {**at, "reason": "wrong-type"}) == 4
assert b'pid=' not in generate_latest(registry)
print("all counted")
"""


@pytest.mark.parametrize("loaded", ["preloaded", "after the fork"])
def test_forked_workers_count_together_and_none_is_lost_when_one_is_killed(loaded, tmp_path):
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    argv = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", WORKERS, loaded]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout == "all counted\n", done.stderr


def test_a_serving_process_imports_no_scipy():
    code = "import sys; from failsoft.drift import DriftCounter; assert 'scipy' not in sys.modules; print('none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "none\n", done.stderr
