"""What an AlertRule becomes: a rule that says what an on-call person needs, whatever its author wrote."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from failsoft.alerts.library import alert_name
from failsoft.alerts.rules import MAX_RULES, Alert, Group, rule_file

RUNBOOK = """
kind: Runbook
metadata: {name: make-room}
spec: {answers: {failureModes: [disk-full]}, steps: [{page: {}}]}
"""


def rules_of(made):
    """All rules of all files, by their alertname."""
    files = [yaml.safe_load(text) for path, text in made.files.items() if path.startswith("rules/")]
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule for rule in rules if "alert" in rule}


def test_labels_and_annotations_are_those_that_every_alert_of_failsoft_has(fleet, own):
    rule = rules_of(fleet(own).shelf())["DiskFull"]
    assert rule["labels"] == {
        "severity": "ticket",
        "team": "platform",
        "failure_mode": "disk-full",
        "alert_rule": "disk-full",
    }
    assert rule["for"] == "2m"
    assert rule["annotations"] == {
        "summary": "{{ $labels.disk }} has {{ $value }} GB left.",
        "description": "Make room.",
        "because": "Nothing is lost yet.",
        "runbook": "disk-full",
        "dashboard": "http://prometheus:9090/graph?g0.expr=disk_free%20%3C%2010&g0.tab=0&g0.range_input=6h",
    }


def test_every_shipped_alert_leads_somewhere(fleet):
    for rule in rules_of(fleet().shelf()).values():
        assert set(rule["annotations"]) >= {"summary", "description", "because", "runbook", "dashboard"}
        assert all(rule["annotations"].values())


def test_the_runbook_that_answers_is_named_with_its_address(fleet, base, own):
    linked = base.replace("  alerts:", "  links: {runbook: 'https://git/{runbook}.yaml'}\n  alerts:")
    rule = rules_of(fleet(own, RUNBOOK, base=linked).shelf())["DiskFull"]
    assert rule["annotations"]["runbook"] == "make-room"
    assert rule["annotations"]["runbook_url"] == "https://git/make-room.yaml"
    direct = own.replace("  needs:", "  runbook: https://wiki/{{disk}}\n  needs:")
    rule = rules_of(fleet(direct, base=linked).shelf())["DiskFull"]
    assert rule["annotations"]["runbook_url"] == 'https://wiki/{{"{{"}}disk}}'


def test_the_dashboard_of_the_fleet_is_filled_in(fleet, base, own):
    board = base.replace("{owner: platform}", "{owner: platform, dashboard: 'https://g/d/{topic}?alert={alert}'}")
    rule = rules_of(fleet(own, base=board).shelf())["DiskFull"]
    assert rule["annotations"]["dashboard"] == "https://g/d/own?alert=disk-full"


def test_the_same_workspace_gives_the_same_bytes(fleet, chat):
    first, second = (fleet(chat).shelf(tests=True).files for _ in range(2))
    assert first == second


def test_no_group_is_too_large_for_a_hosted_ruler(fleet):
    for path, text in fleet().shelf().files.items():
        groups = yaml.safe_load(text)["groups"]
        assert all(len(group["rules"]) <= MAX_RULES for group in groups), path


def test_what_is_in_no_hurry_is_evaluated_less_often_in_a_file_of_its_own(fleet, own):
    files = fleet(own.replace("  for: 2m", "  every: 5m\n  for: 10m")).shelf(tests=True).files
    (group,) = yaml.safe_load(files["rules/_alerts-own-5m.yaml"])["groups"]
    assert group["interval"] == "5m"
    assert yaml.safe_load(files["tests/_alerts-own-5m.test.yaml"])["evaluation_interval"] == "5m"


LINES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1).map(str.strip).filter(bool)


@given(LINES, LINES)
def test_no_text_gets_out_of_its_place(expression, summary):
    alert = Alert("A", expression, (("team", summary),), (("summary", summary),))
    (group,) = yaml.safe_load(rule_file([Group("g", 60_000, (alert,))], origin=summary))["groups"]
    (rule,) = group["rules"]
    assert rule == {
        "alert": "A",
        "expr": expression,
        "labels": {"team": summary},
        "annotations": {"summary": summary},
    }


def test_alertnames_are_those_of_the_documents_in_camel_case():
    assert alert_name("hpa-on-cpu-only") == "HpaOnCpuOnly"
