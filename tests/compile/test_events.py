"""Events by counters of one's own: which are proven, what absent counters mean, and which do not fit together."""

import json
import shutil

import pytest

from failsoft.cli.compile import compiled
from failsoft.cli.proving import Tools, prove
from failsoft.clients.binaries import run_tool
from failsoft.workspace.load import load

MODEL = """
kind: Model
metadata: {name: shop}
spec: {engine: generic, select: {job: shop}, owner: assistants}
"""
SHAPES = {
    "one counter, by a label": {"bad": 'requests_total{code=~"(5..|429)"}', "total": "requests_total"},
    "all but the good ones": {"bad": 'requests_total{code!~"2.."}', "total": 'requests_total{job="shop"}'},
    "two counters": {"bad": "errors_total", "total": "requests_total"},
    "several counters": {"bad": 'errors_total{kind="a"} + drops_total', "total": "requests_total + errors_total"},
    "a bucket": {"good": 'h_bucket{le=~"1|1[.]0", verb!="WATCH"}', "total": 'h_count{verb!="WATCH"}'},
    "good ones by a label": {"good": 'requests_total{code=~"2.."}', "total": "requests_total"},
    "a name that is a label": {"bad": '{__name__="errors_total"}', "total": "requests_total"},
    "quotes, braces and newlines": {"bad": 'errors_total{a="q\\"}\\n{"}', "total": "requests_total"},
}


@pytest.fixture
def shop(written, base, lab_windows):
    """Writes one SLO over counters, by the lab's clocks; hands back the workspace as written."""

    def make(*events):
        slos = [
            f"kind: SLO\nmetadata: {{name: s{index}}}\n"
            f"spec: {{model: shop, indicator: {{events: {json.dumps(one)}}}, objective: 99%, period: 30m}}\n"
            for index, one in enumerate(events)
        ]
        return written(MODEL, lab_windows, *slos, base=base.replace("scrapeInterval: 15s", "scrapeInterval: 1s"))

    return make


def test_every_shape_is_proven(shop, tmp_path, promtool, amtool):
    made = shop(*SHAPES.values())
    result, findings = compiled(made.workspace)
    assert not [one for one in findings if one.severity == "error"], findings
    assert len(result.objectives) == len(SHAPES)
    for path, text in result.files.items():
        (tmp_path / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / path).write_text(text)
    assert prove(result, tmp_path / "out", Tools(promtool, amtool)) == ()


def test_the_proof_fails_where_the_rules_count_something_else(shop, tmp_path, promtool):
    made = shop({"bad": "errors_total", "total": "requests_total"})
    result, _ = compiled(made.workspace)
    for path, text in result.files.items():
        (tmp_path / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / path).write_text(text.replace("errors_total", "other_total") if "rules" in path else text)
    assert not run_tool([promtool, "test", "rules", "tests/s0.test.yaml"], cwd=tmp_path / "out").ok


@pytest.mark.parametrize(
    ("events", "series", "ratio"),
    [
        ({"bad": "errors_total", "total": "requests_total"}, {"requests_total": "0+10x150"}, 0.0),
        (
            {"bad": "errors_total", "total": "requests_total"},
            {"requests_total": "0+10x150", "errors_total": "0+1x150"},
            0.1,
        ),
        ({"bad": "errors_total", "total": "requests_total"}, {"errors_total": "0+1x150"}, None),
        ({"good": "h_bucket", "total": "h_count"}, {"h_count": "0+10x150"}, None),
        ({"good": "h_bucket", "total": "h_count"}, {"h_count": "0+10x150", "h_bucket": "0+9x150"}, 0.1),
        ({"good": "h_bucket", "total": "h_count"}, {"h_bucket": "0+9x150"}, None),
        ({"bad": "a_total", "total": "b_total + c_total"}, {"b_total": "0+10x150", "a_total": "0+1x150"}, 0.1),
        ({"bad": "a_total", "total": "b_total + c_total"}, {"b_total": "0+5x150", "c_total": "0+5x150"}, 0.0),
    ],
)
def test_a_counter_that_is_not_there_is_no_error_and_no_success(shop, judge, events, series, ratio):
    made = shop(events)
    rules = made.compiled()[0].files["rules/shop.yaml"]
    asked = 'max(failsoft:slo_error_ratio{window="1m"})'
    # the ratio is rounded, for promtool compares exactly
    query = f"round({asked}, 0.0001)"
    done = judge(rules, series, {(query, "2m"): ratio}, step="5s", every="1s")
    assert done.ok, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("events", "key"),
    [
        ({"bad": 'requests_total{code="500"}', "total": 'requests_total{code!~"5.."}'}, "bad"),
        ({"bad": "requests_total", "total": "requests_total"}, "total"),
        ({"good": 'h_bucket{le="+Inf"}', "total": 'h_bucket{le="+Inf"}'}, "total"),
        ({"good": "a_total + b_total", "total": "c_total"}, "good"),
        ({"bad": 'errors_total{a="1",a="2"}', "total": "requests_total"}, "bad"),
        ({"bad": 'errors_total{a=~"("}', "total": "requests_total"}, "bad"),
    ],
)
def test_counters_that_do_not_fit_together_are_refused(shop, events, key):
    made = shop(events)
    _, findings = made.compiled()
    (finding,) = [one for one in findings if one.severity == "error"]
    assert finding.code.id == "FS419"
    assert f" of {key} " in finding.message or finding.message.startswith(key)


@pytest.mark.parametrize(
    ("value", "said"),
    [("(", "of a, '(' cannot be read as a regular"), ("(?!5)..", 'for a=~"(?!5).." no value was found')],
)
def test_of_a_regular_expression_that_nothing_is_made_of_it_is_told(shop, value, said):
    _, findings = shop({"bad": f'errors_total{{a=~"{value}"}}', "total": "requests_total"}).compiled()
    (finding,) = [one for one in findings if one.severity == "error"]
    assert said in finding.hint


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("{total: x}", "says nothing"),
        ("{bad: a, good: b, total: x}", "says more than one thing"),
        ("{bad: a}", "events.total is missing"),
        ("{bad: 'rate(a[5m])', total: x}", "has rate(), which is no sum of counters, at character 1"),
        ("{bad: 'a - b', total: x}", "takes a counter away"),
        ("{bad: 'a{', total: x}", "has '' where a label should be"),
        ("{bad: 'a} or vector(1)', total: x}", "where it should end"),
        ("{bad: 7, total: x}", "is 7"),
    ],
)
def test_what_is_no_counter_is_told_with_its_place(tmp_path, base, events, said):
    spec = f"{{model: shop, indicator: {{events: {events}}}, objective: 99%}}"
    slo = f"---\nkind: SLO\nmetadata: {{name: s}}\nspec: {spec}\n"
    (tmp_path / "failsoft.yaml").write_text(f"{base}---{MODEL}{slo}")
    _, findings = load(tmp_path)
    shutil.rmtree(tmp_path)
    assert any(said in one.message for one in findings), findings
    assert all(one.place.line for one in findings)
