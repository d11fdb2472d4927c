"""A workspace with a probe, and an endpoint that it asks."""

import pytest
from click.testing import CliRunner

from failsoft.cli import root
from failsoft.testing import FakeEndpoint
from failsoft.workspace.load import load

CAPITAL, SUM = "What is the capital of France? One word.", "What is 17 + 25? Only the number."

WORKSPACE = """
kind: Team
metadata: {name: assistants}
spec: {slack: "#assistants", pager: {stdout: {}}, people: [{name: ana, slack: U0ANA}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
---
kind: Probe
metadata: {name: golden}
spec:
  model: chat
  endpoint: {url: %s, model: chat-70b, token: {env: CHAT_TOKEN}}
  answers: golden.json
  pause: 1ms
  timeout: 60s
  prompts:
    - {name: capital, ask: "%s"}
    - {name: sum, ask: "%s"}
"""


@pytest.fixture
def endpoint():
    with FakeEndpoint({CAPITAL: ["Paris."], SUM: ["42"]}, token="s3cr3t") as fake:
        yield fake


@pytest.fixture
def folder(tmp_path, endpoint, monkeypatch):
    monkeypatch.setenv("CHAT_TOKEN", "s3cr3t")
    (tmp_path / "failsoft.yaml").write_text(WORKSPACE.lstrip() % (endpoint.api_url, CAPITAL, SUM))
    return tmp_path


@pytest.fixture
def probe(folder):
    def run(verb, *arguments):
        return CliRunner().invoke(root, ["probe", verb, "golden", str(folder), *arguments])

    return run


@pytest.fixture
def loaded(folder):
    def load_now():
        workspace, _ = load(folder)
        return workspace, workspace.probes["golden"]

    return load_now
