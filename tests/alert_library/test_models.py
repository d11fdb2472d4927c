"""The Model behind an alert, and with it the team that hears it: the rules are run with series of pods and engines."""

import re

import pytest
import yaml

from failsoft.clients.binaries import run_tool

POD = """
kind: AlertRule
metadata: {name: pod-bad}
spec:
  topic: own
  failureMode: bad
  severity: page
  because: It is bad.
  about: pod
  expr: "bad_pod == 1  # so it is"
  summary: bad
  description: bad
  needs: [{exporter: x, metrics: [bad_pod]}]
  tests: [{name: one, series: {bad_pod: 0x5 1x5}, fires: [{at: 8m}], quiet: [2m]}]
"""
ENGINE = POD.replace("pod-bad", "engine-bad").replace("about: pod", "about: engine").replace("bad_pod", "bad_engine")
WORKLOAD = POD.replace("pod-bad", "work-bad").replace("about: pod", "about: workload").replace("bad_pod", "bad_work")
KNOWN = POD.replace("pod-bad", "model-bad").replace("about: pod", "about: model").replace("bad_pod", "bad_model")
OTHERS = """
kind: Model
metadata: {name: chat-again}
spec: {engine: vllm, select: {job: vllm-chat, model_name: chat-70b}, workload: {deployment: prod/chat}, owner: platform}
---
kind: Model
metadata: {name: stateful}
spec: {engine: vllm, select: {job: "=~x.*", model_name: y}, workload: {deployment: prod/llm-7b}, owner: assistants}
---
kind: Model
metadata: {name: nameless}
spec: {engine: vllm, select: {job: z}, owner: assistants}
"""


@pytest.fixture
def firing(fleet, chat, promtool, tmp_path):
    """The labels of the alerts that fire on these series, as promtool sees them."""

    def ask(*series, documents=(POD, ENGINE, WORKLOAD, KNOWN, OTHERS)):
        made = fleet(chat, *documents).shelf()
        paths = [path for path in ("rules/_alerts.yaml", "rules/_alerts-own.yaml") if path in made.files]
        for path in paths:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(made.files[path])
        check = {"expr": 'ALERTS{alertstate="firing"}', "eval_time": "3m", "exp_samples": [{"labels": "x", "value": 7}]}
        inputs = [{"series": one, "values": "1x9"} for one in series]
        test = {"interval": "1m", "input_series": inputs, "promql_expr_test": [check]}
        (tmp_path / "t.yaml").write_text(yaml.safe_dump({"rule_files": paths, "tests": [test]}))
        said = run_tool([promtool, "test", "rules", "t.yaml"], cwd=tmp_path)
        alerts = re.findall(r'\{(__name__="ALERTS"[^}]*)\}', said.stdout + said.stderr)
        return [dict(re.findall(r'(\w+)="([^"]*)"', alert)) for alert in alerts]

    return ask


@pytest.mark.parametrize("pod", ["chat-6d4b9c8f7c-x2v9z", "chat-7bbdf-zzzzz", "chat-0", "chat-12"])
def test_a_pod_is_known_by_the_workload_of_its_model(firing, pod):
    (alert,) = firing(f'bad_pod{{namespace="prod",pod="{pod}"}}')
    assert (alert["model"], alert["team"], alert["workload"], alert["pod"]) == ("chat", "assistants", "chat", pod)


@pytest.mark.parametrize(
    "labels", ['namespace="dev",pod="chat-0"', 'namespace="prod",pod="chat-big-0"', 'namespace="prod",pod="web"']
)
def test_a_pod_of_no_model_is_the_fleet_owners(firing, labels):
    (alert,) = firing(f"bad_pod{{{labels}}}")
    assert alert["team"] == "platform"
    assert "model" not in alert


def test_an_engine_is_known_by_job_and_model_name(firing):
    (alert,) = firing('bad_engine{job="vllm-chat",namespace="anywhere",instance="a",model_name="chat-70b"}')
    assert (alert["model"], alert["team"], alert["instance"]) == ("chat", "assistants", "a")
    (alert,) = firing('bad_engine{job="vllm-chat",instance="a",model_name="other"}')
    assert alert["team"] == "platform"


def test_a_workload_is_known_by_its_name(firing):
    (alert,) = firing('bad_work{namespace="prod",workload="llm-7b"}')
    assert (alert["model"], alert["team"]) == ("stateful", "assistants")


def test_a_series_of_failsofts_own_names_its_model(firing):
    (alert,) = firing('bad_model{model="stateful",probe="golden"}')
    assert (alert["model"], alert["team"], alert["probe"]) == ("stateful", "assistants", "golden")
    (alert,) = firing('bad_model{model="gone"}')
    assert (alert["model"], alert["team"]) == ("gone", "platform")


def test_two_models_of_one_workload_do_not_break_the_rule(firing):
    pods = [f'bad_pod{{namespace="prod",pod="chat-{number}"}}' for number in range(3)]
    alerts = firing(*pods, 'bad_pod{namespace="other",pod="x-1"}')
    assert sorted(alert["team"] for alert in alerts) == ["assistants", "assistants", "assistants", "platform"]


def test_two_exporters_that_say_the_same_are_two_alerts_only_where_the_author_lets_them(firing):
    twice = [f'bad_pod{{namespace="prod",pod="chat-0",instance="{name}"}}' for name in "ab"]
    assert len(firing(*twice)) == 2
    once = POD.replace("bad_pod == 1", "max by (namespace, pod) (bad_pod) == 1")
    assert len(firing(*twice, documents=(once,))) == 1


def test_without_a_model_that_names_anything_the_expression_stays_as_its_author_wrote_it(fleet):
    made = fleet(ENGINE).shelf()
    assert "rules/_alerts.yaml" not in made.files
    (alert,) = [alert for topic in made.topics for alert in topic.alerts if alert.name == "EngineBad"]
    assert alert.expression == "bad_engine == 1  # so it is"
    assert dict(alert.labels)["team"] == "platform"
