"""The JSON Schema says what the reader says, and a fresh workspace is one that passes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from failsoft.cli import main
from failsoft.cli.check import findings_of
from failsoft.clients.binaries import run_tool
from failsoft.workspace.kinds import SPECS
from failsoft.workspace.load import shipped
from failsoft.workspace.schema import document_schema

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(document_schema())


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code or 0


def test_the_committed_schema_is_the_generated_one(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run("schema", "-o", "docs/schemas/failsoft.json", "--check") == 0


def test_check_finds_a_stale_schema(tmp_path, capsys):
    stale = tmp_path / "s.json"
    stale.write_text("{}")
    assert run("schema", "-o", str(stale), "--check") == 1
    assert "is not up to date" in capsys.readouterr().err


def documents():
    for folder in ("examples/chat", "slo", "runbooks", "alerts", "drift", "chaos"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield pytest.param(document, id=f"{path.relative_to(ROOT)}:{document['metadata']['name']}")


@pytest.mark.parametrize("document", list(documents()))
def test_every_shipped_document_is_valid_by_the_schema(document):
    assert [error.message for error in SCHEMA.iter_errors(document)] == []


@pytest.mark.parametrize(
    "spec",
    [
        {"model": "a", "indicator": {"ttft": {"below": 500}}, "objective": "99%"},
        {"model": "a", "indicator": {}, "objective": "99%"},
        {"model": "a", "indicator": {"ttft": {"below": "1s"}, "availability": {}}, "objective": "99%"},
        {"model": "a", "indicator": {"availability": {}}, "objective": "99%", "windows": "x"},
        {"model": "a", "indicator": {"availability": {}}, "objective": "99"},
        {"model": "a", "indicator": {"availability": {}}},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(spec):
    document = {"kind": "SLO", "metadata": {"name": "s"}, "spec": spec}
    assert not SCHEMA.is_valid(document)


def test_every_kind_is_in_the_schema():
    assert set(document_schema()["properties"]["kind"]["enum"]) == set(SPECS)


def test_a_fresh_workspace_is_good(tmp_path, capsys, promtool):
    folder, job = tmp_path / "mine", 'vllm "eu"\\1 {x}'
    assert run("init", str(folder), "--model", "chat", "--job", job, "--team", "sre") == 0
    workspace, findings = findings_of(folder)
    assert [finding.severity for finding in findings] == ["info"]  # nobody is paged yet, which is said
    assert workspace.models["chat"].spec.select["job"] == job
    query = workspace.runbooks["look-at-chat"].spec.steps[0].query.promql
    series = f"up{{job={json.dumps(job)}, instance='a:1'}}"
    proof = {
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": "1 1"}, {"series": "up{job='other'}", "values": "1 1"}],
                "promql_expr_test": [
                    {"expr": query, "eval_time": "1m", "exp_samples": [{"labels": series, "value": 1}]}
                ],
            }
        ]
    }
    (tmp_path / "proof.yaml").write_text(yaml.safe_dump(proof))
    judged = run_tool([promtool, "test", "rules", "proof.yaml"], cwd=tmp_path)
    assert judged.ok, judged.stdout + judged.stderr
    assert json.loads((folder / "failsoft.schema.json").read_text()) == document_schema()
    assert "next: failsoft check" in capsys.readouterr().out


def test_init_never_overwrites(tmp_path, capsys):
    assert run("init", str(tmp_path)) == 0
    before = (tmp_path / "failsoft.yaml").read_text()
    assert run("init", str(tmp_path), "--model", "other") == 2
    assert (tmp_path / "failsoft.yaml").read_text() == before
    assert "is there already" in capsys.readouterr().err


def test_init_never_overwrites_a_schema_of_somebody_else(tmp_path, capsys):
    (tmp_path / "failsoft.schema.json").write_text("{}")
    assert run("init", str(tmp_path)) == 2
    assert (tmp_path / "failsoft.schema.json").read_text() == "{}"
    assert not (tmp_path / "failsoft.yaml").exists()
    assert "failsoft.schema.json is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "Not A Name"], "--model 'Not A Name' makes no name; expected at most 63 of a-z"),
        (["--model", "m" * 60], f"makes no name in look-at-{'m' * 60}"),
        (["--team", "Ops"], "--team 'Ops' makes no name"),
        (["--engine", "vlm"], "there is no engine 'vlm'; did you mean vllm?"),
        (["--engine", "generic"], "exports neither ttft nor availability"),
        (["--model", "123"], "these words make no workspace"),
    ],
)
def test_init_refuses_in_one_finding_and_leaves_nothing(tmp_path, capsys, options, said):
    assert run("init", str(tmp_path / "x"), *options) == 2
    assert not (tmp_path / "x").exists()
    told = capsys.readouterr().err
    assert said in told
    assert told.count("error[") <= 1


def test_init_makes_a_good_workspace_for_every_engine_that_has_an_indicator_to_begin_with(tmp_path):
    able = [n for n, e in shipped().engines.items() if e.spec.indicators.ttft or e.spec.indicators.availability]
    assert "vllm" in able
    for name in able:
        assert run("init", str(tmp_path / name), "--engine", name) == 0
        _, findings = findings_of(tmp_path / name)
        assert [str(finding.message) for finding in findings if finding.severity == "error"] == []


def schemas(node, path="$"):
    if isinstance(node, dict):
        yield path, node
        for key, below in node.items():
            yield from schemas(below, f"{path}/{key}")
    elif isinstance(node, list):
        for position, below in enumerate(node):
            yield from schemas(below, f"{path}/{position}")


def test_every_default_and_example_is_what_its_own_schema_takes():
    whole = document_schema()
    seen = 0
    for path, node in schemas(whole):
        values = [*([node["default"]] if "default" in node else []), *node.get("examples", [])]
        if path.endswith("/properties") or not isinstance(node.get("examples", []), list):
            continue
        judge = jsonschema.Draft202012Validator(
            {key: v for key, v in node.items() if key != "$id"} | {"$defs": whole["$defs"]}
        )
        for value in values:
            seen += 1
            assert [f"{path}: {error.message}" for error in judge.iter_errors(value)] == []
    assert seen > 100


def test_defaults_stand_in_the_schema_as_people_write_them():
    defined = document_schema()["$defs"]
    assert defined["PrometheusAt"]["properties"]["scrapeInterval"]["default"] == "15s"
    assert defined["Budget"]["properties"]["spend"]["default"] == "5%"
    assert "title" not in defined["AlertWindowsSpec"]["properties"]["keepFiringFor"]


@pytest.mark.parametrize("name", ["Chat", "chat_70b", "-chat", "chat-", "c" * 64, ""])
def test_the_schema_knows_what_a_name_is(name):
    team = {"slack": "#a", "pager": {"stdout": {}}, "people": [{"name": "ana"}]}
    assert SCHEMA.is_valid({"kind": "Team", "metadata": {"name": "sre"}, "spec": team})
    assert not SCHEMA.is_valid({"kind": "Team", "metadata": {"name": name}, "spec": team})
