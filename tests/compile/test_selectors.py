"""Whatever stands in a selector, it selects series and nothing else."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from failsoft.alerts.rules import Group, rule_file, yaml_string
from failsoft.clients.binaries import run_tool
from failsoft.slo import codes
from failsoft.slo.promql import Matcher, quoted, selector
from failsoft.slo.records import Record

HOSTILE = [
    'a"} or vector(1) #',
    "a\\",
    "a\nb",
    "{{ .Labels.team }}",
    "$(reboot)",
    "it's",
    "\u2028\x85\x00\x7f",
    "日本🙂",
    "=~.*",
    "%s {} {slo}",
    " ",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_label_value_only_ever_matches_itself(value, base, written, judge):
    text = base.replace("job: vllm, model_name: chat-70b", f"job: {yaml_string(value)}, model_name: m")
    objective, findings = written(SLO, base=text).resolve("s")
    assert not findings
    mine = f'job={quoted(value)}, model_name="m"'
    count, bucket = "vllm:time_to_first_token_seconds_count", "vllm:time_to_first_token_seconds_bucket"
    series = {
        f"{count}{{{mine}}}": "1000+100x20",
        f'{bucket}{{{mine}, le="0.5"}}': "1000+50x20",
        count + '{job="other", model_name="m"}': "1000+900x20",
        bucket + '{job="other", model_name="m", le="0.5"}': "1000+0x20",
    }
    ratio = f"({objective.sli.bad(300_000)}) / ({objective.sli.total(300_000)})"
    done = judge("groups: []", series, {(f"abs({ratio} - 0.5) < bool 1e-9", "15m"): 1})
    assert done.ok, done.stdout + done.stderr


@pytest.mark.parametrize("label", ['job="x"} or vector(1) #', "model-name", "1st", "le", "__name__", ""])
def test_what_is_no_label_selects_nothing(label, base, written):
    text = base.replace("{job: vllm, model_name: chat-70b}", json.dumps({label: "x", "job": "vllm"}))
    objective, (finding,) = written(SLO, base=text).resolve("s")
    assert objective is None
    assert finding.code is codes.SELECTOR_NAME
    assert finding.place.path == "failsoft.yaml"
    assert finding.place.line == text.lstrip().count("\n", 0, text.lstrip().index("select:")) + 1


def test_an_availability_that_would_count_every_model_is_refused(base, written):
    """vLLM's request counter has no model_name: without another label it would be everybody's."""
    text = base.replace("job: vllm, ", "")
    objective, (finding,) = written(SLO.replace("ttft: {below: 500ms}", "availability: {}"), base=text).resolve("s")
    assert objective is None
    assert finding.code is codes.SELECTOR_TOO_WIDE
    assert finding.message == "s would count every model: http_requests_total has no label model_name"


@given(st.text())
def test_a_string_reads_back_as_it_was(value):
    """A PromQL string is a Go string; JSON reads the same escapes, but for those of code points above 16 bits."""
    literal = quoted(value)
    assert literal.isascii()
    assert literal.isprintable()
    assert (
        "\\U" in literal
        or json.loads(literal) == value.encode("utf-8", "replace").decode()
        or any("\ud800" <= char <= "\udfff" for char in value)
    )


@given(st.text())
def test_a_yaml_scalar_reads_back_as_it_was(value):
    readable = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
    assert yaml.safe_load(f"[{yaml_string(value)}]") == [readable]
    assert "\n" not in yaml_string(value)


@given(st.text().filter(lambda name: not name.isidentifier() or not name.isascii()))
def test_a_name_that_is_none_never_reaches_promql(name):
    with pytest.raises(ValueError, match="is no label name"):
        str(Matcher(name, "=", "x"))
    if ":" not in name:
        with pytest.raises(ValueError, match="is no metric name"):
            selector(name, ())


def test_promtool_reads_every_value_as_one_string(promtool, tmp_path):
    """A few hundred hostile texts in one file, so that promtool is started once."""
    seen = []

    @given(st.lists(st.text(max_size=20), min_size=200, max_size=200))
    def collect(values):
        seen[:] = values

    collect()
    texts = [*seen, *HOSTILE, *(chr(code) for code in range(256))]
    rules = tuple(
        Record(f"r:{index}", selector("up", (Matcher("job", "=", text),)), (("text", text),))
        for index, text in enumerate(texts)
    )
    (tmp_path / "rules.yaml").write_text(rule_file([Group("g", 0, rules)], origin="tests\n"), encoding="utf-8")
    done = run_tool([promtool, "check", "rules", "rules.yaml"], cwd=tmp_path)
    assert done.ok, done.stdout + done.stderr
    assert f"{len(texts)} rules found" in done.stdout + done.stderr


SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""
