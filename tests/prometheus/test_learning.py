"""`failsoft drift learn` of a Prometheus that is none, or whose workspace holds other things that are to be learnt."""

import pytest
from click.testing import CliRunner

from failsoft.cli import root

WORKSPACE = """
kind: Team
metadata: {name: assistants}
spec: {slack: "#assistants", pager: {stdout: {}}, people: [{name: ana, slack: U0ANA}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
---
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, signals: [output-length], reference: output.json, window: 1h}
---
kind: Probe
metadata: {name: golden}
spec:
  model: chat
  endpoint: {url: "http://127.0.0.1:9/v1", model: chat-70b}
  answers: golden.json
  prompts: [{name: capital, ask: "What is the capital of France?"}]
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "failsoft.yaml").write_text(WORKSPACE.lstrip())

    def run(*words):
        *names, last = words
        return CliRunner().invoke(root, [*names, str(tmp_path), *last])

    return run


def test_a_prometheus_that_hangs_is_given_up_soon(run, hostile, took, monkeypatch):
    monkeypatch.setattr("failsoft.server.outside._GREETING_S", 0.5)
    hostile.hang = True
    ran = run("drift", "learn", "output", ["--prometheus", hostile.url])
    assert "did not answer within 0.5 s" in str(ran.exception)
    assert took() < 5
    assert len(hostile.asked) == 1


def test_a_page_of_html_is_asked_once(run, hostile, took):
    hostile.says("<html>Please sign in</html>")
    ran = run("drift", "learn", "output", ["--prometheus", hostile.url])
    assert "is it Prometheus?" in str(ran.exception)
    assert took() < 5


def test_monitor_and_probe_of_a_new_workspace_do_not_wait_for_each_other(run, hostile):
    hostile.says("<html>", "404 Not Found")
    ran = run("drift", "learn", "output", ["--prometheus", hostile.url])
    assert "FS301" not in ran.output
    assert hostile.asked
    ran = run("probe", "learn", "golden", [])
    assert "FS301" not in ran.output
    assert "FS689" in ran.output


def test_a_workspace_with_errors_is_no_verdict(run):
    ran = run("probe", "run", "golden", [])
    assert ran.exit_code == 2
    assert "FS301" in ran.output
