"""`failsoft routes` and the proof of the routes: hours of teams, causes, and configurations of people's own."""

import json

import pytest
import yaml

from failsoft.cli.compile import compiled
from failsoft.cli.proving_routes import prove_routes
from failsoft.workspace.load import load

HOURS = "  hours: {start: '09:00', end: '17:00', timeZone: Europe/Berlin}"
EXPLAINS = "  alertmanager: {explains: [{cause: engine-hung, symptoms: [latency-degraded]}]}"
OTHER_TEAM = """
kind: Team
metadata: {name: other}
spec:
  slack: "#other"
  pager: {stdout: {}}
  people: [{name: ben}]
"""


@pytest.fixture
def proven(tmp_path, amtool):
    """What the proof of the routes says of a workspace, after its configuration was bent."""

    def prove(root, bend=lambda text: text):
        workspace, findings = load(root)
        assert not [one for one in findings if one.severity == "error"], findings
        made, _ = compiled(workspace, tests=False)
        (tmp_path / "alertmanager.yaml").write_text(bend(made.files["alertmanager.yaml"]))
        return prove_routes(workspace, made, tmp_path, amtool)

    return prove


def test_it_says_who_gets_the_alerts_of_an_slo_and_why(run, workspace):
    code, out, _ = run("routes", "s", workspace(), "--label", "burn_tier=page-slow")
    assert code == 0
    head, to, because, *fleet, passed, told, silent = out.splitlines()
    assert head.startswith('FailsoftSLOBurn{burn_tier="page-slow"')
    assert to == "  -> team-assistants: webhook http://failsoft:8080"
    assert because == '     because team="assistants" (route.routes[3])'
    assert passed.startswith("     not pager-assistants (route.routes[2]), which needs alertname=~")
    assert [one.partition(", which needs ")[2] for one in fleet] == ['alert_rule!=""'] * 2
    assert told == "     told with others of the same slo, model: first after 5s, changes after 30s, again every 4h"
    assert silent.startswith('  silent while FailsoftSLOBurn{burn_tier="page-fast"')
    assert silent.endswith(" fires with the same slo, model, group (inhibit_rules[1])")


def test_an_alert_of_somebody_elses_is_followed_with_the_labels_given(run, workspace):
    code, out, err = run("routes", "Theirs", workspace(), "--label", "team=assistants", "--output", "json")
    assert code == 0
    (answer,) = json.loads(out)["alerts"]
    assert [one["receiver"] for one in answer["receivers"]] == ["team-assistants"]
    assert answer["alert"] == {"alertname": "Theirs", "team": "assistants"}
    assert err == ""


def test_a_name_that_nothing_makes_is_no_foreign_alert_without_its_labels(run, workspace):
    """Whoever mistypes the name of an SLO is not told where some other alert would go."""
    for wrong, hint in (("FailsoftSLOBurnt", "; did you mean FailsoftSLOBurn?"), ("Theirs", "")):
        code, out, err = run("routes", wrong, workspace())
        assert (code, out) == (2, "")
        assert err == (
            f"failsoft: no rule of this workspace makes '{wrong}'{hint}; "
            "of an alert of somebody else's, give the labels with --label\n"
        )


def test_alerts_that_go_the_same_way_are_shown_together(run, workspace):
    code, out, _ = run("routes", "s", workspace())
    assert code == 0
    lines = out.splitlines()
    tiers = ["page-fast", "page-slow", "ticket-fast", "ticket-slow"]
    assert [f'burn_tier="{tier}"' in line for tier, line in zip(tiers, lines, strict=False)] == [True] * 4
    assert sum(line.startswith("  -> ") for line in lines) == 1
    silent = [line.partition(" silent while ")[0] for line in lines if " silent while " in line]
    assert silent == [
        '  burn_tier="page-slow", severity="page"',
        '  burn_tier="ticket-fast", severity="ticket"',
        '  burn_tier="ticket-slow", severity="ticket"',
        '  burn_tier="ticket-slow", severity="ticket"',
    ]
    _, out, _ = run("routes", "s", workspace(team=HOURS))
    assert sum(line.startswith("  -> ") for line in out.splitlines()) == 2, "tickets wait for hours, pages do not"


def test_who_falls_to_nobody_is_told_with_1(run, workspace, tmp_path, theirs):
    (tmp_path / "theirs.yaml").write_text(theirs)
    words = ("routes", "Theirs", workspace(), "--alertmanager", tmp_path / "theirs.yaml")
    code, out, _ = run(*words, "--label", "team=infra", "--label", "severity=critical", "--label", "service=db")
    assert code == 1
    assert "  -> infra: NOBODY is told" in out


@pytest.mark.parametrize(
    ("tier", "moment", "said"),
    [
        ("ticket-fast", "2027-01-04T12:00+01:00", "told"),
        ("ticket-fast", "2027-01-04T20:00+01:00", "held back, outside team-assistants-hours"),
        ("ticket-fast", "2027-01-03T12:00+01:00", "held back, outside team-assistants-hours"),
        ("page-fast", "2027-01-03T03:00+01:00", "told"),
    ],
)
def test_tickets_wait_for_the_hours_of_the_team_and_pages_never(run, workspace, tier, moment, said):
    code, out, _ = run("routes", "s", workspace(team=HOURS), "--label", f"burn_tier={tier}", "--at", moment)
    assert code == 0
    assert f"     at that time: {said}\n" in out


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2027-01-04T01:00+00:00", "told, where Local is JST as on this machine"),
        ("2027-01-04T12:00+00:00", "held back, outside team-assistants-hours, where Local is JST as on this machine"),
    ],
)
def test_local_hours_are_those_of_alertmanagers_machine_and_taken_for_ours(run, workspace, in_tokyo, moment, said):
    root = workspace(team="  hours: {timeZone: Local}")
    assert run("check", root)[0] == 0
    code, out, _ = run("routes", "s", root, "--label", "burn_tier=ticket-fast", "--at", moment)
    assert code == 0
    assert f"     at that time: {said}\n" in out
    code, out, _ = run("routes", "s", root, "--label", "burn_tier=ticket-fast", "--at", moment, "--output", "json")
    assert [one["local"] for answer in json.loads(out)["alerts"] for one in answer["receivers"]] == ["JST"]


def test_hours_that_end_before_they_begin_are_refused(run, workspace):
    code, _, err = run("check", workspace(team="  hours: {start: '22:00', end: '06:00'}"))
    assert code == 1
    assert "end before they begin" in err


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("{start: '9:00'}", "spec.hours.start '9:00' is no time of day"),
        ("{start: '9:00'}", "help: write 09:00"),
        ("{end: '24:01'}", "spec.hours.end '24:01' is no time of day"),
        # with this one Alertmanager would refuse all of its configuration
        ("{timeZone: Europe/Berln}", "'Europe/Berln' is no time zone that every Alertmanager knows"),
        ("{timeZone: Europe/Berln}", "help: did you mean Europe/Berlin?"),
        # and these are known on some machines only
        ("{timeZone: localtime}", "help: did you mean Local?"),
        ("{timeZone: posixrules}", "'posixrules' is no time zone that every Alertmanager knows"),
        ("{timeZone: right/Europe/Berlin}", "help: did you mean Europe/Berlin?"),
    ],
)
def test_hours_that_nobody_can_read_are_refused(run, workspace, hours, said):
    code, _, err = run("check", workspace(team=f"  hours: {hours}"))
    assert code == 1
    assert said in err


@pytest.mark.parametrize(
    "words",
    [
        ("--label", "team"),
        ("--at", "tomorrow"),
        ("--at", "0001-01-01"),
        ("--alertmanager", "/no/such/file"),
        ("--label", "=x"),
    ],
)
def test_what_makes_no_sense_is_told_with_2(run, workspace, words):
    assert run("routes", "s", workspace(), *words)[0] == 2


# --- the proof


def test_every_alert_reaches_its_owner(proven, workspace):
    assert proven(workspace(OTHER_TEAM, team=HOURS)) == ()


@pytest.mark.parametrize("name", ["Local", "UTC", "America/New_York"])
def test_alertmanager_takes_the_zones_that_we_take(proven, workspace, name):
    assert proven(workspace(OTHER_TEAM, team=f"  hours: {{timeZone: {name}}}")) == ()


def test_it_does_within_a_configuration_of_ones_own(proven, workspace, theirs):
    root = workspace(settings="  alertmanager: {base: routes/theirs.yaml}")
    (root / "routes").mkdir()
    (root / "routes" / "theirs.yaml").write_text(theirs)
    assert proven(root) == ()


def test_a_route_that_takes_an_alert_from_its_owner_is_found(proven, workspace):
    def bend(text):
        loaded = yaml.safe_load(text)
        loaded["route"]["routes"].insert(0, {"receiver": "failsoft", "matchers": ['severity="page"']})
        return yaml.safe_dump(loaded)

    found = {finding.message: finding.expected for finding in proven(workspace(), bend)}
    assert found["FailsoftSLOBurn of the team assistants reaches failsoft"] == "the receiver team-assistants"
    assert found["FailsoftDown of the team assistants reaches failsoft"] == "the receiver pager-assistants"


def test_a_receiver_without_a_way_out_is_found(proven, workspace):
    def bend(text):
        loaded = yaml.safe_load(text)
        loaded["receivers"] = [
            {"name": one["name"]} if one["name"] == "team-assistants" else one for one in loaded["receivers"]
        ]
        return yaml.safe_dump(loaded)

    messages = [finding.message for finding in proven(workspace(), bend)]
    states = ("SLOBurn", "SLOVanished", "ModelStarting", "ModelDown", "ModelUnseen")
    said = {f"Failsoft{one} of the team assistants falls to team-assistants, which tells nobody" for one in states}
    assert set(messages) == said


def test_where_amtool_disagrees_with_us_it_is_told(proven, workspace, monkeypatch):
    monkeypatch.setattr("failsoft.alerts.routing.matchers.Condition.holds", lambda condition, labels: False)
    assert any("amtool sends FailsoftSLOBurn" in finding.message for finding in proven(workspace()))


# --- a base configuration


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, "FS446"), ("route: [", "FS446"), ("route: {receiver: failsoft}\nreceivers: [{name: failsoft}]", "FS447")],
)
def test_a_base_that_cannot_be_used_is_a_finding_and_nothing_is_written(run, workspace, tmp_path, text, code):
    root = workspace(settings="  alertmanager: {base: routes/theirs.yaml}")
    if text is not None:
        (root / "routes").mkdir()
        (root / "routes" / "theirs.yaml").write_text(text)
    ended, _, err = run("compile", root, "-o", tmp_path / "out")
    assert ended == 1
    assert f"error[{code}]" in err
    assert not (tmp_path / "out").exists()
    assert run("check", root)[0] == 1


def test_the_written_configuration_names_what_it_was_made_from(run, workspace, tmp_path, theirs):
    (tmp_path / "theirs.yaml").write_text(theirs)
    words = ("compile", workspace(), "-o", tmp_path / "out", "--alertmanager", tmp_path / "theirs.yaml")
    assert run(*words)[0] == 0
    text = (tmp_path / "out" / "alertmanager.yaml").read_text()
    assert text.startswith("# Written by failsoft compile from failsoft.yaml and theirs.yaml. Do not edit.\n")
    assert run(*words)[1].count("0 of") == 1  # and it is known as ours the next time


# --- causes and symptoms


@pytest.mark.parametrize(
    ("explains", "said"),
    [
        ("{cause: engine-hung, symptoms: [latency-degraded]}", []),
        ("{cause: engine-hang, symptoms: [latency-degraded]}", ["no alert stands for engine-hang"]),
        ("{cause: engine-hung, symptoms: [latency]}", ["no alert stands for latency"]),
        ("{cause: node-lost, symptoms: [latency-degraded]}", ["the alerts of node-lost name no model"]),
    ],
)
def test_a_cause_that_could_silence_nothing_is_told(workspace, explains, said):
    _, findings = compiled(load(workspace(settings=f"  alertmanager: {{explains: [{explains}]}}"))[0], tests=False)
    told = [one for one in findings if one.code.id == "FS448"]
    assert [one.message.partition(",")[0] for one in told] == said
    assert all(one.place.text.strip().startswith("alertmanager:") for one in told)


def test_a_cause_silences_its_symptoms_in_its_own_model_but_a_ticket_never_a_page(workspace, inhibited, tmp_path):
    made, _ = compiled(load(workspace(settings=EXPLAINS))[0], tests=False)
    text = (
        made.files["alertmanager.yaml"]
        .replace("/etc/failsoft/", f"{tmp_path}/")
        .replace("failsoft:8080", "127.0.0.1:1")
    )
    for name in ("webhook", "pagerduty"):
        (tmp_path / name).write_text("x")
    said = inhibited(text)

    def alert(name, mode, severity, model):
        labels = {"alertname": name, "failure_mode": mode, "severity": severity, "slo": name, "team": "assistants"}
        return labels | ({"model": model} if model else {})

    lost, late = "engine-hung", "latency-degraded"
    sent = [
        alert("lost-1", lost, "page", "one"),
        alert("late-1", late, "page", "one"),
        alert("late-1-ticket", late, "ticket", "one"),
        alert("failing-1", "requests-failing", "page", "one"),
        alert("lost-2", lost, "ticket", "two"),
        alert("late-2", late, "page", "two"),
        alert("late-2-ticket", late, "ticket", "two"),
        alert("lost-fleet", lost, "page", ""),
        alert("late-fleet", late, "page", ""),
        alert("late-3", late, "page", "three"),
        alert("lost-last", lost, "page", "last"),
        alert("late-last", late, "page", "last"),
    ]
    silenced = {labels["alertname"] for labels in said(sent, sent[-1])}
    assert silenced == {"late-1", "late-1-ticket", "late-2-ticket", "late-last"}


CIRCLES = {
    "two that silence each other": (
        [("requests-failing", "latency-degraded"), ("latency-degraded", "requests-failing")],
        2,
    ),
    "three in a circle": (
        [
            ("requests-failing", "latency-degraded"),
            ("latency-degraded", "kv-cache-exhausted"),
            ("kv-cache-exhausted", "requests-failing"),
        ],
        3,
    ),
    "one that silences itself": ([("latency-degraded", "latency-degraded")], 1),
    "a cause of a cause": ([("requests-failing", "latency-degraded"), ("latency-degraded", "kv-cache-exhausted")], 0),
}


@pytest.mark.parametrize("name", CIRCLES)
def test_causes_that_silence_each_other_are_refused(name, workspace):
    """What is silenced silences others all the same, so in a circle nobody hears anything."""
    pairs, count = CIRCLES[name]
    listed = ", ".join(f"{{cause: {cause}, symptoms: [{symptom}]}}" for cause, symptom in pairs)
    _, findings = compiled(load(workspace(settings=f"  alertmanager: {{explains: [{listed}]}}"))[0], tests=False)
    found = [finding for finding in findings if finding.code.id == "FS494"]
    assert (len(found), {finding.severity for finding in found} <= {"error"}) == (count, True)
