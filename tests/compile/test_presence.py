"""Idle, starting, down, scaled to zero and vanished: one state at a time, and a quiet alert is never a blind one."""

import re

import pytest
import yaml

from failsoft.cli.proving import Tools, prove

LIVES = """
kind: Model
metadata: {name: bot}
spec:
  engine: vllm
  select: {job: bot, model_name: bot-7b}
  owner: assistants
  workload: {deployment: prod/bot}
  coldStart: 4m
---
kind: SLO
metadata: {name: bot-ttft}
spec: {model: bot, indicator: {ttft: {below: 500ms}}, objective: 99%}
---
kind: SLO
metadata: {name: bot-availability}
spec: {model: bot, indicator: {availability: {}}, objective: 99%}
"""
MODELS = """
kind: Model
metadata: {name: NAME}
spec: {engine: ENGINE, select: {SELECT}, owner: assistants, MORE}
---
kind: SLO
metadata: {name: NAME-slo}
spec: {model: NAME, indicator: {INDICATOR}, objective: 99%, period: PERIOD}
"""
UP = 'up{job="bot", instance="a"}'
WANTED = 'kube_deployment_spec_replicas{namespace="prod", deployment="bot"}'
POD = 'kube_pod_created{namespace="prod", pod="bot-6d4cf56db6-x8k2p"}'
SLOS = ("bot-ttft", "bot-availability")
STATE = "failsoft:model_state"


def there(values):
    """What is recorded of both SLOs: the objective always, events as the values say."""
    series = {
        f'failsoft:slo_objective:ratio{{slo="{slo}", model="bot", team="assistants"}}': "0.99x200" for slo in SLOS
    }
    events = 'failsoft:slo_events_total:increase{{slo="{}", model="bot", team="assistants", definition="1"}}'
    return series | {events.format(slo): values for slo in SLOS}


LIFE = {
    "it serves": ({UP: "1x60", WANTED: "1x60"} | there("9x60"), {"20m": "serving", "1h": "serving"}),
    "nobody asks it": ({UP: "1x60", WANTED: "1x60"} | there("9x20 0x40"), {"20m": "serving", "40m": "idle"}),
    "it is scaled to zero": (
        {UP: "1x20 stale", WANTED: "1x20 0x39"} | there("9x20 stale"),
        {"20m": "serving", "22m": "scaled-to-zero", "1h": "scaled-to-zero"},
    ),
    "it wakes up": (
        {UP: "_x22 0x2 1x40", WANTED: "0x20 1x39", POD: "_x21 1260x39"},
        {"20m": "scaled-to-zero", "21m": "starting", "24m": "starting", "26m": "idle"},
    ),
    "its only replica dies": ({UP: "1x20 0x39", WANTED: "1x60"} | there("9x20 stale"), {"22m": "down", "1h": "down"}),
    "its pod finds no node, and there is no target": (
        {UP: "1x20 stale", WANTED: "1x60"} | there("9x20 stale"),
        {"22m": "down", "1h": "down"},
    ),
    "nobody sees it and nobody says what is wanted": ({UP: "1x20 stale"}, {"20m": "idle", "22m": "unseen"}),
}


@pytest.fixture
def rules(written, tmp_path):
    """The rules about Models, without what would record the SLOs themselves."""
    return written(LIVES).output(tmp_path).files["rules/_models.yaml"]


@pytest.mark.parametrize("name", LIFE)
def test_a_model_is_in_one_state_at_a_time(name, rules, judge):
    series, states = LIFE[name]
    checks = {}
    for at, state in states.items():
        checks[f'count({STATE}{{model="bot", state="{state}"}})', at] = 1
        checks[f'count({STATE}{{model="bot"}})', at] = 1
    done = judge(rules, series, checks, step="1m")
    assert done.ok, done.stdout


def test_every_slo_is_in_the_state_of_its_model_until_what_it_counts_is_gone(rules, judge):
    """A new version has renamed the histogram, which vLLM exports from its start on; the requests are still counted."""
    ttft = next(name for name in there("") if "increase" in name and "ttft" in name)
    series = {UP: "1x90", WANTED: "1x90"} | there("9x90") | {ttft: "9x30 stale"}
    state = "failsoft:slo_state"
    checks = {
        (f'count({state}{{state="serving"}})', "30m"): 2,
        (f'count({state}{{slo="bot-ttft", state="vanished"}})', "70m"): 1,
        (f'count({state}{{slo="bot-availability", state="serving"}})', "70m"): 1,
        (f"count({state})", "70m"): 2,
        ('count(ALERTS{alertname="FailsoftSLOVanished", alertstate="firing"})', "40m"): None,
        ('count(ALERTS{alertname="FailsoftSLOVanished", slo="bot-ttft", alertstate="firing"})', "70m"): 1,
    }
    done = judge(rules, series, checks, step="1m")
    assert done.ok, done.stdout


def test_a_counter_that_the_first_request_makes_has_not_vanished_after_a_restart(rules, judge):
    """The naive alert, absent(), fires for it: a new pod has no counter of requests until somebody asks."""
    series = {UP: "1x40 0x2 1x90", WANTED: "1x140"} | there("9x40 stale")
    series |= {name: "9x140" for name in series if "increase" in name and "ttft" in name}
    absent = 'absent(failsoft:slo_events_total:increase{slo="bot-availability"})'
    checks = {
        (f"count({absent})", "2h"): 1,
        **{('count(failsoft:slo_state{state="vanished"})', at): None for at in ("45m", "1h", "80m", "2h")},
        ('count(failsoft:slo_state{slo="bot-availability", state="serving"})', "2h"): 1,
    }
    done = judge(rules, series, checks, step="1m")
    assert done.ok, done.stdout


KNOWN = {
    "its job": ("vllm", "job: a, model_name: b", "", "ttft: {below: 500ms}", "30d"),
    "a gateway of many": ("litellm", "job: gateway, model: a", "", "e2e: {below: 5s}", "1d"),
    "only kube-state-metrics": ("litellm", "model: a", "workload: {deployment: prod/a}", "e2e: {below: 5s}", "7d"),
    "a gauge of one's own": ("generic", "job: a", "", "gauge: {metric: eval_score, above: 0.8}", "30d"),
    "counters of one's own": ("generic", "job: a", "coldStart: 45s", "events: {bad: b_total, total: t_total}", "28d"),
    "a rate": ("vllm", "job: a", "workload: {deployment: prod/a}", "throughput: {above: 10/s}", "90d"),
}


WIDE = """
kind: AlertWindows
metadata: {name: wide}
spec: {period: 90d, tiers: [{name: a, severity: page, budget: 5%, short: 30m, long: 6h}]}
"""


def model(name, known):
    text = MODELS.replace("NAME", name)
    for key, value in zip(("ENGINE", "SELECT", "MORE", "INDICATOR", "PERIOD"), known, strict=True):
        text = text.replace(key, value)
    return text


@pytest.mark.parametrize("name", KNOWN)
def test_however_it_is_known_each_state_has_its_own_alert_or_none(name, written, tmp_path, promtool, amtool):
    made = written(model("a", KNOWN[name]), WIDE).output(tmp_path, tests=True, of="_models-a")
    assert prove(made, tmp_path, Tools(promtool, amtool)) == ()
    assert made.units[0].alerts


def test_more_good_events_than_there_are_is_told_though_the_ratio_is_cut_off(
    written, tmp_path, judge, promtool, amtool
):
    """Two counters that are not of the same requests: cut off at 0, the naive ratio is a service without an error."""
    made = written(model("a", ("generic", "job: a", "", "events: {good: good_total, total: all_total}", "30d")))
    proven = made.output(tmp_path, tests=True, of="_models-a")
    assert prove(proven, tmp_path, Tools(promtool, amtool)) == ()
    series = {"all_total": "1000+10x300", "good_total": "1000+13x300", 'up{job="a"}': "1x300"}
    rules = made.compiled()[0].files
    both = rules["rules/a.yaml"] + rules["rules/_models.yaml"].partition("groups:\n")[2]
    checks = {
        ('max(failsoft:slo_error_ratio{slo="a-slo", window="1h"})', "1h"): 0,
        ('abs(max(failsoft:slo_ratio_excess:ratio{slo="a-slo"}) - 0.3) < bool 0.01', "1h"): 1,
        ('count(ALERTS{alertname="FailsoftSLODataQuality", slo="a-slo", alertstate="firing"})', "1h"): 1,
    }
    done = judge(both, series, checks, step="1m", every="15s")
    assert done.ok, done.stdout


def test_models_of_one_job_are_told_apart_by_what_the_engine_exports(written):
    both = [model(one, ("vllm", f"job: v, model_name: {one}", "", "ttft: {below: 500ms}", "30d")) for one in "ab"]
    made, findings = written(*both).compiled()
    text = made.files["rules/_models.yaml"]
    assert 'vllm:num_requests_running{job="v", model_name="a"}' in text
    assert "up{" not in text
    assert not [one for one in findings if one.code.id == "FS417"]


def test_a_selector_with_a_name_that_no_label_has_is_told_and_nothing_breaks(written):
    made, findings = written(
        model("a", ("generic", '"m:odel": a', "", "gauge: {metric: score, above: 0}", "30d"))
    ).compiled()
    assert [finding.code.id for finding in findings if finding.severity == "error"] == ["FS404"]
    assert "rules/_models.yaml" not in made.files


def test_where_nothing_tells_a_finding_says_so_and_nobody_is_woken(written):
    made, findings = written(model("a", ("litellm", "model: a", "", "e2e: {below: 5s}", "30d"))).compiled()
    (finding,) = [one for one in findings if one.code.id == "FS417"]
    assert finding.message == "nothing tells whether a is up: of the labels of its targets its selector names none"
    assert "rules/_models.yaml" not in made.files


def test_nobody_hears_of_one_thing_twice(written):
    made, _ = written(LIVES).compiled()
    rules = yaml.safe_load(made.files["alertmanager.yaml"])["inhibit_rules"]
    silenced = {one["source_matchers"][0]: one["target_matchers"] for one in rules if one["equal"] == ["model"]}
    assert silenced['alertname="FailsoftModelDown"'] == ['alert_rule=~"engine-target-down|cold-start-too-long"']
    assert silenced['alertname="FailsoftSLOVanished"'] == ['alert_rule=~"engine-metrics-vanished"']


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('state="down"}', 'state=~"down|starting"}'),
        ("for: 4m", "for: 1m"),
        ("== bool 0) == 1", "== bool 7) == 1"),
        (" >= 30 and up", " >= 0 and up"),
    ],
)
def test_wrong_rules_do_not_pass_their_stories(right, wrong, written, tmp_path, promtool, amtool):
    made = written(LIVES).output(tmp_path, tests=True, of="_models-bot")
    path = tmp_path / "rules" / "_models.yaml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    assert "FS443" in {one.code.id for one in prove(made, tmp_path, Tools(promtool, amtool))}


def test_one_ruler_for_several_clusters_asks_for_its_own(written):
    """Naively kube-state-metrics of all clusters answers: the Deployment of another one is not ours."""
    known = ("vllm", "job: a, cluster: eu", "workload: {deployment: prod/a}", "ttft: {below: 500ms}", "30d")
    rules = yaml.safe_load(written(model("a", known)).compiled()[0].files["rules/_models.yaml"])
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    both = re.findall(r"(?:kube_[a-z_]+|up)\{([^}]*)\}", "\n".join(asked).replace("{5}", ""))
    assert len(both) > 6
    assert all('cluster="eu"' in one for one in both)
