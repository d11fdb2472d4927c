"""Where nothing that is read and nothing that was written has changed, a second run reads nothing and says the same."""

import json
import os
from pathlib import Path

import pytest

from failsoft.cli import compile as command
from failsoft.cli import main, sealed

FILES = {
    "failsoft.yaml": """
kind: Workspace
metadata: {name: w}
spec:
  prometheus: {url: "http://prometheus:9090", scrapeInterval: 15s}
  server: {url: "http://failsoft:8080"}
""",
    "teams/sre.yaml": """
kind: Team
metadata: {name: sre}
spec: {slack: "#sre", people: [{name: ana, slack: U0ANA}], oncall: [ana], pager: {stdout: {}}}
""",
    "models/chat.yaml": """
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat}, owner: sre}
""",
    "slo/chat.yaml": """
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
---
kind: SLO
metadata: {name: chat-drift}
spec: {model: chat, indicator: {drift: {monitor: output, signal: output-length}}, objective: 99%}
""",
    "drift/output.yaml": """
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: drift/output.json, signals: [output-length]}
""",
    "drift/output.json": "{}",
    "notes/elsewhere.yaml": "just: notes\n",
}
REVISION = "revision: {series: {metric: kube_pod_container_info, label: image_id}}"
EXCLUSION = """
kind: Exclusion
metadata: {name: once}
spec: {from: 2030-01-01T00:00Z, to: 2030-01-01T01:00Z, slos: [chat-ttft], author: ana, reason: move}
"""


@pytest.fixture
def root(tmp_path):
    for path, text in FILES.items():
        (tmp_path / "w" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "w" / path).write_text(text)
    return tmp_path / "w"


@pytest.fixture(autouse=True)
def reads(monkeypatch):
    """How often a workspace was read."""
    monkeypatch.setattr(command, "_MANY_KEPT", 0)
    read = []
    real = command.load_clean
    monkeypatch.setattr(command, "load_clean", lambda *words: read.append(1) or real(*words))
    return read


@pytest.fixture
def run(root, capsys):
    def run(*words, out="out"):
        with pytest.raises(SystemExit) as ended:
            main(["compile", str(root), "-o", str(root.parent / out), *words])
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return run


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_the_second_run_reads_nothing_and_says_the_same(run, reads, form):
    first = run("--output", form)
    second = run("--output", form)
    assert len(reads) == 1
    third = run("--output", form, "--no-cache")
    assert len(reads) == 2
    assert second == third
    assert second[2] == first[2]
    assert "FS4" in second[1] + second[2]  # there is something to say


def edited(path, old="500ms", new="1s"):
    return lambda root: (root / path).write_text((root / path).read_text().replace(old, new))


def linked(root):
    (root / "slo" / "link.yaml").symlink_to(root.parent / "away.yaml")
    (root.parent / "away.yaml").write_text("kind: SLO\n")


CHANGES = {
    "a document": edited("slo/chat.yaml"),
    "a comment": edited("slo/chat.yaml", "kind: SLO", "# one\nkind: SLO"),
    "a new file": lambda root: (root / "slo" / "more.yaml").write_text("kind: SLO\n"),
    "a file that is gone": lambda root: (root / "notes" / "elsewhere.yaml").unlink(),
    "a document where none is read": edited("notes/elsewhere.yaml", "just: notes", "kind: SLO"),
    "a reference": edited("drift/output.json", "{}", "{ }"),
    "a reference that is gone": lambda root: (root / "drift" / "output.json").unlink(),
    "a name": lambda root: (root / "slo" / "chat.yaml").rename(root / "slo" / "other.yaml"),
    "a link": linked,
    "a link to a folder": lambda root: (root / "slo" / "there").symlink_to(root / "models"),
    "a pipe": lambda root: os.mkfifo(root / "slo" / "pipe.yaml"),
    "rules": lambda root: (root.parent / "out" / "rules" / "chat.yaml").write_text("# Written by failsoft compile \n"),
    "rules that are gone": lambda root: (root.parent / "out" / "rules" / "chat.yaml").unlink(),
    "no manifest": lambda root: next((root.parent / "out").glob("*manifest.json")).unlink(),
    "no folder": lambda root: (root.parent / "out").rename(root.parent / "moved"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_any_change_it_is_read(root, run, reads, change):
    run()
    CHANGES[change](root)
    ours = run()
    assert len(reads) == 2
    code, said, _ = ours
    truth = run("--no-cache", out="fresh")
    assert (code, ours[2]) == (truth[0], truth[2].replace("fresh", "out"))
    if not code:
        assert said.partition(":")[2].split(", ")[:2] == truth[1].partition(":")[2].split(", ")[:2]
        paths = [one for one in (root.parent / "fresh").rglob("*") if one.is_file()]
        for path in paths:
            assert (root.parent / "out" / path.relative_to(root.parent / "fresh")).read_text() == path.read_text()


@pytest.mark.parametrize(
    "words", [("--no-tests",), ("--check",), ("--no-cache",), ("--format", "mimir"), ("--label", "a=b")]
)
def test_whoever_asks_for_something_else_gets_it(run, reads, words):
    run()
    run(*words)
    assert len(reads) == 2


def test_another_code_another_python_and_another_place_read_again(run, reads, monkeypatch, tmp_path):
    run()
    with monkeypatch.context() as patched:
        patched.setattr(sealed, "code", lambda: "another")
        run()
    assert len(reads) == 2
    run()
    with monkeypatch.context() as patched:
        patched.setattr(sealed.sys, "version", "another Python")
        run()
    monkeypatch.chdir(tmp_path)
    run()
    assert len(reads) == 5


def test_what_changes_while_it_is_read_is_not_believed_to_be_what_was_read(root, run, reads, monkeypatch):
    real = command.compiled

    def compiled(*words, **more):
        edited("slo/chat.yaml")(root)
        return real(*words, **more)

    with monkeypatch.context() as patched:
        patched.setattr(command, "compiled", compiled)
        run()
    run()
    assert len(reads) == 2
    assert "1s" in (root.parent / "out" / "rules" / "chat.yaml").read_text()


@pytest.mark.parametrize("late", [False, True])
def test_what_changes_while_it_is_hashed_is_not_believed_to_be_what_was_read(root, run, reads, monkeypatch, late):
    real = sealed._digests

    def digests(*words):
        made = real(*words) if late else None
        edited("slo/chat.yaml")(root)
        return made or real(*words)

    with monkeypatch.context() as patched:
        patched.setattr(sealed, "_digests", digests)
        run()
    run()
    assert len(reads) == 2
    assert "1s" in (root.parent / "out" / "rules" / "chat.yaml").read_text()


def excluded(root):
    (root / "slo" / "exclusion.yaml").write_text(EXCLUSION)


def referred(path):
    """References in a folder of this name."""

    def change(root):
        (root / path).mkdir()
        (root / path / "one.json").write_text("{}")
        edited("drift/output.yaml", "drift/output.json", f"{path}, {REVISION}")(root)

    return change


def based(root):
    (root / "theirs").mkdir()
    (root / "theirs" / "alertmanager.yaml").write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    edited("failsoft.yaml", "spec:", "spec:\n  alertmanager: {base: theirs/alertmanager.yaml}")(root)


def at_work(zone):
    return edited("teams/sre.yaml", "spec: {", f"spec: {{hours: {{timeZone: {zone}}}, ")


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (excluded, 2),
        (referred("../references"), 2),
        (referred(".references"), 2),
        (referred("drift/.references"), 2),
        (referred("references"), 1),
        (based, 2),
        (at_work("Europe/Berlin"), 2),
        (at_work("UTC"), 1),
    ],
)
def test_what_depends_on_more_than_the_workspace_is_always_read(root, run, reads, change, read):
    change(root)
    code, _, told = run()
    assert code == 0, told
    run()
    assert len(reads) == read


def test_a_hidden_link_to_references_is_not_believed_to_lead_where_it_did(root, run, reads):
    for name in ("one", "two"):
        (root / f"{name}.json").write_text("{}")
    (root / ".links").mkdir()
    (root / ".links" / "now.json").symlink_to(root / "one.json")
    edited("drift/output.yaml", "drift/output.json", ".links/now.json")(root)
    assert run()[0] == 0
    run()
    assert len(reads) == 2


def test_only_the_newest_notes_stay_and_none_of_a_folder_that_is_gone(root, run, reads):
    folder = root / ".failsoft" / "compiled"
    for number in range(10):
        run("--no-tests", out=f"out{number}")
    assert len(list(folder.glob("*.said.json"))) == 8
    for number in (8, 9):
        run("--no-tests", out=f"out{number}")
    assert len(reads) == 10
    for number in range(2, 9):
        (root.parent / f"out{number}").rename(root.parent / f"gone{number}")
    run("--no-tests")
    assert len(list(folder.glob("*.said.json"))) == 2


def test_a_note_that_somebody_damaged_says_nothing(root, run, reads):
    run()
    (note,) = (root / ".failsoft" / "compiled").glob("*.said.json")
    text = note.read_text()
    for damaged in ("", "{}", text[:-1], text.replace("SLOs", "SLO5"), "\n" + json.dumps({"folder": 1})):
        note.write_text(damaged)
        assert run()[0] == 0
    assert len(reads) == 6


def test_a_folder_within_the_workspace_is_no_part_of_what_is_read(root, reads, capsys, monkeypatch):
    def run():
        with pytest.raises(SystemExit):
            main(["compile", ".", "-o", "out"])
        return capsys.readouterr()

    monkeypatch.chdir(root)
    for _ in range(2):
        first = run()
    assert len(reads) == 1
    (Path("out") / "mine.yaml").write_text("kind: SLO\nmetadata: {name: x}\n")
    assert "out/mine.yaml" in run().err
    assert len(reads) == 2
    assert "mine" not in first.err


def test_errors_are_found_again(root, run, reads):
    edited("slo/chat.yaml", "objective: 99%", "objective: 199%")(root)
    assert [run()[0] for _ in range(2)] == [1, 1]
    assert len(reads) == 2
