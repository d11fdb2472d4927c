"""A workspace with routes, and Alertmanager configurations as people write them."""

import time

import pytest

from failsoft.alerts.routing import read_configuration
from failsoft.workspace.tree import SourceFile

BASE = """
kind: Workspace
metadata: {name: test}
spec:
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/failsoft/webhook}}
SETTINGS
---
kind: Team
metadata: {name: assistants}
spec:
  slack: "#assistants"
  pager: {pagerduty: {routingKey: {file: /etc/failsoft/pagerduty}}}
  people: [{name: ana, slack: U0ANA}]
TEAM
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
---
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""
THEIRS = """
# how we have always done it
global: {resolve_timeout: 5m, smtp_require_tls: no}
templates: ['/etc/alertmanager/*.tmpl']
route:
  receiver: sre
  group_by: [alertname, cluster]
  routes:
    - matchers: [severity="page"]   # everybody hears pages
      receiver: audit
      continue: true
    - match: {team: infra}
      match_re: {severity: page|critical}
      receiver: infra
      routes:
        - {receiver: sre, matchers: ['service!~"db|cache"'], group_wait: 1m}
receivers:
  - name: sre
    slack_configs: [{api_url: 'https://hooks.slack.example/x', channel: '#sre'}]
  - name: audit
    webhook_configs: [{url: 'https://audit.example/secret-token'}]
  - name: infra
inhibit_rules:
  - {source_match: {severity: critical}, target_match: {severity: warning}, equal: [alertname]}
"""


@pytest.fixture
def theirs():
    return THEIRS


@pytest.fixture
def in_tokyo(monkeypatch):
    """This machine's zone is nine hours before UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def workspace(tmp_path):
    """Writes a workspace and hands back its folder: `workspace(settings="  links: {...}", team="  hours: {...}")`."""

    def write(*documents, settings="", team=""):
        root = tmp_path / "workspace"
        (root / "slo").mkdir(parents=True, exist_ok=True)
        text = BASE.replace("SETTINGS\n", f"{settings}\n" if settings else "").replace(
            "TEAM\n", f"{team}\n" if team else ""
        )
        (root / "failsoft.yaml").write_text(text.lstrip())
        for index, document in enumerate(documents):
            (root / "slo" / f"{index}.yaml").write_text(document.lstrip())
        return root

    return write


@pytest.fixture
def configuration():
    """Reads an Alertmanager configuration that has to be good."""

    def read(text):
        made, findings = read_configuration(SourceFile("alertmanager.yaml", text))
        assert made is not None, findings
        return made

    return read
