"""Who hears an alert that is no SLO's: its team's pager, where a ticket is a warning, and failsoft."""

import pytest

from failsoft.alerts import compile_workspace
from failsoft.clients.binaries import run_tool


@pytest.fixture
def receivers(fleet, chat, amtool, tmp_path):
    """The receivers of an alert with these labels."""

    def ask(*documents, **labels):
        made, _ = compile_workspace(fleet(chat, *documents).workspace, {}, tests=False)
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
