"""The stories of the shipped alerts: each fires on its own failure, and the others of its topic are quiet then."""

import pytest
import yaml

from failsoft.alerts.library import alert_name
from failsoft.clients.binaries import run_tool
from failsoft.workspace.load import shipped

TOPICS = sorted(
    {
        f"_alerts-{rule.spec.topic}" + ("" if str(rule.spec.every) == "1m" else f"-{rule.spec.every}")
        for rule in shipped().alert_rules.values()
    }
)

# Told with a Model in the workspace too: one topic for each way in which the Model behind an alert is found.
JOINED = {"_alerts-engines", "_alerts-gpu-pods", "_alerts-scaling"}

# Story of the first, in which the second fires too, and rightly so.
TOGETHER = {"GpuFellOffBus": ("GpuXidRecoveryAction",)}


@pytest.mark.parametrize("topic", TOPICS)
def test_every_story_holds_and_nothing_else_fires_in_it(topic, compiled, promtool):
    """On the oldest promtool; the join that finds the Model behind an alert changes nothing of it."""
    root = compiled(models=topic in JOINED)
    path = root / "tests" / f"{topic}.test.yaml"
    tests = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    for test in tests["tests"]:
        alert = test["name"].partition(":")[0]
        allowed = "|".join(sorted({alert, *TOGETHER.get(alert, ())}))
        others = f'count by (alertname) (ALERTS{{alertstate="firing", alertname!~"{allowed}"}})'
        moments = {check["eval_time"] for check in test["promql_expr_test"] if check["exp_samples"]}
        test["promql_expr_test"] += [{"expr": others, "eval_time": at, "exp_samples": []} for at in sorted(moments)]
    stricter = path.with_suffix(".alone.yaml")
    stricter.write_text(yaml.dump(tests, Dumper=yaml.CSafeDumper, width=10_000))
    done = run_tool([promtool, "test", "rules", stricter], cwd=root, timeout=110)
    assert done.ok, done.stdout + done.stderr


@pytest.mark.newest_prometheus
def test_the_newest_promtool_takes_every_rule(compiled, newest_promtool):
    root = compiled(models=False)
    rules = sorted(root.glob("rules/*.yaml"))
    assert len(rules) == len(TOPICS)
    done = run_tool([newest_promtool, "check", "rules", *rules])
    assert done.ok, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.newest_prometheus
@pytest.mark.parametrize("topic", TOPICS)
def test_every_story_holds_on_the_newest_promtool(topic, compiled, newest_promtool):
    root = compiled(models=False)
    done = run_tool([newest_promtool, "test", "rules", f"tests/{topic}.test.yaml"], cwd=root, timeout=110)
    assert done.ok, done.stdout + done.stderr


def test_no_two_alerts_of_a_topic_are_said_to_fire_together_without_a_reason():
    topics = {alert_name(rule.name): rule.spec.topic for rule in shipped().alert_rules.values()}
    for alert, others in TOGETHER.items():
        assert {topics[other] for other in others} == {topics[alert]}


def test_a_story_that_does_not_hold_fails(fleet, own, promtool, tmp_path):
    wrong = own.replace("at: 8m", "at: 4m").replace("quiet: [5m]", "quiet: [9m]")
    for path, text in fleet(wrong).shelf(tests=True).files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    done = run_tool([promtool, "test", "rules", "tests/_alerts-own.test.yaml"], cwd=tmp_path)
    assert not done.ok
    assert "time: 4m" in done.stdout + done.stderr
    assert "time: 9m" in done.stdout + done.stderr
