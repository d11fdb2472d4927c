"""A workspace of a fleet with GPUs, and what becomes of its AlertRules."""

from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from failsoft.alerts import compile_workspace
from failsoft.alerts.library import shelf
from failsoft.workspace.load import load

FLEET = """
kind: Workspace
metadata: {name: fleet}
spec:
  prometheus: {url: "http://prometheus:9090", scrapeInterval: 15s}
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/failsoft/webhook}}
  alerts: {owner: platform}
---
kind: Team
metadata: {name: platform}
spec:
  slack: "#platform"
  pager: {pagerduty: {routingKey: {file: /etc/failsoft/pagerduty-platform}}}
  people: [{name: ana, slack: U0ANA}]
"""

# The model whose pods and series the stories of the library are about.
CHAT = """
kind: Team
metadata: {name: assistants}
spec:
  slack: "#assistants"
  pager: {pagerduty: {routingKey: {file: /etc/failsoft/pagerduty-assistants}}}
  people: [{name: ben, slack: U0BEN}]
---
kind: Model
metadata: {name: chat}
spec:
  engine: vllm
  select: {job: vllm-chat, model_name: chat-70b}
  workload: {deployment: prod/chat}
  owner: assistants
"""

OWN = """
kind: AlertRule
metadata: {name: disk-full}
spec:
  topic: own
  failureMode: disk-full
  severity: ticket
  because: Nothing is lost yet.
  expr: disk_free < 10
  for: 2m
  summary: "{{ $labels.disk }} has {{ $value }} GB left."
  description: Make room.
  needs: [{exporter: node-exporter, metrics: [disk_free]}]
  tests:
    - name: it fills up
      series: {'disk_free{disk="a"}': 50-10x10}
      fires: [{at: 8m, labels: {disk: a}}]
      quiet: [5m]
"""


class Written:
    """A workspace in a folder."""

    def __init__(self, root: Path):
        self.root = root
        self.workspace, self.found = load(root)

    def shelf(self, *, tests=False):
        """What its AlertRules compile to."""
        return shelf(self.workspace, tests=tests)

    def codes(self):
        """The codes of everything that is wrong with it."""
        _, findings = compile_workspace(self.workspace, {}, tests=False)
        return {finding.code.id for finding in (*self.found, *findings)}

    def alerts(self):
        """The alerts by name."""
        return {alert.name: alert for topic in self.shelf().topics for alert in topic.alerts}


@pytest.fixture
def fleet(tmp_path):
    """Writes documents beside those of `FLEET` and loads them: `fleet(CHAT)`."""

    def write(*documents: str, base: str = FLEET) -> Written:
        root = tmp_path / "fleet"
        (root / "alerts").mkdir(parents=True, exist_ok=True)
        (root / "failsoft.yaml").write_text(base.lstrip())
        for index, document in enumerate(documents):
            (root / "alerts" / f"{index}.yaml").write_text(dedent(document).lstrip())
        return Written(root)

    return write


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """A folder with what the fleet compiles to, with or without the Model that the stories are about."""

    @cache
    def write(*, models: bool) -> Path:
        root, out = tmp_path_factory.mktemp("fleet"), tmp_path_factory.mktemp("out")
        (root / "failsoft.yaml").write_text(FLEET.lstrip() + ("---" + CHAT if models else ""))
        for path, text in Written(root).shelf(tests=True).files.items():
            (out / path).parent.mkdir(exist_ok=True)
            (out / path).write_text(text)
        return out

    return write


@pytest.fixture
def base():
    return FLEET


@pytest.fixture
def chat():
    return CHAT


@pytest.fixture
def own():
    return OWN
