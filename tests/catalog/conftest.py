"""A workspace with a model of some engine, the scrapes of real servers, and the command."""

import shutil
from pathlib import Path

import pytest

from failsoft.cli import main
from failsoft.workspace.load import load, shipped

SCRAPES = Path(__file__).parents[1] / "data" / "scrapes"

BASE = """
kind: Workspace
metadata: {name: test}
spec:
  prometheus: {url: "http://prometheus:9090", scrapeInterval: 1s}
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/failsoft/webhook}}
---
kind: Team
metadata: {name: assistants}
spec:
  slack: "#assistants"
  pager: {pagerduty: {routingKey: {file: /etc/failsoft/pagerduty}}}
  people: [{name: ana, slack: U0ANA}]
---
kind: AlertWindows
metadata: {name: lab}
spec:
  period: 30m
  keepFiringFor: 5s
  tiers:
    - {name: page-fast, severity: page, budget: 20%, short: 5s, long: 60s}
    - {name: ticket, severity: ticket, budget: 25%, short: 30s, long: 5m}
"""


@pytest.fixture(scope="session")
def engines():
    """The engines that ship with failsoft, by name."""
    return shipped().engines


@pytest.fixture
def scrape():
    """The path of a real server's scrape: `scrape("vllm")`."""

    def find(engine: str) -> Path:
        (path,) = SCRAPES.glob(f"{engine}-[0-9]*.prom")
        return path

    return find


@pytest.fixture
def workspace(tmp_path):
    """Writes a workspace: `workspace(engine, {slo: indicator}, *documents)` -> root, workspace, findings."""

    def write(engine, slos, *documents, select="job: j"):
        root = tmp_path / "workspace"
        shutil.rmtree(root, ignore_errors=True)
        (root / "slo").mkdir(parents=True)
        model = (
            f"kind: Model\nmetadata: {{name: m}}\nspec: {{engine: {engine}, select: {{{select}}}, owner: assistants}}"
        )
        (root / "failsoft.yaml").write_text(f"{BASE.lstrip()}---\n{model}\n")
        made = [
            f"kind: SLO\nmetadata: {{name: {name}}}\n"
            f"spec: {{model: m, indicator: {{{indicator}}}, objective: 99%, period: 30m}}"
            for name, indicator in slos.items()
        ]
        for index, document in enumerate([*made, *documents]):
            (root / "slo" / f"{index}.yaml").write_text(document.strip() + "\n")
        return (root, *load(root))

    return write


@pytest.fixture
def run(capsys):
    """Runs `failsoft`: exit code, standard output, standard error."""

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return call
