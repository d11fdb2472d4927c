"""`failsoft compile` and `failsoft test` as commands: what they write, print and exit with."""

import json
import re

import pytest

SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: BELOW}}, objective: 99%, period: 30m}
"""
RUNBOOK = """
kind: Runbook
metadata: {name: look}
spec: {answers: {slos: [s]}, steps: [{page: {}}]}
"""


@pytest.fixture
def root(written, base, lab_windows):
    """Writes a workspace of the lab's clocks and hands back its folder."""

    def make(below="500ms"):
        quick = base.replace("scrapeInterval: 15s", "scrapeInterval: 1s")
        return written(SLO.replace("BELOW", below), lab_windows, RUNBOOK, base=quick).root

    return make


def test_compile_writes_rules_tests_and_routes(run, root, tmp_path):
    code, out, err = run("compile", root(), "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    told = re.escape(f"{tmp_path / 'out'}: 1 SLO, 8 alerts, ")
    assert re.fullmatch(told + r"(\d+) of \1 files changed\n", out)
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.yaml")}
    assert names == {
        "alertmanager.yaml",
        "rules/_failsoft.yaml",
        "rules/_models.yaml",
        "rules/chat.yaml",
        "tests/_failsoft.test.yaml",
        "tests/_models-chat.test.yaml",
        "tests/s.budget.test.yaml",
        "tests/s.test.yaml",
        "tests/s.windows.test.yaml",
    }
    code, out, _ = run("compile", root(), "-o", tmp_path / "out")
    assert re.search(r"\b0 of [0-9]+ files changed", out)
    assert run("compile", root(), "-o", tmp_path / "rules-only", "--no-tests")[0] == 0
    assert not (tmp_path / "rules-only" / "tests").exists()


def test_with_an_error_nothing_is_written(run, root, tmp_path):
    code, _, err = run("compile", root("300ms"), "-o", tmp_path / "out")
    assert code == 1
    assert "FS401" in err
    assert not (tmp_path / "out").exists()


def test_findings_come_in_the_form_that_was_asked_for(run, root, tmp_path):
    code, out, _ = run("compile", root("300ms"), "-o", tmp_path / "out", "--output", "json")
    assert code == 1
    assert "FS401" in json.dumps(json.loads(out))


def test_a_folder_that_is_no_workspace_cannot_be_started(run, tmp_path):
    assert run("compile", tmp_path / "nowhere", "-o", tmp_path / "out")[0] == 2


def test_test_proves_and_prints_the_coverage(run, root, promtool, amtool):
    folder = root()
    code, out, err = run("test", folder)
    assert code == 0
    # on a slow machine it says every few seconds how far it is
    assert all(line.startswith("proving: ") for line in err.splitlines())
    assert out.splitlines() == [
        "s             2 of 2 alerts with a fire and a quiet test",
        "_models-chat  4 of 4 alerts with a fire and a quiet test",
        "_failsoft     2 of 2 alerts with a fire and a quiet test",
        f"{folder}: 8 alerts proven",
    ]


def test_a_promtool_that_does_not_start_is_told_with_2(run, root, tmp_path, amtool):
    broken = tmp_path / "promtool"
    broken.write_text("")
    code, _, err = run("test", root(), "--promtool", broken)
    assert code == 2
    assert "promtool does not start" in err
