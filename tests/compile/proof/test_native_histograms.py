"""Latency by native histograms: what is asked of them, what is said about thresholds, and the proof of the rules."""

import math
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, strategies

from failsoft.cli import main
from failsoft.cli.proving import Tools, coverage, prove
from failsoft.slo.stored import bucket_around

TTFT = "vllm:time_to_first_token_seconds"
LOCK = """
kind: EngineLock
metadata: {name: vllm}
spec: {engine: vllm, native: {"vllm:time_to_first_token_seconds": 3}}
"""
SLO = "kind: SLO\nmetadata: {name: s}\nspec: {model: chat, indicator: {INDICATOR}, objective: 99%, period: 30m}"
FORMS = {
    "native": "ttft: {below: 300ms}",
    "custom": "ttft: {below: 500ms}",
    "custom goodput": "goodput: {ttft: 500ms, e2e: 10s}",
    "native goodput": "goodput: {ttft: 300ms, tpot: 40ms}",
}


def stored(base, form):
    return base.replace("owner: assistants}", f"owner: assistants, histograms: {form}}}")


@pytest.fixture
def lab(written, base, lab_windows, tmp_path):
    def make(form):
        clock = stored(base.replace("scrapeInterval: 15s", "scrapeInterval: 1s"), form.split()[0])
        slo = SLO.replace("INDICATOR", FORMS[form])
        return written(slo, lab_windows, base=clock).output(tmp_path, tests=True, of="s")

    return make


@pytest.mark.newest_prometheus
@pytest.mark.parametrize("form", FORMS)
def test_its_rules_pass_their_proof(form, lab, tmp_path, newest_promtool, amtool):
    compiled = lab(form)
    assert prove(compiled, tmp_path, Tools(newest_promtool, amtool)) == ()
    assert compiled.units[0].alerts


@pytest.mark.newest_prometheus
@pytest.mark.parametrize(
    ("form", "pattern", "replacement"),
    [
        ("custom", r"histogram_fraction\(-Inf, 0\.5", "histogram_fraction(-Inf, 0.25"),
        ("native", r"histogram_fraction\(-Inf, 0\.3", "histogram_fraction(-Inf, 3"),
        ("native", r"histogram_count\(increase", "histogram_count(rate"),
    ],
)
def test_wrong_rules_do_not_pass(form, pattern, replacement, lab, tmp_path, newest_promtool, amtool):
    compiled = lab(form)
    path = tmp_path / "rules" / "chat.yaml"
    text, count = re.subn(pattern, replacement, path.read_text())
    assert count
    path.write_text(text)

    assert [finding.code.id for finding in prove(compiled, tmp_path, Tools(newest_promtool, amtool))] == ["FS443"]


def test_a_promtool_that_knows_no_native_histograms_says_so_and_proves_the_others(
    written, base, lab_windows, tmp_path, promtool, amtool
):
    clock = stored(base.replace("scrapeInterval: 15s", "scrapeInterval: 1s"), "custom")
    others = SLO.replace("INDICATOR", "availability: {}").replace("name: s}", "name: other}")
    compiled = written(SLO.replace("INDICATOR", FORMS["custom"]), others, lab_windows, base=clock).output(
        tmp_path, tests=True
    )
    mine = replace(compiled, units=tuple(unit for unit in compiled.units if unit.subject in {"s", "other"}))
    findings = prove(mine, tmp_path, Tools(promtool, amtool))
    assert [(finding.code.id, finding.severity) for finding in findings] == [("FS490", "warning")]
    alerts = len(mine.units[0].alerts)
    assert {name: (of, known) for name, of, known in coverage(mine, findings)} == {
        "s": (alerts, 0),
        "other": (alerts, alerts),
    }


@pytest.mark.parametrize(
    ("below", "code", "said"),
    [
        ("500ms", "", ""),
        (
            "300ms",
            "FS403",
            f"300ms lies within a bucket of {TTFT}, from 297.302ms to 324.21ms",
        ),
        (
            "300ms, snap: up",
            "FS414",
            "324.21ms stands for it: requests between 300ms and 324.21ms are good too",
        ),
        ("300ms, snap: down", "FS414", "as asked, 297.302ms stands for it"),
    ],
)
def test_a_threshold_within_a_bucket_is_taken_and_its_uncertainty_stated(written, base, below, code, said):
    made = written(SLO.replace("INDICATOR", f"ttft: {{below: {below}}}").replace("30m", "30d"), LOCK, base=base)
    objective, findings = made.resolve("s")
    assert [finding.code.id for finding in findings] == ([code] if code else [])
    assert all(said in finding.message for finding in findings)
    assert "histogram_fraction(-Inf, 0." in objective.sli.bad(60_000)
    assert "_count{" not in objective.sli.total(60_000)


def test_a_native_histogram_that_nobody_has_seen_warns(written, base):
    made = written(SLO.replace("INDICATOR", FORMS["native"]).replace("30m", "30d"), base=stored(base, "native"))
    _, findings = made.resolve("s")
    assert [(finding.code.id, finding.severity) for finding in findings] == [("FS449", "warning")]


def test_custom_buckets_keep_the_bounds_of_classic_ones(written, base):
    made = written(SLO.replace("INDICATOR", FORMS["native"]).replace("30m", "30d"), base=stored(base, "custom"))
    objective, findings = made.resolve("s")
    assert (objective, [finding.code.id for finding in findings]) == (None, ["FS401"])


def test_what_the_model_says_goes_before_the_lock(written, base):
    made = written(SLO.replace("INDICATOR", FORMS["custom"]).replace("30m", "30d"), LOCK, base=stored(base, "classic"))
    objective, findings = made.resolve("s")
    assert findings == ()
    assert "_bucket{" in objective.sli.bad(60_000)


@given(
    value=strategies.decimals("0.000001", "100000", places=6).filter(lambda value: value > 0),
    schema=strategies.integers(-4, 8),
)
def test_a_value_is_a_bound_or_lies_between_two(value, schema):
    bucket = bucket_around(value, schema)
    exponent = math.log2(value) * 2.0**schema
    if bucket is None:
        assert exponent == round(exponent)
    else:
        lower, upper = bucket
        assert lower < value <= upper * Decimal("1.0000000000001")
        assert math.log2(upper / lower) == pytest.approx(2.0**-schema)


@pytest.mark.slow
def test_what_is_not_proven_is_not_claimed(written, base, lab_windows, promtool, amtool, capsys, tmp_path):
    clock = stored(base.replace("scrapeInterval: 15s", "scrapeInterval: 1s"), "custom")
    written(SLO.replace("INDICATOR", FORMS["custom"]), lab_windows, base=clock)
    with pytest.raises(SystemExit) as ended:
        main(["test", str(tmp_path / "workspace"), "--promtool", str(promtool)])
    told = capsys.readouterr()
    assert (ended.value.code or 0) == 0
    assert "s             0 of 2 alerts with a fire and a quiet test\n" in told.out
    assert re.search(r": (\d+) of (\d+) alerts proven", told.out)
    assert "s is not proven: this promtool cannot evaluate the native histograms of its stories" in told.err
    assert amtool.is_file()
