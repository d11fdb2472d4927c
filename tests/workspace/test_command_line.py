"""What the command line says where files, disks and libraries fail: one line and exit code 2, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from failsoft.cli import main
from failsoft.cli.common import report
from failsoft.findings import Code, Finding, Place, Severity

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


@pytest.mark.parametrize(
    "words", [["init", "/proc/foo"], ["schema", "-o", "/proc/1/x"], ["compile", str(EXAMPLE), "-o", "/proc/foo"]]
)
def test_a_place_that_cannot_be_written_is_one_line(words, capsys):
    assert run(*words) == 2
    told = capsys.readouterr().err.strip()
    assert told.startswith("failsoft: /proc/")
    assert "\n" not in told


def test_what_is_out_of_date_is_annotated_where_it_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("compile", str(EXAMPLE), "-o", "out", "--check", "--output", "github") == 1
    assert "::error file=out/rules/chat.yaml,title=FS451" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_under_standard_output_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "failsoft", "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "failsoft: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("words", "code"), [("check {}", 0), ("check {} --output json", 0), ("explain FS", 2)])
def test_a_closed_stream_gets_nothing_and_changes_nothing(closed, words, code):
    line = f"exec {sys.executable} -m failsoft {words.format(EXAMPLE)} {closed}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (closed == "2>&-" and code == 0)


@pytest.mark.parametrize(("objective", "code"), [("99%", 0), ("199%", 1)])
def test_a_process_that_ends_at_once_has_said_all_and_ends_with_its_code(tmp_path, capfd, objective, code):
    promise = f"objective: {objective}, indicator: {{ttft: {{below: 1s}}}}"
    slo = f"kind: SLO\nmetadata: {{name: s}}\nspec: {{model: m, {promise}}}\n"
    people = "people: [{name: ana, slack: U0ANA}], slack: '#t', pager: {stdout: {}}"
    team = f"---\nkind: Team\nmetadata: {{name: t}}\nspec: {{{people}}}\n"
    model = "---\nkind: Model\nmetadata: {name: m}\nspec: {engine: vllm, select: {job: m}, owner: t}\n"
    (tmp_path / "failsoft.yaml").write_text(slo + model + team)
    words = ["check", str(tmp_path), "--output", "json"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capfd.readouterr().out
    done = subprocess.run([sys.executable, "-m", "failsoft", *words], capture_output=True, text=True, check=False)
    assert done.returncode == ended.value.code == code
    assert done.stdout == told


def test_every_error_is_shown_and_of_many_warnings_of_a_kind_a_few_and_their_number(capsys):
    """A screen of the same warning hides the error that matters; programs get every finding."""
    error, warning = Code("FS998", "wrong", "Wrong."), Code("FS999", "odd", "Odd.", Severity.WARNING)
    findings = [Finding(code, "is so", Place(f"{n}.yaml")) for code in (error, warning) for n in range(1234)]
    report(findings, "text")
    said = capsys.readouterr().err
    assert (said.count("error[FS998]"), said.count("warning[FS999]")) == (1234, 20)
    assert "\nand 1,214 more FS999\nmore: failsoft explain " in said
    report(findings, "json")
    assert capsys.readouterr().out.count('"FS999"') == 1234


@pytest.mark.parametrize(
    ("words", "library", "extra"),
    [
        (["lab", "demo"], "aiohttp", "lab"),
        (["serve", str(EXAMPLE)], "starlette", "serve"),
        (["incidents", "list", str(EXAMPLE)], "sqlalchemy", "serve"),
        (["chaos", "plan", "chat-spot-reclaim", str(EXAMPLE)], "kubernetes", "kubernetes"),
    ],
)
def test_a_library_of_an_extra_that_is_not_there_is_one_line(words, library, extra):
    blocked = f"import sys; sys.modules[{library!r}] = None; from failsoft.cli import main; main({words!r})"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"pip install 'failsoft[{extra}]'" in done.stderr


def test_a_module_of_ours_that_is_missing_is_a_bug_and_shown_as_one(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "failsoft.workspace.schema", None)
    monkeypatch.delitem(sys.modules, "failsoft.cli.schema", raising=False)
    assert run("schema") == 2
    told = capsys.readouterr().err
    assert "ModuleNotFoundError" in told
    assert told.endswith("failsoft: this is a fault of failsoft; please report it with the lines above\n")
