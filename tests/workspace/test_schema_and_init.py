"""The JSON Schema says what the reader says, and a fresh workspace is one that passes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from failsoft.cli import main
from failsoft.workspace.kinds import SPECS
from failsoft.workspace.load import load
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


def test_a_fresh_workspace_is_good(tmp_path, capsys):
    folder = tmp_path / "mine"
    assert run("init", str(folder), "--model", "chat", "--job", 'vllm "eu"\\1', "--team", "sre") == 0
    workspace, findings = load(folder)
    assert findings == ()
    assert workspace.models["chat"].spec.select["job"] == 'vllm "eu"\\1'
    assert json.loads((folder / "failsoft.schema.json").read_text()) == document_schema()
    assert "next: failsoft check" in capsys.readouterr().out


def test_init_never_overwrites(tmp_path, capsys):
    assert run("init", str(tmp_path)) == 0
    before = (tmp_path / "failsoft.yaml").read_text()
    assert run("init", str(tmp_path), "--model", "other") == 2
    assert (tmp_path / "failsoft.yaml").read_text() == before
    assert "is there already" in capsys.readouterr().err


def test_init_refuses_names_that_make_no_workspace(tmp_path, capsys):
    assert run("init", str(tmp_path / "x"), "--model", "Not A Name") == 2
    assert not (tmp_path / "x" / "failsoft.yaml").exists()
    assert "is no name" in capsys.readouterr().err
