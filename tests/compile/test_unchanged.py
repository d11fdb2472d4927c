"""Unchanged documents are not compiled again, and what is kept is never older than the documents it was made of."""

import json
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from failsoft.alerts import compile as compiler
from failsoft.cli import compile as command
from failsoft.cli import kept, main
from failsoft.slo import exclusions

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"
FILES = {
    "failsoft.yaml": """
kind: Workspace
metadata: {name: w}
spec:
  prometheus: {url: "http://prometheus:9090", scrapeInterval: 15s}
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/secret}}
  output: {names: failsoft}
  links: {runbook: "https://git.example.com/{runbook}", dashboard: "https://grafana.example.com/d/{slo}"}
""",
    "teams/sre.yaml": """
kind: Team
metadata: {name: sre}
spec: {slack: "#sre", people: [{name: ana, slack: U0ANA}], oncall: [ana], pager: {stdout: {}}}
""",
    "models/own-engine.yaml": """
kind: Engine
metadata: {name: mine}
spec:
  source: {version: "1", evidence: scrape}
  buckets: {ttft: {bounds: [100, 250, 1000]}}
  families: {mine_ttft_milliseconds: {type: histogram, unit: ms, buckets: ttft}}
  indicators: {ttft: {family: mine_ttft_milliseconds}}
""",
    "models/lock.yaml": """
kind: EngineLock
metadata: {name: theirs}
spec: {engine: vllm, bounds: {"vllm:time_to_first_token_seconds": [0.25, 0.5, 1, 2]}}
""",
    "models/chat.yaml": """
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat}, owner: sre}
---
kind: Model
metadata: {name: own}
spec: {engine: mine, select: {app: own}, owner: sre}
""",
    "slo/chat.yaml": """
# of chat
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
---
kind: SLO
metadata: {name: chat-availability}
spec: {model: chat, indicator: {availability: {}}, objective: 99.5%, period: 28d, description: All of it.}
---
kind: SLO
metadata: {name: chat-drift}
spec: {model: chat, indicator: {drift: {monitor: output, signal: output-length}}, objective: 99%}
""",
    "slo/own.yaml": """
kind: SLO
metadata: {name: own-ttft}
spec: {model: own, indicator: {ttft: {below: 250ms}}, objective: 99%}
""",
    "slo/windows.yaml": """
kind: AlertWindows
metadata: {name: ours}
spec:
  period: 30d
  keepFiringFor: 5m
  tiers:
    - {name: page-fast, severity: page, budget: 2%, short: 5m, long: 1h}
    - {name: ticket-slow, severity: ticket, budget: 10%, short: 6h, long: 3d}
""",
    "slo/nodes.yaml": """
kind: Exclusion
metadata: {name: nodes}
spec:
  slos: [chat-ttft]
  reason: Nodes are patched.
  author: ana
  weekly: {days: [sunday], start: "03:00", end: "04:00", timeZone: Europe/Berlin}
  from: "2026-01-01T00:00Z"
  to: "2027-12-31T00:00Z"
""",
    "drift/output.yaml": """
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: drift/chat-output.json, signals: [output-length], window: 1h, maxAge: 6h, every: 1m}
""",
    "alerts/own.yaml": """
kind: AlertRule
metadata: {name: chat-gone}
spec:
  topic: engines
  failureMode: chat-gone
  severity: ticket
  because: Nobody sees it otherwise.
  about: engine
  expr: sum by (job) (vllm:num_requests_waiting) > 5
  for: 10m
  summary: It waits.
  description: Look.
  needs: [{exporter: vllm, metrics: [vllm:num_requests_waiting]}]
  differs: [{from: kv-cache-saturated, by: waiting}]
  tests:
    - name: waits
      series: {'vllm:num_requests_waiting{job="a"}': 9x60}
      fires: [{at: 40m, labels: {job: a}}]
      quiet: [5m]
    - {name: runs, series: {'vllm:num_requests_waiting{job="a"}': 1x60}, quiet: [40m]}
""",
    "runbooks/look.yaml": """
kind: Runbook
metadata: {name: look}
spec: {answers: {slos: [chat-ttft, own-ttft]}, steps: [{page: {}}]}
""",
}
MORE = """
kind: SLO
metadata: {name: more}
spec: {model: own, indicator: {ttft: {below: 1000ms}}, objective: 99%}
---
kind"""
MOVED = "{model: chat, indicator: {ttft: {below: 1s}}"
EDITS = {
    "prometheus": ("failsoft.yaml", "scrapeInterval: 15s", "scrapeInterval: 30s"),
    "link": ("failsoft.yaml", "git.example.com", "code.example.com"),
    "names": ("failsoft.yaml", "names: failsoft", "names: sloth"),
    "late samples": ("failsoft.yaml", "output: {", "output: {queryOffset: 1m, "),
    "team": ("teams/sre.yaml", "stdout: {}", "pagerduty: {routingKey: {file: /etc/key}}"),
    "engine": ("models/own-engine.yaml", "mine_ttft_milliseconds", "mine_first_milliseconds"),
    "lock": ("models/lock.yaml", "[0.25, 0.5, 1, 2]", "[0.5, 1, 2]"),
    "histograms": ("models/lock.yaml", "bounds:", 'native: {"vllm:time_to_first_token_seconds": 3}, bounds:'),
    "model": ("models/chat.yaml", "select: {job: vllm,", "select: {job: other,"),
    "other model": ("models/chat.yaml", "app: own", "app: theirs"),
    "owner": ("models/chat.yaml", "owner: sre}\n---", "owner: sre, coldStart: 4m}\n---"),
    "objective": ("slo/chat.yaml", "99.5%", "99.9%"),
    "description": ("slo/chat.yaml", "All of it.", "None of it."),
    "name": ("slo/chat.yaml", "name: chat-availability", "name: chat-up"),
    "threshold": ("slo/own.yaml", "250ms", "100ms"),
    "new SLO": ("slo/own.yaml", "\nkind", MORE),
    "moved SLO": ("slo/own.yaml", "{model: own, indicator: {ttft: {below: 250ms}}", MOVED),
    "windows": ("slo/windows.yaml", "budget: 2%", "budget: 3%"),
    "exclusion": ("slo/nodes.yaml", "03:00", "02:00"),
    "exclusion's SLOs": ("slo/nodes.yaml", "[chat-ttft]", "[chat-drift, own-ttft]"),
    "monitor": ("drift/output.yaml", "every: 1m", "every: 5m"),
    "alert": ("alerts/own.yaml", "for: 10m", "for: 20m"),
    "runbook": ("runbooks/look.yaml", "name: look", "name: look-again"),
    "runbook's SLOs": ("runbooks/look.yaml", "chat-ttft, own-ttft", "own-ttft"),
}


@pytest.fixture
def root(tmp_path):
    for path, text in FILES.items():
        target = tmp_path / "w" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for path in (EXAMPLE / "drift").glob("*.json"):
        shutil.copy(path, tmp_path / "w" / "drift")
    return tmp_path / "w"


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(command, "_MANY_KEPT", 0)


@pytest.fixture
def compiled(root, capsys):
    """Compiles the workspace beside it; hands back the folder's files, and what was said last."""

    def run(out, *words):
        with pytest.raises(SystemExit) as ended:
            main(["compile", str(root), "-o", str(root.parent / out), *words])
        said = capsys.readouterr()
        assert not ended.value.code, said.err
        folder = root.parent / out
        files = {one.relative_to(folder).as_posix(): one.read_text() for one in folder.rglob("*") if one.is_file()}
        return files, said.out.replace(str(folder), "OUT")

    return run


@pytest.fixture
def made(monkeypatch):
    """The SLOs whose rules were made."""
    names = []
    real = compiler.groups_of
    monkeypatch.setattr(compiler, "groups_of", lambda one, links: names.append(one.name) or real(one, links))
    return names


def edit(root, name, *, back=False):
    path, old, new = EDITS[name]
    text = (root / path).read_text()
    old, new = (new, old) if back else (old, new)
    assert old in text, name
    (root / path).write_text(text.replace(old, new))


def counted(said):
    """SLOs and alerts, as the last line says them."""
    return said.partition(", ")[0], said.split(", ")[1]


def test_nothing_is_stale_after_any_edit_of_any_kind_of_document(root, compiled):
    plain, _ = compiled("kept", "--no-tests")
    without = {}
    for name in EDITS:
        edit(root, name)
        (ours, said), (truth, told) = compiled("kept", "--no-tests"), compiled("fresh", "--no-tests", "--no-cache")
        assert ours == truth, name
        assert counted(said) == counted(told), name
        without[name] = truth
        edit(root, name, back=True)
    assert compiled("kept", "--no-tests")[0] == plain
    silent = {name for name, files in without.items() if files == plain}
    assert silent <= {"lock", "alert"}, "an edit that changes nothing shows nothing"


def test_nothing_is_stale_on_a_random_walk_over_edits_and_flags(root, compiled):
    chance = random.Random(7)
    done = set()
    for _ in range(12):
        for name in chance.sample(sorted(EDITS), 2):
            # two edits of one line stand in each other's way
            path, old, new = EDITS[name]
            if (new if name in done else old) in (root / path).read_text():
                edit(root, name, back=name in done)
                done ^= {name}
        flags = chance.choice([("--no-tests",), (), ("--format", "mimir")])
        assert compiled("kept", *flags)[0] == compiled("fresh", *flags, "--no-cache")[0], (done, flags)


def test_only_the_model_that_changed_is_compiled_again(root, compiled, made):
    compiled("kept")
    assert sorted(made) == ["chat-availability", "chat-drift", "chat-ttft", "own-ttft"]
    made.clear()
    _, said = compiled("kept")
    assert made == []
    assert " 0 of " in said
    edit(root, "threshold")
    _, said = compiled("kept")
    assert made == ["own-ttft"]
    assert " 4 of " in said  # rules, tests, and the tests of the budget and of the windows


@pytest.mark.parametrize("words", [("--no-cache",), ("--check",)])
def test_on_demand_and_for_a_judgement_everything_is_made(compiled, made, words):
    compiled("kept")
    made.clear()
    compiled("kept", *words)
    assert len(made) == 4


def test_another_code_keeps_nothing(compiled, made, monkeypatch):
    compiled("kept")
    made.clear()
    monkeypatch.setattr(kept.sys, "version", "another Python")
    compiled("kept")
    assert len(made) == 4


def test_other_tables_of_time_zones_keep_nothing(compiled, made, monkeypatch):
    compiled("kept")
    made.clear()
    monkeypatch.setattr(exclusions, "_offset", lambda zone, moment: 7_200)
    assert compiled("kept")[0] == compiled("fresh", "--no-cache")[0]
    assert len(made) == 8


@pytest.mark.parametrize("path", ["rules/chat.yaml", "tests/chat-ttft.test.yaml"])
@pytest.mark.parametrize("how", ["touched", "removed"])
def test_a_file_that_somebody_touched_is_made_again(root, compiled, path, how):
    before, _ = compiled("kept")
    there = root.parent / "kept" / path
    there.write_text(there.read_text() + "# mine\n") if how == "touched" else there.unlink()
    assert compiled("kept")[0] == before


def test_a_folder_that_was_exchanged_whole_is_not_believed(root, compiled):
    """As after a checkout of another branch: the manifest agrees with the files, and neither with the documents."""
    first, _ = compiled("kept")
    edit(root, "objective")
    second, _ = compiled("kept")
    for path, text in first.items():
        (root.parent / "kept" / path).write_text(text)
    assert compiled("kept")[0] == second


def broken(text):
    head, _, body = text.partition("\n")
    entries = json.loads(body)
    return {
        "cut short": text[: len(text) // 2],
        "empty": "",
        "of somebody else": "{}",
        "not UTF-8": "\udcff\n",
        "changed by hand": f"{head}\n{body.replace('chat', 'cha7')}",
        "a list": signed(json.dumps([1])),
        "of other types": signed(json.dumps({model: {**one, "files": 3} for model, one in entries.items()})),
        "leading out": signed(json.dumps({model: {**one, "files": {"../x": "0"}} for model, one in entries.items()})),
    }


def signed(body):
    return f"{kept.digest(body.encode())}\n{body}\n"


def test_a_damaged_or_foreign_cache_is_ignored(root, compiled, made):
    before, _ = compiled("kept")
    (cache,) = (root / ".failsoft" / "compiled").glob("*.json")
    for how, text in broken(cache.read_text()).items():
        made.clear()
        cache.write_bytes(text.encode(errors="surrogateescape"))
        assert compiled("kept")[0] == before, how
        assert len(made) == 4, how
        assert Counter(made).most_common(1)[0][1] == 1


def test_a_workspace_that_cannot_be_written_compiles_all_the_same(root, compiled):
    (root / ".failsoft").write_text("no folder")
    files, said = compiled("kept")
    assert "rules/chat.yaml" in files
    assert compiled("kept")[0] == files
    assert "4 SLOs" in said


def test_the_cache_stays_out_of_git_and_small_workspaces_have_none(root, compiled, monkeypatch):
    monkeypatch.setattr(command, "_MANY_KEPT", 5)
    compiled("kept")
    assert not (root / ".failsoft").exists()
    monkeypatch.setattr(command, "_MANY_KEPT", 4)
    compiled("kept")
    assert (root / ".failsoft" / "compiled" / ".gitignore").read_text() == "*\n"
