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
from failsoft.workspace.load import load

BASE = """
kind: Workspace
metadata: {name: test}
spec:
  prometheus: {url: "http://prometheus:9090", scrapeInterval: 15s}
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/failsoft/webhook}}
---
kind: Team
metadata: {name: assistants}
spec:
  slack: "#assistants"
  pager: {pagerduty: {routingKey: {file: /etc/failsoft/pagerduty}}}
  people: [{name: ana, slack: U0ANA}]
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
---
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
def workspace(tmp_path):
    """Writes a workspace and compiles it: `workspace(profile, counted="features: [age]")`."""

    def write(
        *profiles: ReferenceProfile,
        counted: str = "{}",
        way: str = "",
        tests: bool = False,
        change: dict[str, str] | None = None,
    ) -> Place:
        text = BASE
        for old, new in (change or {}).items():
            assert old in text
            text = text.replace(old, new)
        root, out = tmp_path / "workspace", tmp_path / "out"
        home = root / "drift"
        home.mkdir(parents=True, exist_ok=True)
        if len(profiles) == 1:
            (home / "chat.json").write_text(profiles[0].render())
        else:
            text = text.replace("drift/chat.json", "drift")
            for index, profile in enumerate(profiles):
                (home / f"{index}.json").write_text(profile.render())
        (root / "failsoft.yaml").write_text(text.replace("COUNTED", way or f"counted: {counted}"))
        loaded, found = load(root)
        made, more = compiled(loaded, tests=tests)
        for path, content in made.files.items():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_text(content)
        return Place(root, made, (*found, *more), out)

    return write


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
