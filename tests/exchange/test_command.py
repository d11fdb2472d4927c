"""`failsoft convert` as a command, and what no input may do to it."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from failsoft.exchange import convert
from failsoft.findings import Finding, render
from failsoft.workspace.read import read_text

from .test_openslo import SLI, SLO, SOURCE

DATA = Path(__file__).parents[1] / "data" / "exchange"


@pytest.fixture
def example(data):
    return data / "sloth" / "getting-started.yml"


def test_a_new_workspace_is_written_that_is_clean(run, example, tmp_path):
    code, out, err = run("convert", example, "-o", tmp_path / "new")
    assert code == 0
    new = tmp_path / "new"
    assert out == f"{new}: 1 SLO in 4 files; next: failsoft check {new} && failsoft test {new}\n"
    assert "FS615" in err
    assert (new / "failsoft.yaml").read_text().startswith("# Written by failsoft convert. It is yours now.\n")
    assert run("check", tmp_path / "new")[0] == 0


def test_it_goes_into_a_workspace_that_is_there(run, example, tmp_path):
    assert run("convert", example, "-o", tmp_path)[0] == 0
    other = tmp_path / "other.yml.txt"
    other.write_text(example.read_text().replace('service: "myservice"', 'service: "other"'))
    code, out, _ = run("convert", other, "-o", tmp_path)
    assert code == 0
    assert "1 SLO in 2 files" in out
    assert run("check", tmp_path)[0] == 0


def test_nothing_is_overwritten_and_nothing_half_written(run, example, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "myservice.yaml").write_text("# mine\n")
    before = sorted(tmp_path.rglob("*"))
    code, _, err = run("convert", example, "-o", tmp_path)
    assert code == 2
    assert "is there already" in err
    assert sorted(tmp_path.rglob("*")) == before


def test_strict_refuses_what_is_not_kept(run, example, tmp_path):
    code, _, err = run("convert", example, "-o", tmp_path / "new", "--strict")
    assert code == 1
    assert "error[FS613]" in err
    assert not (tmp_path / "new").exists()


def test_strict_refuses_a_workspace_that_asks_another_prometheus(run, tmp_path):
    source, folder = tmp_path / "slo.yaml.txt", tmp_path / "new"
    source.write_text("---".join((SOURCE, SLI, SLO.replace(", tier: [a, b]", ""))))
    assert run("convert", source, "-o", folder, "--strict")[0] == 0
    source.write_text(source.read_text().replace("shop", "store"))
    assert run("convert", source, "-o", folder, "--strict")[0] == 0, "it is the one that is asked"
    source.write_text(source.read_text().replace("store", "market").replace("prometheus:9090", "other:9090"))
    before = {path: path.read_text() for path in folder.rglob("*.yaml")}
    code, _, err = run("convert", source, "-o", folder, "--strict")
    assert (code, {path: path.read_text() for path in folder.rglob("*.yaml")}) == (1, before)
    assert "error[FS613] the connection of the source prom is not kept" in err


def test_strict_takes_what_loses_nothing_and_tells_what_is_to_be_filled_in(run, example, tmp_path):
    """A team to be filled in comes with every new workspace: were it an error, nothing would ever pass."""
    spec = yaml.safe_load(example.read_text())
    for slo in spec["slos"]:
        slo["alerting"] = {}
        slo.pop("labels", None)
    spec.pop("labels", None)
    bare = tmp_path / "bare.yml.txt"
    bare.write_text(yaml.safe_dump(spec))
    code, out, err = run("convert", bare, "-o", tmp_path / "new", "--strict")
    assert code == 0, err
    assert "warning[FS615]" in err
    assert (tmp_path / "new" / "failsoft.yaml").exists()
    assert "1 SLO in 4 files" in out


def test_an_error_in_one_file_stops_all(run, data, tmp_path):
    code, _, err = run("convert", data / "sloth", "-o", tmp_path / "new")
    assert code == 1
    assert "plugin-getting-started.yml:14:13: error[FS605]" in err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("words", [["--team", "No Name"], ["--period", "soon"], ["--period", "0d"]])
def test_what_makes_no_sense_is_told_with_2(run, example, tmp_path, words):
    assert run("convert", example, "-o", tmp_path / "new", *words)[0] == 2
    assert run("convert", tmp_path / "missing.yml", "-o", tmp_path / "new")[0] == 2
    (tmp_path / "empty").mkdir()
    assert run("convert", tmp_path / "empty", "-o", tmp_path / "new")[0] == 2


def test_the_same_files_give_the_same_bytes(run, example, tmp_path):
    for name in ("one", "two"):
        assert run("convert", example, "-o", tmp_path / name)[0] == 0
    first, second = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.yaml")}
        for name in ("one", "two")
    )
    assert first == second


# --- any input


def check(raw):
    """Whatever the bytes are, there are files or findings, the findings can be shown, and the files can be read."""
    source = read_text("f.yaml", raw)
    if isinstance(source, Finding):
        return
    made, findings = convert([source], owner="x")
    render(findings, "text")
    render(findings, "sarif")
    assert made.files or any(finding.severity == "error" for finding in findings)
    for text in made.files.values():
        list(yaml.load_all(text, yaml.CSafeLoader))


def _examples():
    paths = sorted((*DATA.glob("sloth/*.y*ml"), *DATA.glob("openslo/*.yaml")))
    loaded = [one for path in paths for one in yaml.load_all(path.read_text(), yaml.CSafeLoader)]
    ratio = {"metricSource": {"type": "Prometheus", "spec": {"query": "a_total"}}}
    for one in loaded:
        metric = one.get("spec", {}).get("indicator", {}).get("spec", {}).get("ratioMetric")
        if metric:
            metric |= {"good": ratio, "total": {"metricSource": {"type": "Prometheus", "spec": {"query": "b_total"}}}}
    return loaded


EXAMPLES = _examples()


def paths_of(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths_of(inner, (*path, key))


TEXTS = ["99.9", "1e999", "-0", "{{.window}}", "sum(rate(a[{{.window}}]))", "a{b='\n'}", "x" * 300, "1M"]
# made anew each time, for a document is changed in place
empty = st.one_of(st.builds(list), st.builds(dict), st.builds(lambda: [{}]))
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12))
wild = st.one_of(plain, empty, st.sampled_from(TEXTS))


@settings(max_examples=150)
@given(draw=st.data())
def test_no_document_breaks_it(draw):
    document = copy.deepcopy(draw.draw(st.sampled_from(EXAMPLES)))
    for _ in range(draw.draw(st.integers(1, 4))):
        path = draw.draw(st.sampled_from(list(paths_of(document))))
        if not path:
            continue
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        action = draw.draw(st.sampled_from(["replace", "remove", "rename"]))
        if action == "replace":
            inner[path[-1]] = draw.draw(wild)
        elif isinstance(inner, dict) and action == "rename":
            inner[draw.draw(st.sampled_from(["x", "spec", "raw", "events", "Name", 7, True]))] = inner.pop(path[-1])
        else:
            del inner[path[-1]]
    check(yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True).encode("utf-8", "replace"))


@settings(max_examples=100)
@given(st.sampled_from(["version: prometheus/v1\n", "apiVersion: openslo/v1\nkind: SLO\n", ""]), st.text(max_size=80))
def test_no_text_breaks_it(head, text):
    check((head + text).encode("utf-8", "replace"))
