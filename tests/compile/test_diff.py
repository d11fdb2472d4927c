"""`failsoft diff`: what a change of documents does to SLOs, tiers, alerts and routes, in words."""

import json
import shutil
import subprocess

import pytest

SLO = """
kind: SLO
metadata: {name: NAME}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30d}
"""
WINDOWS = """
kind: AlertWindows
metadata: {name: own}
spec:
  period: 30d
  tiers: [{name: page, severity: page, budget: 2%, short: 5m, long: 1h}]
"""
OTHER_TEAM = """
kind: Team
metadata: {name: other}
spec: {slack: "#other", pager: {pagerduty: {routingKey: {file: /etc/failsoft/other}}}, people: [{name: ben}]}
"""
ONE = SLO.replace("NAME", "a")


@pytest.fixture
def pair(written, tmp_path):
    """Writes a workspace, copies it aside, edits it: `pair(("99%", "99.5%"))` hands back the new and the old folder."""

    def make(*edits):
        root = written(OTHER_TEAM, ONE).root
        old = tmp_path / "old"
        shutil.copytree(root, old)
        for path in sorted(root.rglob("*.yaml")):
            text = path.read_text()
            for this, that in edits:
                text = text.replace(this, that)
            path.write_text(text)
        return root, old

    return make


@pytest.fixture
def said(run, pair):
    def ask(*edits):
        new, old = pair(*edits)
        code, out, err = run("diff", new, "--against", old)
        assert (code, err) == (0, "")
        return out

    return ask


def test_nothing_is_said_in_one_line(said, tmp_path):
    assert said() == f"nothing changes against {tmp_path / 'old'}\n"


def test_an_objective_changes_its_budget_and_the_thresholds_of_all_tiers(said):
    assert said(("objective: 99%", "objective: 99.5%")) == (
        "~ SLO a\n"
        "    objective: 99% -> 99.5%\n"
        "    the error budget: 1% -> 0.5% of all events\n"
        "    page-fast fires above 14.4% of errors in 1h and 5m -> above 7.2% of errors in 1h and 5m\n"
        "    page-slow fires above 6% of errors in 6h and 30m -> above 3% of errors in 6h and 30m\n"
        "    ticket-fast fires above 3% of errors in 1d and 2h -> above 1.5% of errors in 1d and 2h\n"
        "    ticket-slow fires above 1% of errors in 3d and 6h -> above 0.5% of errors in 3d and 6h\n"
        "1 changed\n"
    )


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (
            ("below: 500ms", "below: 1s"),
            ["ttft.below: 500ms -> 1s", "its budget begins anew, for another thing is counted: "],
        ),
        (
            ("period: 30d", "period: 7d"),
            [
                "period: 30d -> 7d",
                "alerts evaluated every 1m -> every 1m15s",
                "budget recorded every 5m -> every 1m15s",
            ],
        ),
        (
            ("ttft: {below: 500ms}", "availability: {}"),
            ["availability: not said -> {}", "ttft.below: 500ms -> not said"],
        ),
        (("model_name: chat-70b", "model_name: chat-80b"), ["counts other series: "]),
        (
            ("objective: 99%", "objective: 90%"),
            ["page-fast (page) is gone: it fired above 14.4% of errors in 1h and 5m"],
        ),
        (("period: 30d", "period: 30d, description: why"), ["description: not said -> why"]),
    ],
)
def test_each_kind_of_change_of_an_slo_is_named(said, edit, lines):
    out = said(edit)
    assert out.startswith("~ SLO a\n")
    for line in lines:
        assert f"    {line}" in out


def test_slices_of_time_are_not_called_events(said):
    out = said(("ttft: {below: 500ms}", "kvCache: {below: 90%}"))
    assert "page-fast fires above 14.4% of errors in 1h and 5m -> above 14.4% bad slices in 1h and 5m\n" in out


def test_a_tier_that_begins_to_wait_is_told(written, run, tmp_path):
    root = written(ONE, WINDOWS).root
    old = tmp_path / "old"
    shutil.copytree(root, old)
    written(ONE, WINDOWS.replace("long: 1h", "long: 1h, for: 2m"))
    code, out, _ = run("diff", root, "--against", old)
    assert code == 0
    line = "page fires above 14.4% of errors in 1h and 5m -> above 14.4% of errors in 1h and 5m for 2m"
    assert out == f"~ SLO a\n    {line}\n1 changed\n"


def test_a_change_of_owner_is_told_at_the_slo_and_in_who_hears_it(said):
    out = said(("owner: assistants", "owner: other"))
    assert "    owner: assistants -> other\n" in out
    assert '- alert FailsoftDown{failure_mode="failsoft-down", team="assistants"} is gone\n' in out
    assert '+ alert FailsoftDown{failure_mode="failsoft-down", team="other"} is new\n' in out


def test_new_and_gone_slos_are_described(said):
    out = said(("name: a}", "name: b}"))
    assert "- SLO a is gone\n" in out
    assert "+ SLO b is new\n" in out
    assert "    99% over 30d: at most 1% of requests to chat waited longer than 500ms for their first token\n" in out
    assert out.endswith("1 new, 1 gone\n")


def test_what_becomes_of_routes_is_told(said):
    out = said(
        ("file: /etc/failsoft/pagerduty", "file: /etc/failsoft/new-key"),
        ("  people: [{name: ana", "  hours: {}\n  people: [{name: ana"),
        ("scrapeInterval: 15s}", "scrapeInterval: 15s}\n  alertmanager: {groupWait: 10s}"),
    )
    lines = [line.strip() for line in out.splitlines()]
    assert "~ routes" in lines
    assert "receiver pager-assistants is configured differently" in lines
    assert "first told after 5s -> 10s" in lines
    ticket = '{alertname="FailsoftSLOBurn", severity="ticket", team="assistants"}'
    assert f"{ticket}: team-assistants -> team-assistants within team-assistants-hours" in lines
    assert not any('severity="page"' in line for line in lines)


def test_programs_get_json_and_a_script_an_exit_code(run, pair):
    new, old = pair(("objective: 99%", "objective: 99.5%"))
    code, out, _ = run("diff", new, "--against", old, "--output", "json", "--exit-code")
    assert code == 1
    (change,) = json.loads(out)["changes"]
    assert (change["subject"], change["how"]) == ("SLO a", "changed")
    assert run("diff", new, "--against", new, "--exit-code")[0] == 0


def test_a_commit_is_compared_with_what_lies_here(run, pair):
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not on PATH")
    new, old = pair(("objective: 99%", "objective: 99.5%"))
    # the workspace is a folder of a repository, as it mostly is
    home = old.parent / "repository"
    shutil.copytree(old, home / "sre" / "chat")
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first"],
    ):
        subprocess.run([git, *words], cwd=home, check=True)
    here = home / "sre" / "chat"
    assert run("diff", here, "--against", "HEAD")[1] == "nothing changes against HEAD\n"
    for path in new.rglob("*.yaml"):
        (here / path.relative_to(new)).write_text(path.read_text())
    code, out, _ = run("diff", here, "--against", "HEAD")
    assert code == 0
    assert "    objective: 99% -> 99.5%\n" in out
    assert run("diff", here, "--against", "no-such-branch")[0] == 2
    code, _, err = run("diff", here, "--against", "--output=/tmp/x")
    assert code == 2
    assert "neither a folder nor a commit" in err


def test_what_cannot_be_compared_is_told_with_2(run, pair, tmp_path):
    new, old = pair()
    (tmp_path / "nothing").mkdir()
    assert run("diff", new, "--against", tmp_path / "nothing")[0] == 2
    assert run("compile", new, "-o", tmp_path / "out")[0] == 0
    code, _, err = run("diff", new, "--against", tmp_path / "out")
    assert code == 2
    assert "ask `failsoft compile --check` about it" in err
    (old / "slo" / "1.yaml").write_text(ONE.replace("500ms", "300ms"))
    code, _, err = run("diff", new, "--against", old)
    assert code == 2
    assert "FS401" in err
    assert "nothing can be compared" in err
