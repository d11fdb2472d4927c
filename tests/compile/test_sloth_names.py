"""Under Sloth's names and labels too: what its dashboards ask for is there, and the numbers are those of the events."""

import re

import pytest
import yaml

from failsoft.cli.proving import Tools, prove

SLO = """
kind: SLO
metadata: {name: svc01-slo1}
spec:
  model: chat
  indicator: {events: {bad: 'requests_total{job="a", code="500"}', total: 'requests_total{job="a"}'}}
  objective: 99.9%
  MORE
"""
IDENTITY = {"sloth_id": "svc01-slo1", "sloth_service": "svc01", "sloth_slo": "slo1"}
# as Sloth 0.16 writes them, from its own fixture out-base.yaml
WINDOWS = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
META = [
    "slo:objective:ratio",
    "slo:error_budget:ratio",
    "slo:time_period:days",
    "slo:current_burn_rate:ratio",
    "slo:period_burn_rate:ratio",
    "slo:period_error_budget_remaining:ratio",
]
NAMED = "names: sloth\n  sloth: {service: svc01, slo: slo1}"


def recorded(compiled):
    """What is recorded under Sloth's names: the name, its labels, and PromQL."""
    groups = yaml.safe_load(compiled.files["rules/chat.yaml"])["groups"]
    return [rule for group in groups if "/sloth" in group["name"] for rule in group["rules"]]


def test_names_and_labels_are_those_that_sloth_writes(written):
    rules = recorded(written(SLO.replace("MORE", NAMED)).compiled()[0])
    ratios = {rule["record"]: rule["labels"] for rule in rules if "ratio_rate" in rule["record"]}
    assert ratios == {f"slo:sli_error:ratio_rate{window}": IDENTITY | {"sloth_window": window} for window in WINDOWS}
    others = {rule["record"]: rule["labels"] for rule in rules if "ratio_rate" not in rule["record"]}
    assert {name: labels for name, labels in others.items() if name != "sloth_slo_info"} == dict.fromkeys(
        META, IDENTITY
    )
    info = others["sloth_slo_info"]
    assert info.items() >= (IDENTITY | {"sloth_objective": "99.9", "sloth_spec": "prometheus/v1"}).items()
    assert set(info) == {*IDENTITY, "sloth_mode", "sloth_objective", "sloth_spec", "sloth_version"}
    # no float noise: Sloth's own says 0.9990000000000001
    assert {rule["expr"] for rule in rules if rule["expr"].startswith("vector")} >= {"vector(0.999)", "vector(0.001)"}


@pytest.mark.parametrize(("where", "identity"), [("SLO", "chat-svc01-slo1"), ("workspace", "chat-svc01-slo1")])
def test_without_a_name_there_it_is_the_model_and_the_slo(where, identity, written, base):
    output = "  output: {names: sloth}\n---"
    made = written(
        SLO.replace("MORE", "names: sloth" if where == "SLO" else ""),
        base=base if where == "SLO" else base.replace("---", output, 1),
    )
    assert {rule["labels"]["sloth_id"] for rule in recorded(made.compiled()[0])} == {identity}
    assert recorded(written(SLO.replace("MORE", "names: failsoft")).compiled()[0]) == []


@pytest.mark.parametrize(("service", "name"), [("svc01", "slo1"), ("svc01-slo1", "x")])
def test_two_slos_of_one_id_are_refused_for_they_would_be_one_series(service, name, written):
    mine = SLO.replace("MORE", f"names: sloth\n  sloth: {{service: {service}, slo: {name}}}")
    other = SLO.replace("svc01-slo1", "other")
    taken = NAMED if name == "slo1" else "names: sloth\n  sloth: {service: svc01, slo: slo1-x}"
    _, findings = written(mine, other.replace("MORE", taken)).compiled()
    (found,) = [one for one in findings if one.severity == "error"]
    assert found.code.id == "FS418"
    assert "sloth: {service" in found.place.text
    assert re.search(r"the other one is at slo/\d.yaml:2:18", found.hint)
    _, findings = written(mine, other.replace("MORE", "names: failsoft")).compiled()
    assert not [one for one in findings if one.severity == "error"]


def test_a_period_of_weeks_is_spelled_as_sloth_spells_it(written):
    rules = recorded(written(SLO.replace("MORE", f"period: 28d\n  {NAMED}")).compiled()[0])
    assert "slo:sli_error:ratio_rate4w" in {rule["record"] for rule in rules}


def test_the_numbers_are_those_of_the_events_where_sloth_has_an_average_of_ratios(written, judge, base):
    """Half an hour of many requests that fail, after hours of few: Sloth's number is a ninth of the truth."""
    rules = written(SLO.replace("MORE", NAMED)).compiled()[0].files["rules/chat.yaml"]
    naive = """
- name: naive
  rules:
  - record: naive:ratio_rate5m
    expr: sum(rate(requests_total{code="500"}[5m])) / sum(rate(requests_total[5m]))
"""
    series = {
        'requests_total{job="a", code="200"}': "1000+10x1200 13000+500x120",
        'requests_total{job="a", code="500"}': "1000+0x1200 1000+500x120",
    }
    one = '{sloth_id="svc01-slo1", sloth_service="svc01", sloth_slo="slo1"}'
    at = "5h29m"
    checks = {
        # 60,000 of 132,000
        (f"abs(max(slo:sli_error:ratio_rate30d{one}) - 0.45) < bool 0.02", at): 1,
        (f"abs(max(slo:period_burn_rate:ratio{one}) - 450) < bool 20", at): 1,
        (f"abs(max(slo:period_error_budget_remaining:ratio{one}) + 449) < bool 20", at): 1,
        (f"abs(max(slo:current_burn_rate:ratio{one}) - 500) < bool 5", at): 1,
        (f"max(slo:time_period:days{one})", at): 30,
        ("avg_over_time(naive:ratio_rate5m[30d]) < bool 0.06", at): 1,
    }
    done = judge(rules + naive, series, checks, step="1m", every="15s")
    assert done.ok, done.stdout


def test_its_proof_holds(written, base, lab_windows, tmp_path, promtool, amtool):
    text = SLO.replace("MORE", f"period: 30m\n  {NAMED}")
    made = written(text, lab_windows, base=base.replace("15s", "1s")).output(tmp_path, tests=True, of="svc01-slo1")
    assert not [one for one in prove(made, tmp_path, Tools(promtool, amtool)) if one.severity == "error"]
