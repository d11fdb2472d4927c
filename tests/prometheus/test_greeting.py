"""Before long questions a server is greeted: one that is busy is waited for, one that is not there is not."""

import json

import pytest

from failsoft.cli import main
from failsoft.errors import BusyError, TooSlowError, UnavailableError
from failsoft.server.outside import greet_prometheus
from failsoft.workspace.load import load

WORKSPACE = """
kind: Workspace
metadata: {name: test}
spec:
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/failsoft/webhook}}
---
kind: Team
metadata: {name: assistants}
spec: {slack: "#assistants", pager: {stdout: {}}, people: [{name: ana, slack: U0ANA}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
---
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 1d}
"""
MONITOR = """
kind: DriftMonitor
metadata: {name: output}
spec:
  model: chat
  signals: [output-length]
  reference: references
  window: 1h
  revision: {series: {metric: kube_pod_container_info, select: {container: vllm}, label: image_id}}
"""


def vector(*found):
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": [*found]}})


ONE, NONE = vector({"metric": {}, "value": [1, "1"]}), vector()


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "failsoft.yaml").write_text(WORKSPACE.lstrip())
    return tmp_path


@pytest.fixture
def greet(workspace, hostile):
    return lambda url=hostile.url, timeout=5: greet_prometheus(load(workspace)[0], url, timeout=timeout)


@pytest.fixture
def pauses(monkeypatch):
    """The pauses, in seconds; none is waited for."""
    kept = []
    monkeypatch.setattr("failsoft.clients.prometheus.patience.sleep", kept.append)
    return kept


@pytest.mark.parametrize(
    ("body", "status", "length"),
    [
        ("", "503 Service Unavailable", None),
        ('{"status": "error", "errorType": "unavailable", "error": "starting"}', "503 Service Unavailable", None),
        ("<h1>no healthy upstream</h1>", "503 Service Unavailable", None),
        ("", "429 Too Many Requests", None),
        ("<h1>Bad Gateway</h1>", "502 Bad Gateway", None),
        (ONE[:40], "200 OK", len(ONE)),
    ],
)
def test_one_that_is_busy_is_asked_again(greet, hostile, pauses, body, status, length):
    hostile.says(body, status, length=length, once=True)
    hostile.says(ONE)
    greet()
    assert (len(hostile.asked), pauses) == (2, [1.0])


def test_one_that_hangs_up_without_an_answer_is_asked_again(greet, hostile, pauses):
    hostile.first.append(b"")
    hostile.says(ONE)
    greet()
    assert (len(hostile.asked), pauses) == (2, [1.0])


def test_one_that_stays_busy_is_given_up_after_six_tries(greet, hostile, pauses):
    hostile.says("", "503 Service Unavailable", headers=["Retry-After: 3"])
    with pytest.raises(BusyError, match="answered 503"):
        greet()
    assert (len(hostile.asked), pauses) == (6, [3.0, 3.0, 3.0, 4.0, 8.0])


@pytest.mark.parametrize(
    ("body", "status"),
    [("<html>Please sign in</html>", "200 OK"), ("hello", "200 OK"), ("<h1>no such page</h1>", "404 Not Found")],
)
def test_what_is_no_prometheus_is_asked_once(greet, hostile, pauses, body, status):
    hostile.says(body, status)
    with pytest.raises(UnavailableError):
        greet()
    assert (len(hostile.asked), pauses) == (1, [])


def test_one_that_hangs_or_is_not_there_is_asked_once(greet, hostile, pauses):
    hostile.hang = True
    with pytest.raises(TooSlowError):
        greet(timeout=0.3)
    with pytest.raises(UnavailableError, match="refused the connection"):
        greet("http://127.0.0.1:1")
    assert (len(hostile.asked), pauses) == (1, [])


def busy(hostile):
    hostile.says("", "503 Service Unavailable", once=True)


def test_backfill_waits_for_one_that_is_busy(workspace, hostile, pauses, promtool, capsys):
    busy(hostile)
    hostile.says(ONE, once=True)
    hostile.says(NONE, once=True)  # where its head begins: it does not say
    busy(hostile)  # when its rules are evaluated
    hostile.says(NONE)
    with pytest.raises(SystemExit) as ended:
        main(["backfill", str(workspace), "--prometheus", hostile.url, "-o", str(workspace / "blocks")])
    assert (ended.value.code, pauses) == (1, [1.0, 1.0])
    assert "nothing is written" in capsys.readouterr().err


def test_learning_waits_for_one_that_is_busy(workspace, hostile, pauses, capsys):
    (workspace / "monitor.yaml").write_text(MONITOR.lstrip())
    busy(hostile)
    hostile.says(ONE, once=True)
    busy(hostile)  # which revision is served
    hostile.says(NONE)
    with pytest.raises(SystemExit) as ended:
        main(["drift", "learn", "output", str(workspace), "--prometheus", hostile.url])
    assert (ended.value.code, pauses) == (2, [1.0, 1.0])
    assert "no series that names the revision" in capsys.readouterr().err
