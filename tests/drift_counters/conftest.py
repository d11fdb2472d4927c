"""A workspace with a monitor whose bins are counted, and a promtool that judges what it compiles to."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml

from failsoft.alerts.compile import Compiled
from failsoft.cli.compile import compiled
from failsoft.clients.binaries import run_tool
from failsoft.drift import ReferenceProfile, fit_arrays
from failsoft.drift.alarms import Budget, Cadence, Plan, calibrate
from failsoft.drift.alarms.counted import signals
from failsoft.drift.alarms.keeping import kept
from failsoft.drift.alarms.stored import StoredCalibration

# Beside the documents that every workspace begins with.
MONITOR = """
kind: DriftMonitor
metadata: {name: features}
spec: {model: chat, reference: drift/chat.json, COUNTED, window: 4m, minRows: 100}
---
kind: SLO
metadata: {name: chat-drift}
spec:
  model: chat
  indicator: {drift: {monitor: features, signal: all, statistic: excess, below: 1}}
  objective: 99%
"""


class Place(NamedTuple):
    """A workspace that was written, and what it compiles to."""

    root: Path
    made: Compiled
    findings: tuple[Any, ...]
    out: Path

    @property
    def codes(self):
        return [finding.code.id for finding in self.findings if finding.code.id != "FS426"]


def trained(seed: int = 1, rows: int = 20_000, **more) -> ReferenceProfile:
    dice = np.random.default_rng(seed)
    plans = dice.choice(list("abcdefgh"), rows, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.015, 0.005])
    columns = {
        "age": np.where(dice.random(rows) < 0.02, np.nan, dice.normal(size=rows)),
        "plan": plans.tolist(),
        "flag": dice.random(rows) < 0.1,
        'z"ip\n{a}|.*/': [f"z{index % 200}" for index in range(rows)],
        "gone": [None] * rows,
    }
    return fit_arrays(columns | more, model="chat", revision=f"r{seed}")


@pytest.fixture(scope="session")
def train():
    """Makes a reference profile: `train(seed, rows)`."""
    return trained


@pytest.fixture(scope="session")
def profile():
    return trained()


@pytest.fixture
def workspace(write, put, base, tmp_path):
    """Writes a workspace and compiles it: `workspace(profile, counted="features: [age]")`."""

    def written(
        *profiles: ReferenceProfile,
        counted: str = "{}",
        way: str = "",
        tests: bool = False,
        change: dict[str, str] | None = None,
        alarms: StoredCalibration | None = None,
    ) -> Place:
        text = f"{base}---{MONITOR}"
        for old, new in (change or {}).items():
            assert old in text
            text = text.replace(old, new)
        root, out = tmp_path / "workspace", tmp_path / "out"
        (root / "drift").mkdir(parents=True, exist_ok=True)
        if len(profiles) == 1:
            put({"drift/chat.json": profiles[0].render()}, root)
            if alarms is not None:
                put({"drift/chat.alarms.json": alarms.render()}, root)
        else:
            text = text.replace("drift/chat.json", "drift")
            put({f"drift/{index}.json": profile.render() for index, profile in enumerate(profiles)}, root)
        loaded = write(root, base=text.replace("COUNTED", way or f"counted: {counted}"), faulty=True)
        made, more = compiled(loaded.workspace, tests=tests)
        put(made.files, out)
        return Place(root, made, (*loaded.found, *more), out)

    return written


@pytest.fixture
def promtool_says(promtool):
    """Runs a promtool test file; fails with what promtool says."""

    def run(test: str | dict[str, Any], folder: Path):
        text = test if isinstance(test, str) else yaml.safe_dump(test)
        (folder / "tests").mkdir(exist_ok=True)
        (folder / "tests" / "story.test.yaml").write_text(text)
        done = run_tool([promtool, "test", "rules", "tests/story.test.yaml"], cwd=folder, timeout=100)
        assert done.ok, (done.stdout + done.stderr)[:3000]

    return run


@pytest.fixture
def calibrated(profile):
    """Makes a calibration of the profile whose limits are wider than those of chance: `calibrated(promised=True)`."""

    def make(*, promised: bool, pages: float = 1.0) -> StoredCalibration:
        plan = Plan(Budget(pages, 4.0), Cadence(240_000, 60_000), 400)
        found = kept(calibrate(signals(profile, ()), plan), profile.counts_digest)
        tests = tuple(
            one.model_copy(update={"page": one.page * 2, "ticket": one.ticket * 1.5, "rows": 500})
            for one in found.tests
            if one.feature != "flag"
        )
        doubts = () if promised else ("few windows were held out",)
        return found.model_copy(update={"tests": tests, "promised": promised, "doubts": doubts})

    return make
