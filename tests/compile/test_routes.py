"""The Alertmanager configuration: everything reaches its owner, and a dead failsoft is never silence."""

import pytest
import yaml

from failsoft.clients.binaries import run_tool

SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""
PAGER = "{pagerduty: {routingKey: {file: /etc/failsoft/pagerduty}}}"
OTHER_TEAM = """
kind: Team
metadata: {name: other}
spec: {slack: "#other", pager: PAGER, people: [{name: ben, slack: U0BEN}]}
"""


@pytest.fixture
def silenced(written, inhibited, tmp_path):
    """Which of the firing alerts a real Alertmanager silences with the configuration of some documents, by name."""

    def run(*documents):
        made, _ = written(*documents).compiled()
        text = made.files["alertmanager.yaml"].replace("/etc/failsoft/webhook", str(tmp_path / "secret"))
        text = text.replace("/etc/failsoft/pagerduty", str(tmp_path / "secret")).replace("failsoft:8080", "127.0.0.1:1")
        (tmp_path / "secret").write_text("x")
        said = inhibited(text)

        def of(alerts):
            pair = [burn(f"the last of {len(alerts)}", tier) for tier in ("page-fast", "ticket-slow")]
            found = said([*alerts.values(), *pair], pair[-1])
            return {name for name, labels in alerts.items() if labels in found}

        return of

    return run


def burn(slo, tier):
    labels = {"alertname": "FailsoftSLOBurn", "slo": slo, "model": "chat", "team": "assistants"}
    return labels | {"severity": tier.partition("-")[0], "burn_tier": tier}


@pytest.fixture
def receiver(amtool, tmp_path, written):
    """Which receiver an alert with these labels reaches."""

    def ask(*documents, base=None, **labels):
        made = written(SLO, *documents, **({"base": base} if base else {})).output(tmp_path)
        pairs = [f"{name}={value}" for name, value in labels.items()]
        checked = run_tool([amtool, "check-config", "alertmanager.yaml"], cwd=tmp_path)
        assert checked.ok, checked.stderr
        done = run_tool(
            [amtool, "config", "routes", "test", "--config.file", "alertmanager.yaml", *pairs], cwd=tmp_path
        )
        found = done.stdout.strip()
        configuration = yaml.safe_load(made.files["alertmanager.yaml"])
        return next(one for one in configuration["receivers"] if one["name"] == found)

    return ask


def test_an_alert_reaches_its_team_through_failsoft_with_the_secret_shown(receiver):
    found = receiver(alertname="FailsoftSLOBurn", team="assistants", slo="s", severity="page")
    assert found["name"] == "team-assistants"
    (webhook,) = found["webhook_configs"]
    assert webhook["url"] == "http://failsoft:8080/webhook/alertmanager"
    assert webhook["send_resolved"] is True
    assert webhook["http_config"] == {"authorization": {"credentials_file": "/etc/failsoft/webhook"}}


@pytest.mark.parametrize("labels", [{"alertname": "Foreign"}, {"alertname": "FailsoftSLOBurn", "team": "nobody-knows"}])
def test_what_belongs_to_no_known_team_still_reaches_failsoft(receiver, labels):
    found = receiver(**labels)
    assert found["name"] == "failsoft"
    assert found["webhook_configs"]


@pytest.mark.parametrize("alert", ["FailsoftDown", "FailsoftUnheard", "FailsoftPage"])
def test_what_must_not_end_at_failsoft_goes_to_the_pager_of_the_team(receiver, alert):
    found = receiver(alertname=alert, team="assistants", severity="page")
    assert "webhook_configs" not in found
    assert found["pagerduty_configs"][0]["routing_key_file"] == "/etc/failsoft/pagerduty"


UNREADABLE = [
    "{pagerduty: {routingKey: {env: KEY}}}",
    "{webhook: {url: {file: /etc/failsoft/url}}}",
    "{alertmanager: {}}",
    "{stdout: {}}",
]


@pytest.mark.parametrize("pager", UNREADABLE)
def test_a_team_whose_pager_alertmanager_cannot_use_is_covered_by_the_others(receiver, pager):
    other = OTHER_TEAM.replace("PAGER", pager)
    found = receiver(other, alertname="FailsoftDown", team="other", severity="page")
    assert [config["routing_key_file"] for config in found["pagerduty_configs"]] == ["/etc/failsoft/pagerduty"]


@pytest.mark.parametrize("pager", UNREADABLE)
def test_where_nobody_can_be_paged_past_failsoft_a_finding_says_so(written, base, receiver, pager):
    text = base.replace(PAGER, pager)
    _, findings = written(SLO, base=text).compiled()
    (finding,) = [finding for finding in findings if finding.code.id in {"FS424", "FS425"}]
    assert finding.severity == ("info" if "stdout" in pager else "warning")
    assert finding.message.endswith(
        "so while failsoft is down nobody is paged" if "stdout" in pager else "; nobody is paged"
    )
    assert finding.place.text.strip().startswith("pager:")
    found = receiver(base=text, alertname="FailsoftDown", team="assistants")
    assert found == {"name": "nobody"}  # and not failsoft, which would be a loop


def test_a_secret_in_the_environment_is_refused_for_alertmanager_reads_none(written, base):
    _, findings = written(SLO, base=base.replace("file: /etc/failsoft/webhook", "env: WEBHOOK")).compiled()
    (finding,) = [finding for finding in findings if finding.severity == "error"]
    assert finding.code.id == "FS422"
    assert "WEBHOOK" in finding.message


def test_a_relative_secret_is_another_file_for_alertmanager(written, base):
    text = base.replace("/etc/failsoft/webhook", "secrets/token").replace("/etc/failsoft/pagerduty", "secrets/key")
    _, findings = written(SLO, base=text).compiled()
    told = [finding for finding in findings if finding.code.id == "FS429"]
    assert [finding.message.split()[3] for finding in told] == ["secrets/token", "secrets/key"]
    assert all(finding.severity == "warning" for finding in told)


def test_a_webhook_without_a_secret_is_told(written, base):
    _, findings = written(SLO, base=base.replace(", webhookSecret: {file: /etc/failsoft/webhook}", "")).compiled()
    assert "FS423" in [finding.code.id for finding in findings]


def test_one_finding_names_tiers_that_would_silence_each_other(written):
    tiers = ["{name: a, severity: page, budget: 2%, short: 5m, long: 1h}"]
    tiers.append("{name: b, severity: page, budget: 5%, short: 30m, long: 6h}")
    documents = [
        f"kind: AlertWindows\nmetadata: {{name: {name}}}\nspec: {{tiers: [{', '.join(order)}]}}"
        for name, order in (("one", tiers), ("two", tiers[::-1]))
    ]
    second = SLO.replace("name: s", "name: s2").replace("99%", "99%, alerting: two")
    made = written(SLO.replace("99%", "99%, alerting: one"), second, *documents)
    _, findings = made.compiled()
    (finding,) = [finding for finding in findings if finding.severity == "error"]
    assert finding.code.id == "FS421"


def test_a_faster_tier_inhibits_the_slower_ones_and_a_page_the_tickets_of_its_slo_only(silenced):
    of = silenced(SLO)

    def among(*firing):
        return of({(slo, tier): burn(slo, tier) for slo, tier in firing})

    assert among(("s", "ticket-slow"), ("other", "page-fast")) == set()
    tiers = [("s", tier) for tier in ("page-fast", "page-slow", "ticket-fast", "ticket-slow")]
    assert among(*tiers, ("other", "page-fast"), ("third", "ticket-fast")) == set(tiers[1:])


JOB = """
kind: DriftMonitor
metadata: {name: nightly}
spec: {model: chat, reference: reference.json, scored: {}, every: 1d}
---
kind: SLO
metadata: {name: nightly-drift}
spec: {model: chat, indicator: {drift: {monitor: nightly, signal: age, statistic: psi, below: 0.2}}, objective: 99%}
"""


def test_a_dead_job_pages_once_and_hides_no_other_monitor(silenced):
    """What the library says of a job comes before what its SLO says, and instead of it; of that monitor alone."""
    of = {"model": "chat", "team": "assistants", "severity": "page"}
    stale = {"alertname": "FailsoftDriftStale", "slo": "nightly-drift", **of}
    firing = {
        "silent": {"alertname": "DriftJobSilent", "alert_rule": "drift-job-silent", "monitor": "nightly", **of},
        "blind": {**stale, "monitor": "nightly"},
        "other": {**stale, "monitor": "chat-output", "slo": "chat-drift"},
        "theirs": {**stale, "monitor": "nightly", "team": "others", "slo": "theirs"},
    }
    assert silenced(JOB)(firing) == {"blind"}


WHILE_FAILSOFT_IS_DOWN = (
    """
rule_files: [rules/_failsoft.yaml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: failsoft_build_info, values: 1x10 _x20}
  - {series: 'ALERTS{slo="nightly-drift",monitor="nightly",OF}', values: 1x40}
  - {series: 'ALERTS{slo="output-drift",monitor="output",OF}', values: 1x40}
  - {series: 'ALERTS{alert_rule="drift-job-silent",monitor="nightly",PAGES}', values: _x22 1x18}
  alert_rule_test:
  - {eval_time: 9m, alertname: FailsoftUnheard}
  - eval_time: 20m
    alertname: FailsoftUnheard
    exp_alerts:
    - exp_labels: {severity: page, slo: nightly-drift, model: chat, team: assistants, FOR}
      exp_annotations:
        summary: "nightly-drift of chat pages for drift-evaluation-stale, and failsoft is down: nobody else was told."
        description: "No runbook runs and nobody was asked: this comes straight from Alertmanager."
  - {eval_time: 26m, alertname: FailsoftUnheard}
""".replace("OF", 'alertname="FailsoftDriftStale",failure_mode="drift-evaluation-stale",PAGES')
    .replace("PAGES", 'severity="page",alertstate="firing",team="assistants",model="chat"')
    .replace("FOR", "failure_mode: drift-evaluation-stale")
)
OUTPUT = """
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: reference.json, signals: [output-length]}
---
kind: SLO
metadata: {name: output-drift}
spec: {model: chat, indicator: {drift: {monitor: output, signal: output-length, below: 0.2}}, objective: 99%}
"""


def test_a_job_that_dies_while_failsoft_is_down_goes_past_it_and_failsofts_own_silence_does_not(
    written, promtool, tmp_path
):
    """And where the library pages for the job, that is the one page."""
    written(SLO, JOB, OUTPUT).output(tmp_path)
    (tmp_path / "unheard.test.yaml").write_text(WHILE_FAILSOFT_IS_DOWN)
    done = run_tool([promtool, "test", "rules", "unheard.test.yaml"], cwd=tmp_path)
    assert done.ok, done.stdout + done.stderr
