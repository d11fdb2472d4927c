"""Reading documents: exact numbers, plain words, places that hold, and no traceback for any input."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failsoft.cli.check import findings_of
from failsoft.findings import Finding, render
from failsoft.workspace import codes
from failsoft.workspace.load import load
from failsoft.workspace.read import DEEPEST, LARGEST, read_nodes, read_text
from failsoft.workspace.tree import SourceFile, SourceOrigin

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"


def read(text):
    return read_nodes(SourceFile("f.yaml", text))


def only(text):
    nodes, findings = read(text)
    assert findings == []
    return nodes[0]


def test_words_and_numbers_are_read_as_they_look():
    text = "{no: no, on: on, yes: 'yes', t: true, n: null, e: , i: 10, d: 99.9, x: 1e-3, s: '1', v: 1.2.3, z: 0123}"
    assert only(text).data == {
        "no": "no", "on": "on", "yes": "yes", "t": True, "n": None, "e": None, "i": 10, "d": Decimal("99.9"),
        "x": Decimal("0.001"), "s": "1", "v": "1.2.3", "z": 123,
    }  # fmt: skip


def test_a_place_is_that_of_the_value_or_of_its_key():
    text = "kind: SLO\nspec:\n  tags: [a,\n    bb]\n  wide: 'オ ン'\n"
    origin = SourceOrigin(SourceFile("f.yaml", text), only(text))
    assert str(origin.place("spec", "tags", 1)) == "f.yaml:4:5"
    assert (origin.place("spec", "wide").column, origin.place("spec", "wide").length) == (9, 5)
    assert str(origin.place("spec", "wide", key=True)) == "f.yaml:5:3"
    assert str(origin.place("spec", "missing")) == "f.yaml:2:1"


def test_a_document_knows_its_own_text():
    text = "# one\nkind: A\n---\n# two\nkind: B\nspec: {}\n---\nkind: C\n"
    texts = [SourceOrigin(SourceFile("f", text), node).text for node in read(text)[0]]
    assert [part for part in texts if "kind: B" in part] == ["---\n# two\nkind: B\nspec: {}\n"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff\xfek\x00", codes.NOT_UTF8),
        (b"kind: \xe9\n", codes.NOT_UTF8),
        (b"a" * (LARGEST + 1), codes.TOO_LARGE),
        (b"x: " + b"[" * 100_000, codes.TOO_DEEP),
        (b"x: \x07\n", codes.BAD_YAML),
        (b"x: \xed\x9f\xbf\xef\xbf\xbe", codes.BAD_YAML),
        (b"%YAML 9.9\n---\na: 1\n", codes.BAD_YAML),
        (b"", codes.EMPTY),
        (b"a: *nope\n", codes.BAD_YAML),
    ],
)
def test_hostile_files_are_findings(raw, code):
    source = read_text("f.yaml", raw)
    findings = [source] if isinstance(source, Finding) else read_nodes(source)[1]
    assert [finding.code for finding in findings] == [code]


def test_five_megabytes_of_documents_are_refused_at_once(tmp_path):
    (tmp_path / "big.yaml").write_bytes(b"---\nkind: Team\n" * 350_000)
    _, findings = load(tmp_path)
    assert [finding.code for finding in findings] == [codes.TOO_LARGE]
    assert "5.0 MiB" in findings[0].message


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("version: prometheus/v1\nservice: x\nslos: []\n", "a document of Sloth (prometheus/v1)", "failsoft convert"),
        ("apiVersion: openslo/v1\nkind: SLO\nspec: {}\n", "a document of OpenSLO (openslo/v1)", "failsoft convert"),
        ("groups:\n- name: a\n  rules: []\n", "a rule file of Prometheus", "another folder"),
        ("route: {receiver: a}\nreceivers: []\n", "a configuration of Alertmanager", "spec.alertmanager.base"),
    ],
)
def test_a_document_of_another_tool_is_one_finding_that_says_where_it_belongs(tmp_path, text, said, hint):
    (tmp_path / "other.yaml").write_text(text)
    (finding,) = load(tmp_path)[1]
    assert (finding.code.id, finding.message) == ("FS201", f"this is {said}")
    assert hint in finding.hint


def test_the_deepest_allowed_document_is_read():
    assert only("a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)).depth == DEEPEST


def test_aliases_are_plain_repetition():
    node = only("a: &x {b: [1, 2]}\nc: *x\n")
    assert node.data == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
@settings(max_examples=300)
def test_any_text_is_read_or_refused_with_a_place(text):
    nodes, findings = read(text)
    assert nodes or findings
    for finding in findings:
        assert finding.place.path == "f.yaml"
        assert finding.place.line <= len(SourceFile("", text).lines)
    assert render(findings, "text").count("FS1") >= len(findings)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("example") / "chat"))


@given(st.data())
@settings(max_examples=30)
def test_a_damaged_example_never_breaks_the_check(example, data):
    check_damaged(example, data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=500)
def test_no_damage_to_the_example_breaks_the_check(example, data):
    check_damaged(example, data)


def check_damaged(root, data):
    """Characters of a good workspace are removed, doubled or replaced: findings or a workspace, never an error."""
    path = data.draw(st.sampled_from(sorted(root.rglob("*.yaml"))))
    text = path.read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        cut = data.draw(st.integers(0, 12))
        put = data.draw(st.one_of(st.sampled_from(list(":{}[]&*!|>'\"%@`#-?,\t\n ~")), st.text(max_size=5)))
        text = text[:at] + put + text[at + cut :]
    try:
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        _, findings = findings_of(root)
    finally:
        shutil.copy(EXAMPLE / path.relative_to(root), path)
    for form in ("text", "json", "sarif", "github"):
        assert isinstance(render(findings, form), str)
