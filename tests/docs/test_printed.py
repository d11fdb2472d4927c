"""What the pages say that a command prints is what it prints, on the workspace that they speak of.

To write down what is printed now: `UPDATE_DOCS=1 pytest tests/docs`, then read the difference.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from failsoft.alerts.dashboards import BOARDS
from failsoft.workspace.load import shipped

from .console import ROOT, Shell, holds


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Shell()


@pytest.fixture
def chat():
    """The example in the current folder, as `chat`."""

    def copied() -> Path:
        shutil.copytree(ROOT / "examples" / "chat", "chat")
        return Path("chat")

    return copied


@pytest.fixture
def believed(monkeypatch):
    """`failsoft test` without the programs that prove: other tests run those, this is about what is counted."""
    monkeypatch.setattr("failsoft.clients.binaries.find", Path)
    monkeypatch.setattr("failsoft.cli.proving.check_tools", lambda *_: None)
    monkeypatch.setattr("failsoft.cli.proving.prove", lambda *_: ())
    monkeypatch.setattr("failsoft.cli.proving_routes.prove_routes", lambda *_: ())


def edit(file, before, after):
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{before!r} in {file}"
    file.write_text(text.replace(before, after), encoding="utf-8")


_SPEC = r"^```yaml\nkind: KIND\n(?:metadata: [^\n]*\n)?spec:\n(.*?)^```$"


def yaml_of(page, kind):
    """The first specification that a page shows for a kind."""
    found = re.search(_SPEC.replace("KIND", kind), read(page), re.MULTILINE | re.DOTALL)
    return found[1]


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def test_the_five_minutes_of_the_readme(shell, believed):
    holds(shell, "README.md", 0)
    file = Path("mine/failsoft.yaml")
    edit(file, "below: 500ms", "below: 600ms")
    holds(shell, "README.md", 1)
    edit(file, "below: 600ms", "below: 750ms")
    holds(shell, "README.md", 2)


def test_what_is_compiled_and_when_it_is_out_of_date(shell, chat):
    root = chat()
    with (root / "failsoft.yaml").open("a", encoding="utf-8") as file:
        file.write(yaml_of("docs/outputs.md", "Workspace"))
    holds(shell, "docs/outputs.md", 0)
    git = ["git", "-c", "user.name=ana", "-c", "user.email=ana@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "a workspace"], check=True)
    subprocess.run([*git, "update-ref", "refs/remotes/origin/main", "HEAD"], check=True)
    slos = root / "slo" / "chat.yaml"
    slos.write_text(slos.read_text(encoding="utf-8").replace("objective: 99%", "objective: 99.5%", 1), encoding="utf-8")
    holds(shell, "docs/outputs.md", 1)
    holds(shell, "docs/outputs.md", 2)


def test_who_hears_an_alert(shell, chat):
    root = chat()
    with (root / "teams" / "assistants.yaml").open("a", encoding="utf-8") as file:
        file.write(yaml_of("docs/routes.md", "Team"))
    holds(shell, "docs/routes.md", 0)


@pytest.mark.parametrize("number", [0, 1])
def test_what_is_known_of_engines(shell, number):
    holds(shell, "docs/catalog.md", number)


SERVER, STORES = "http://vllm:8000/metrics", "http://prometheus:9090"
BUCKET = r'vllm:time_to_first_token_seconds_bucket\{[^\n]*le="'


@pytest.fixture
def answers(monkeypatch):
    """What stands at the addresses that the page names: a scrape, and a Prometheus with exponential buckets."""
    held = {SERVER: read("tests/data/scrapes/vllm-0.32.0.prom")}
    native = {"data": {"result": [{"histogram": [0, {"buckets": [[0, "0.5", "0.545253866332629", "1"]]}]}]}}

    def said(where, *, token=""):
        return json.dumps(native) if where.startswith(STORES) else held[where]

    monkeypatch.setattr("failsoft.clients.exposition.read_exposition", said)
    return held


@pytest.mark.parametrize(("number", "before", "after"), [(2, "500ms", "300ms"), (3, "engine: vllm", "engine: tgi")])
def test_what_an_engine_cannot_measure_is_refused(shell, number, before, after):
    shell.run("failsoft init ws")
    file = Path("ws/failsoft.yaml")
    text = file.read_text(encoding="utf-8").partition("my-model-availability")[0].rpartition("---")[0]
    paged = text.replace("pager: {stdout: {}}", "pager: {pagerduty: {routingKey: {file: /etc/key}}}")
    file.write_text(paged.replace("my-model", "chat"), encoding="utf-8")
    edit(file, before, after)
    holds(shell, "docs/catalog.md", number)


def test_a_catalogue_is_held_against_a_server(shell, answers):
    holds(shell, "docs/catalog.md", 4)
    kept = re.sub(rf'{BUCKET}(?!0\.5"|1\.0"|\+Inf")[^\n]*\n', "", answers[SERVER])
    answers[SERVER] = re.sub(rf'({BUCKET})0\.5"', r'\g<1>0.3"', kept)
    holds(shell, "docs/catalog.md", 5)


@pytest.mark.parametrize("number", [6, 7])
def test_the_bounds_of_a_server_are_locked(shell, answers, number):
    assert answers
    shell.run("failsoft init .")
    holds(shell, "docs/catalog.md", number)


@pytest.mark.parametrize(
    ("number", "name", "called"),
    [(0, "getting-started", "sloth"), (1, "raw-home-wifi", "raw-home-wifi")],
)
def test_files_of_sloth_are_converted(shell, number, name, called):
    shutil.copy(ROOT / "tests" / "data" / "exchange" / "sloth" / f"{name}.yml", f"{called}.yml")
    holds(shell, "docs/convert.md", number)


def test_numbers_that_pages_name():
    readme, library, dashboards = read("README.md"), read("docs/alert-library.md"), read("docs/dashboards.md")
    rules = shipped().alert_rules.values()
    pages = sum(rule.spec.severity == "page" for rule in rules)
    assert f"{len(rules)} alerts ship, {pages} of them page." in library
    assert f"{len(rules)} alerts for GPUs" in readme
    engines = sum(bool(engine.spec.families) for engine in shipped().engines.values())
    assert f"on {engines} serving engines" in readme
    board = next(board for board in BOARDS if board.name == "failsoft-slo")
    assert f"slo.html: {len(board.panels)} panels, 0 without data" in dashboards


@pytest.mark.parametrize("group", ["alerts", "catalog", "chaos", "incidents", "lab"])
def test_the_help_of_a_group_says_whole_sentences(shell, group):
    first = [line for line in shell.run(f"failsoft {group} --help").splitlines() if not line.startswith("Usage:")]
    assert "..." not in "".join(first)
