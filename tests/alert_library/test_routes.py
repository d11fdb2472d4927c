"""Who hears an alert that is no SLO's: its team's pager and failsoft; failsoft alone where a runbook answers it."""

import pytest

from failsoft.cli.compile import compiled
from failsoft.clients.binaries import run_tool

STUCK = """
kind: Runbook
metadata: {name: hung}
spec:
  answers: {failureModes: [engine-hung], models: [chat]}
  steps: [{inspect: {}}, {page: {}}]
---
kind: Runbook
metadata: {name: hot}
spec:
  answers: {failureModes: [gpu-slow]}
  steps: [{notify: {text: look}}]
"""


@pytest.fixture
def receivers(fleet, chat, amtool, tmp_path):
    """The receivers of an alert with these labels."""

    def ask(*documents, **labels):
        made, _ = compiled(fleet(chat, *documents).workspace, tests=False)
        (tmp_path / "alertmanager.yaml").write_text(made.files["alertmanager.yaml"])
        pairs = [f"{name}={value}" for name, value in labels.items()]
        done = run_tool(
            [amtool, "config", "routes", "test", "--config.file", "alertmanager.yaml", *pairs], cwd=tmp_path
        )
        assert done.ok, done.stderr
        return set(done.stdout.strip().replace("\n", ",").split(","))

    return ask


@pytest.mark.parametrize("team", ["platform", "assistants"])
def test_a_page_goes_to_the_pager_of_its_team_and_to_failsoft(receivers, team):
    found = receivers(alertname="EngineHangs", alert_rule="engine-hangs", severity="page", team=team)
    assert found == {f"pager-{team}", f"team-{team}"}


def test_a_ticket_goes_there_too_and_wakes_nobody(receivers, tmp_path):
    found = receivers(alertname="GpuHot", alert_rule="gpu-hot", severity="ticket", team="platform")
    assert found == {"pager-platform", "team-platform"}
    text = (tmp_path / "alertmanager.yaml").read_text()
    assert """severity: '{{ if eq .CommonLabels.severity "ticket" }}warning{{ else }}critical{{ end }}'""" in text


def test_the_alerts_of_slos_go_where_they_went(receivers):
    assert receivers(alertname="FailsoftSLOBurn", slo="s", severity="page", team="assistants") == {"team-assistants"}


def hung(**labels):
    return {"alertname": "EngineHangs", "alert_rule": "engine-hangs", "failure_mode": "engine-hung"} | labels


def test_what_a_runbook_answers_goes_to_failsoft_alone(receivers):
    asked = hung(severity="page", team="assistants", model="chat")
    assert receivers(STUCK, **asked) == {"team-assistants"}
    assert receivers(STUCK, **asked | {"severity": "ticket"}) == {"team-assistants"}


def test_what_it_does_not_answer_keeps_its_way_to_the_pager(receivers):
    for others in ({"model": "embed"}, {"model": ""}, {"failure_mode": "engine-dies"}):
        asked = hung(severity="page", team="assistants", model="chat") | others
        assert receivers(STUCK, **asked) == {"pager-assistants", "team-assistants"}, others


def test_a_page_whose_runbook_pages_nobody_keeps_its_way_to_the_pager_beside_its_incident(receivers):
    asked = {"alertname": "Hot", "alert_rule": "gpu-hot", "failure_mode": "gpu-slow", "team": "platform"}
    assert receivers(STUCK, **asked, severity="page") == {"pager-platform", "team-platform"}
    assert receivers(STUCK, **asked, severity="ticket") == {"team-platform"}


def test_every_alert_of_a_failure_mode_that_is_answered_for_all_models_goes_there(receivers):
    asked = {"alertname": "Hot", "alert_rule": "gpu-hot", "failure_mode": "gpu-slow", "severity": "ticket"}
    assert receivers(STUCK, **asked, team="platform") == {"team-platform"}
    assert receivers(STUCK, **asked, team="platform", model="chat") == {"team-platform"}


UNHEARD = """
rule_files: [rules/_failsoft.yaml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: failsoft_build_info, values: 1x10 _x20}
  - {series: 'ALERTS{alertname="EngineHangs",failure_mode="engine-hung",OTHERS}', values: 1x40}
  - {series: 'ALERTS{alertname="EngineDies",failure_mode="engine-dies",OTHERS}', values: 1x40}
  alert_rule_test:
  - {eval_time: 9m, alertname: FailsoftUnheard}
  - eval_time: 20m
    alertname: FailsoftUnheard
    exp_alerts:
    - exp_labels: {severity: page, failure_mode: engine-hung, model: chat, team: assistants}
      exp_annotations:
        summary: "engine-hung fires, and failsoft is down: nobody else was told."
        description: "No runbook runs and nobody was asked: this comes straight from Alertmanager."
""".replace("OTHERS", 'alert_rule="a",severity="page",alertstate="firing",team="assistants",model="chat"')


def test_while_failsoft_is_down_what_goes_to_it_alone_goes_past_it(fleet, chat, promtool, tmp_path, receivers):
    """Straight to the pager of the team; what had that way all the time is not told twice."""
    made, _ = compiled(fleet(chat, STUCK).workspace, tests=False)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "_failsoft.yaml").write_text(made.files["rules/_failsoft.yaml"])
    (tmp_path / "unheard.test.yaml").write_text(UNHEARD)
    done = run_tool([promtool, "test", "rules", "unheard.test.yaml"], cwd=tmp_path)
    assert done.ok, done.stdout + done.stderr
    told = receivers(STUCK, alertname="FailsoftUnheard", severity="page", team="assistants", failure_mode="engine-hung")
    assert told == {"pager-assistants"}
