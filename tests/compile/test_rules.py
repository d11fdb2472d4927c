"""What the rule files hold: small groups, alerts on recorded series only, and everything that a person needs."""

import re
from fractions import Fraction

import pytest
import yaml

from failsoft.alerts import compile_workspace
from failsoft.alerts.burn import alerts_of, groups_of
from failsoft.clients.binaries import run_tool
from failsoft.slo.series import LABELS

SLOS = """
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, description: "{{ $labels }} first tokens"}
---
kind: SLO
metadata: {name: chat-availability}
spec: {model: chat, indicator: {availability: {}}, objective: 99.5%, failureMode: gateway-broken}
"""
LINKS = """
  links: {dashboard: "https://grafana/d/{slo}?m={model}", runbook: "https://git/{runbook}.md"}
"""
EIGHT = """
kind: AlertWindows
metadata: {name: eight}
spec:
  tiers:
    - {name: t1, severity: page, budget: 1%, short: 5m, long: 30m}
    - {name: t2, severity: page, budget: 2%, short: 10m, long: 1h}
    - {name: t3, severity: page, budget: 3%, short: 15m, long: 2h}
    - {name: t4, severity: page, budget: 4%, short: 20m, long: 4h}
    - {name: t5, severity: page, budget: 5%, short: 25m, long: 8h}
    - {name: t6, severity: ticket, budget: 6%, short: 40m, long: 16h}
    - {name: t7, severity: ticket, budget: 7%, short: 2h, long: 1d}
    - {name: t8, severity: ticket, budget: 8%, short: 4h, long: 2d}
"""


@pytest.fixture
def rules(written, drift, base):
    """All rules of a workspace with the three indicators, by file."""
    made, findings = written(SLOS, drift, base=base.replace("---", LINKS.strip("\n") + "\n---", 1)).compiled(
        runbooks={"chat-ttft": "shift"}
    )
    assert not [finding for finding in findings if finding.severity == "error"]
    return {path: yaml.safe_load(text) for path, text in made.files.items() if path.startswith("rules/")}


def test_each_file_is_one_document_and_its_groups_are_small_and_unique(rules):
    names = [group["name"] for file in rules.values() for group in file["groups"]]
    assert sorted(names) == sorted(set(names))
    slos = ("chat-availability", "chat-drift", "chat-ttft")
    assert set(names) == {
        "_failsoft",
        "_models/chat",
        "_models/chat/slos",
        "chat-drift/evaluation",
        *slos,
        *(f"{slo}/budget" for slo in slos),
    }
    assert all(len(group["rules"]) <= 20 for file in rules.values() for group in file["groups"])


def test_the_records_and_the_alerts_of_an_slo_stand_in_one_group_evaluated_once_a_pulse(rules):
    (group,) = [group for group in rules["rules/chat.yaml"]["groups"] if group["name"] == "chat-ttft"]
    assert group["interval"] == "1m"
    assert [rule["labels"]["burn_tier"] for rule in group["rules"] if "alert" in rule] == [
        "page-fast",
        "page-slow",
        "ticket-fast",
        "ticket-slow",
    ]


def test_the_budget_is_counted_apart_at_a_slower_pace_and_read_by_no_alert(rules):
    groups = rules["rules/chat.yaml"]["groups"]
    (budget,) = [group for group in groups if group["name"] == "chat-ttft/budget"]
    assert budget["interval"] == "5m"
    assert not [rule for rule in budget["rules"] if "alert" in rule]
    (alerts,) = [group for group in groups if group["name"] == "chat-ttft"]
    recorded = {rule["record"] for rule in budget["rules"]} - {"failsoft:slo_error_ratio"}
    assert not [rule for rule in alerts["rules"] for name in recorded if name + "{" in rule["expr"]]


def test_alerts_read_recorded_series_only(rules):
    for group in rules["rules/chat.yaml"]["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                names = re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{", rule["expr"])
                assert names
                assert all(name.startswith("failsoft:slo_") for name in names)


def test_every_alert_says_whose_it_is_what_it_means_and_where_to_look(rules):
    alerts = [rule for group in rules["rules/chat.yaml"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(alerts) == 4 + 4 + 5
    for alert in alerts:
        of_a_monitor = {"monitor"} if alert["alert"] == "FailsoftDriftStale" else set()
        assert set(alert["labels"]) == {*LABELS, *of_a_monitor}
        assert alert["labels"]["model"] == "chat"
        assert alert["labels"]["team"] == "assistants"
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["keep_firing_for"] == "5m"
        assert alert["annotations"]["summary"].endswith(".")
        assert alert["annotations"]["dashboard"] == f"https://grafana/d/{alert['labels']['slo']}?m=chat"
    modes = {alert["labels"]["slo"]: alert["labels"]["failure_mode"] for alert in alerts if "Burn" in alert["alert"]}
    assert modes == {
        "chat-ttft": "latency-degraded",
        "chat-availability": "gateway-broken",
        "chat-drift": "model-degraded",
    }
    (runbook,) = {alert["annotations"].get("runbook_url") for alert in alerts if alert["labels"]["slo"] == "chat-ttft"}
    assert runbook == "https://git/shift.md"


def test_an_slo_without_a_runbook_is_told(written):
    _, findings = written(SLOS).compiled(runbooks={"chat-ttft": "shift"})
    (finding,) = [finding for finding in findings if finding.code.id == "FS426"]
    assert finding.message == "no runbook answers the alerts of chat-availability"
    assert "gateway-broken" in finding.hint


def test_without_a_dashboard_of_ones_own_the_graph_of_prometheus_is_named(slo, written):
    made, _ = written(SLOS).compiled()
    alert = next(
        rule for rule in yaml.safe_load(made.files["rules/chat.yaml"])["groups"][0]["rules"] if "alert" in rule
    )
    assert alert["annotations"]["dashboard"].startswith(
        "http://prometheus:9090/graph?g0.expr=failsoft%3Aslo_error_ratio"
    )


def test_what_prometheus_makes_of_the_annotations_is_a_sentence(written, promtool, tmp_path, judge):
    """Rendered by promtool: a total outage, and a description that looks like a template and is none."""
    made = written(SLOS).output(tmp_path)
    labels = 'job="vllm", model_name="chat-70b"'
    test = {
        "rule_files": ["rules/chat.yaml"],
        "evaluation_interval": "5m",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": f"vllm:time_to_first_token_seconds_count{{{labels}}}", "values": "1000+10x240"},
                    {
                        "series": f'vllm:time_to_first_token_seconds_bucket{{{labels}, le="0.5"}}',
                        "values": "1000+0x240",
                    },
                ],
                "alert_rule_test": [
                    {
                        "eval_time": "30m",
                        "alertname": "FailsoftSLOBurn",
                        "exp_alerts": [
                            {
                                "exp_labels": dict(alert.labels) | {"window": window},
                                "exp_annotations": dict(alert.annotations)
                                | {
                                    "summary": "100% of requests to chat waited longer than 500ms for their first "
                                    f"token over the last {window}; the objective allows 1%.",
                                    "description": dict(alert.annotations)["description"].replace('{{"{{"}}', "{{"),
                                },
                            }
                            for alert, window in zip(
                                next(unit for unit in made.units if unit.subject == "chat-ttft").alerts,
                                ("1h", "6h", "1d", "3d"),
                                strict=True,
                            )
                        ],
                    }
                ],
            }
        ],
    }
    (tmp_path / "words.test.yaml").write_text(yaml.safe_dump(test))
    done = run_tool([promtool, "test", "rules", "words.test.yaml"], cwd=tmp_path)
    assert done.ok, done.stdout + done.stderr
    description = dict(made.units[1].alerts[0].annotations)["description"]
    assert description.startswith(
        "page-fast fires at 14.4 times the allowed rate: 2% of the error budget of 30d goes in 1h, all of it in 2d2h."
    )


def test_more_tiers_than_fit_stand_in_groups_that_count_their_hops(written):
    made = written(SLOS.replace("objective: 99%", "objective: 99%, alerting: eight"), EIGHT)
    objective, findings = made.resolve("chat-ttft")
    assert not findings
    groups = groups_of(objective, ())
    assert [len(group.rules) <= 20 for group in groups] == [True] * len(groups)
    assert len(groups) > 1
    hops = {dict(alert.labels)["burn_tier"]: alert.hops for alert in alerts_of(groups)}
    assert hops["t1"] == 0
    assert hops["t8"] >= 1
    # a group at another phase finds the newest record up to a step old: it reads that much more, and no plain names
    later = [rule for group in groups[1:] if alerts_of((group,)) for rule in group.rules]
    assert all("1ms]" in rule.expression for rule in later if "sum_over_time" in rule.expression)
    elsewhere = [rule for rule in later if "last_over_time" in rule.expression]
    assert elsewhere
    assert all("[1m30s]" in rule.expression for rule in elsewhere if hasattr(rule, "annotations"))
    first = [rule for rule in groups[0].rules if "sum_over_time" in rule.expression]
    assert all("m30s" in rule.expression for rule in first)


def test_the_budget_is_that_of_the_period_in_whole_steps(slo):
    objective, _ = slo(objective="99.9%")
    assert objective.budget == Fraction(1, 1000)
    records = [rule for group in groups_of(objective, ()) for rule in group.rules if not hasattr(rule, "annotations")]
    by_name = {rule.name: rule.expression for rule in records}
    assert by_name["failsoft:slo_coverage:ratio"].endswith("[29d23h57m30s])) / 8640")
    assert by_name["failsoft:slo_budget_remaining:ratio"].endswith('{slo="s", window="30d"}) / 0.001')


def definition_of(slo, made):
    [found] = set(re.findall(f'{{slo="{slo}", definition="([0-9a-f]{{8}})"}}', made.files["rules/chat.yaml"]))
    return found


def test_an_slo_that_changes_hands_keeps_its_history_and_its_rules_keep_working(written, judge):
    """Records carry the owner; sums over windows must not fall apart into one for each owner."""
    made, _ = written(SLOS).compiled()
    definition = definition_of("chat-ttft", made)
    old = f'{{slo="chat-ttft", model="chat", team="before", definition="{definition}"}}'
    labels = 'job="vllm", model_name="chat-70b"'
    series = {
        f"failsoft:slo_pulse_bad:increase{old}": " ".join(["10 _x3"] * 60),
        f"failsoft:slo_pulse_total:increase{old}": " ".join(["100 _x3"] * 60),
        f"vllm:time_to_first_token_seconds_count{{{labels}}}": "_x240 1000+25x200",
        f'vllm:time_to_first_token_seconds_bucket{{{labels}, le="0.5"}}': "_x240 1000+25x200",
    }
    one = 'count(failsoft:slo_error_ratio{slo="chat-ttft", window="1h", team="assistants"})'
    # 60 pulses of the old owner with 10 of 100 bad, 40 of the new one without
    mixed = 'abs(sum(failsoft:slo_error_ratio{slo="chat-ttft", window="6h"}) - 600 / 10000) < bool 0.001'
    checks = {(one, "100m"): 1, (mixed, "100m"): 1}
    done = judge(made.files["rules/chat.yaml"], series, checks, step="1m", every="15s")
    assert done.ok, done.stdout + done.stderr


def test_what_was_counted_under_another_threshold_is_no_part_of_the_budget(written, judge):
    made, _ = written(SLOS).compiled()
    before, _ = written(SLOS.replace("below: 500ms", "below: 250ms")).compiled()
    rules = made.files["rules/chat.yaml"]
    other = definition_of("chat-ttft", before)
    assert other != definition_of("chat-ttft", made)
    old = f'{{slo="chat-ttft", model="chat", team="assistants", definition="{other}"}}'
    labels = 'job="vllm", model_name="chat-70b"'
    series = {
        f"failsoft:slo_events_bad:increase{old}": " ".join(["100 _x19"] * 12),
        f"failsoft:slo_events_total:increase{old}": " ".join(["100 _x19"] * 12),
        f"vllm:time_to_first_token_seconds_count{{{labels}}}": "_x240 1000+5x200",
        f'vllm:time_to_first_token_seconds_bucket{{{labels}, le="0.5"}}': "_x240 1000+5x200",
    }
    untouched = 'sum(failsoft:slo_budget_remaining:ratio{slo="chat-ttft"})'
    done = judge(rules, series, {(untouched, "100m"): 1}, every="15s")
    assert done.ok, done.stdout + done.stderr


def test_another_objective_keeps_what_was_counted(written):
    made, _ = written(SLOS).compiled()
    changed, _ = written(SLOS.replace("objective: 99%", "objective: 99.5%")).compiled()
    assert definition_of("chat-ttft", made) == definition_of("chat-ttft", changed)


@pytest.mark.parametrize(("bad", "rate", "lasts"), [(3, 2, None), (0.75, 0.5, 30 * 86_400)])
def test_people_see_the_objective_burn_rates_what_is_left_and_how_much_it_rests_upon(written, judge, bad, rate, lasts):
    """10 a second at 99 %: at twice the allowed rate nothing is left; at half of it, half the budget lasts a period."""
    made, _ = written(SLOS).compiled()
    labels = 'job="vllm", model_name="chat-70b"'
    series = {
        f"vllm:time_to_first_token_seconds_count{{{labels}}}": "0+150x400",
        f'vllm:time_to_first_token_seconds_bucket{{{labels}, le="0.5"}}': f"0+{150 - bad}x400",
    }
    near = "abs({} / {} - 1) < bool 0.03"  # the groups' order is open: the last step may not be seen yet
    slo = 'slo="chat-ttft", model="chat", team="assistants"'
    left = f'sum(failsoft:slo_budget_exhaustion:seconds{{{slo}, window="1h"}})'
    checks = {
        (f'sum(failsoft:slo_objective:ratio{{{slo}, window="30d"}})', "100m"): 0.99,
        (near.format(f'sum(failsoft:slo_burn_rate:ratio{{{slo}, window="1h"}})', rate), "100m"): 1,
        (near.format(f'sum(failsoft:slo_events_total:sum{{{slo}, window="30d"}})', 58_500), "100m"): 1,
        (near.format(left, lasts) if lasts else left, "100m"): 1 if lasts else 0,
    }
    done = judge(made.files["rules/chat.yaml"], series, checks, every="15s")
    assert done.ok, done.stdout + done.stderr


def test_the_same_workspace_gives_the_same_bytes(written, drift):
    made = written(SLOS, drift)
    first, _ = made.compiled(tests=True)
    again, _ = compile_workspace(made.workspace, {}, tests=True)
    assert first.files == again.files
    assert list(first.files) == sorted(first.files)
    assert not any(str(made.root.parent) in text for text in first.files.values())


def test_a_monitor_that_no_slo_reads_is_told(written, drift):
    lonely = drift.partition("---")[0]
    _, findings = written(lonely).compiled()
    assert [finding.code.id for finding in findings] == ["FS427"]


@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_a_drift_slo_that_nobody_judges_any_more_is_as_urgent_as_what_it_would_tell(written, drift, severity):
    tiers = EIGHT.replace("severity: page", f"severity: {severity}")
    made, _ = written(drift.replace("objective: 99%", "objective: 99%\n  alerting: eight"), tiers).compiled()
    groups = yaml.safe_load(made.files["rules/chat.yaml"])["groups"]
    (stale,) = (rule for group in groups for rule in group["rules"] if rule.get("alert") == "FailsoftDriftStale")
    assert (stale["labels"]["severity"], stale["labels"]["monitor"]) == (severity, "chat-output")


def test_no_series_is_recorded_twice_where_a_tier_looks_back_over_all_of_the_period(written):
    windows = EIGHT.replace("long: 2d}", "long: 30d}")
    objective, _ = written(SLOS.replace("objective: 99%", "objective: 99%, alerting: eight"), windows).resolve(
        "chat-ttft"
    )
    assert objective.tiers[-1].long == objective.period
    records = [rule for group in groups_of(objective, ()) for rule in group.rules if not hasattr(rule, "annotations")]
    recorded = [(rule.name, rule.labels) for rule in records]
    assert len(recorded) == len(set(recorded))
