"""A small workspace written as people write it, and what becomes of it."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from failsoft.alerts import compile_workspace
from failsoft.clients.binaries import run_tool
from failsoft.slo import resolve
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
"""

TTFT = """
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""

DRIFT = """
kind: DriftMonitor
metadata: {name: chat-output}
spec: {model: chat, reference: reference.json, signals: [output-length]}
---
kind: SLO
metadata: {name: chat-drift}
spec:
  model: chat
  indicator: {drift: {monitor: chat-output, signal: output-length, below: 0.25}}
  objective: 99%
"""

# What a lab has: a short period, scrapes of a second, windows of seconds.
LAB_WINDOWS = """
kind: AlertWindows
metadata: {name: lab}
spec:
  period: 30m
  keepFiringFor: 5s
  tiers:
    - {name: page-fast, severity: page, budget: 20%, short: 5s, long: 60s}
    - {name: ticket, severity: ticket, budget: 25%, short: 30s, long: 5m}
"""


class Written:
    """A workspace in a folder."""

    def __init__(self, root: Path):
        self.root = root
        self.workspace, self.found = load(root)

    def resolve(self, name):
        """The objective of an SLO, and the findings about it."""
        return resolve(self.workspace, self.workspace.slos[name])

    def compiled(self, *, tests=False, runbooks=None):
        """What the workspace compiles to, and the findings."""
        return compile_workspace(self.workspace, runbooks or {}, tests=tests)

    def output(self, folder: Path, *, tests=False):
        """Write what the workspace compiles to, and hand it back."""
        made, _ = self.compiled(tests=tests)
        for path, text in made.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return made


@pytest.fixture
def written(tmp_path):
    """Writes documents beside those of `BASE` and loads them all: `written(TTFT)`."""

    def write(*documents: str, base: str = BASE) -> Written:
        root = tmp_path / "workspace"
        root.mkdir(exist_ok=True)
        (root / "reference.json").write_text("{}")
        (root / "failsoft.yaml").write_text(base.lstrip())
        for index, document in enumerate(documents):
            (root / "slo").mkdir(exist_ok=True)
            (root / "slo" / f"{index}.yaml").write_text(dedent(document).lstrip())
        made = Written(root)
        assert not [finding for finding in made.found if finding.severity == "error"], made.found
        return made

    return write


@pytest.fixture
def base():
    """The documents of every workspace here."""
    return BASE


@pytest.fixture
def drift():
    """A drift monitor with an SLO."""
    return DRIFT


@pytest.fixture
def lab_windows():
    return LAB_WINDOWS


@pytest.fixture
def slo(written):
    """Writes one SLO called `s` and hands back its objective and the findings: `slo("ttft: {below: 1s}", "99%")`."""

    def make(indicator="ttft: {below: 500ms}", objective="99%", more="", *documents: str, base: str = BASE):
        spec = f"model: chat, indicator: {{{indicator}}}, objective: {objective}" + (f", {more}" if more else "")
        return written(f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}", *documents, base=base).resolve("s")

    return make


@pytest.fixture
def judge(promtool, tmp_path):
    """Runs a promtool test over rules: `judge(rules, series, checks)`; returns promtool's exit code and words."""

    def run(rules: str, series: dict[str, str], checks: dict[tuple[str, str], float | None], *, step="5m", every="1m"):
        (tmp_path / "judged.yaml").write_text(rules)
        expected = [
            {
                "expr": expression,
                "eval_time": at,
                "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
            }
            for (expression, at), value in checks.items()
        ]
        test = {
            "rule_files": ["judged.yaml"],
            "evaluation_interval": step,
            "tests": [
                {
                    "interval": every,
                    "input_series": [{"series": name, "values": values} for name, values in series.items()],
                    "promql_expr_test": expected,
                }
            ],
        }
        (tmp_path / "judged.test.yaml").write_text(yaml.safe_dump(test))
        return run_tool([promtool, "test", "rules", "judged.test.yaml"], cwd=tmp_path)

    return run
