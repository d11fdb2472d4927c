"""A TTFT threshold has to be a bucket bound, and the bucket is found however it is spelled."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.slo import codes
from failsoft.slo.promql import le_matcher, le_spelling

ENGINE = """
kind: Engine
metadata: {name: mine}
spec:
  source: {version: "1", evidence: scrape}
  buckets: {ttft: {bounds: [100, 250.5, 1000, 2000000]}}
  families: {mine_ttft_milliseconds: {type: histogram, unit: ms, buckets: ttft}}
  indicators: {ttft: {family: mine_ttft_milliseconds}}
"""
MODEL = """
kind: Model
metadata: {name: own}
spec: {engine: mine, select: {app: own}, owner: assistants}
---
kind: SLO
metadata: {name: own-ttft}
spec: {model: own, indicator: {ttft: {below: BELOW}}, objective: 99%}
"""


def test_between_two_bounds_it_is_refused_with_both_neighbours_and_what_each_would_mean(slo):
    objective, (finding,) = slo("ttft: {below: 300ms}")
    assert objective is None
    assert finding.code is codes.OFF_BOUND
    assert finding.message == "300ms is no bucket bound of vllm:time_to_first_token_seconds"
    assert finding.expected == "250ms or 500ms"
    assert "250ms is stricter: requests between 250ms and 300ms would be bad too" in finding.hint
    assert "500ms is looser: requests between 300ms and 500ms would be good too" in finding.hint
    assert finding.place.text[finding.place.column - 1 :][: finding.place.length] == "300ms"


def test_beyond_the_largest_bound_there_is_one_neighbour(slo):
    _, (finding,) = slo("ttft: {below: 1h}")
    assert finding.expected == "42m40s"
    assert "looser" not in finding.hint


def test_the_thresholds_of_a_goodput_snap_like_all_others(slo):
    objective, findings = slo("goodput: {ttft: 300ms, e2e: 10s}")
    assert objective is None
    assert {finding.code for finding in findings} == {codes.OFF_BOUND}
    objective, findings = slo("goodput: {ttft: 300ms, e2e: 10s, snap: up}")
    assert [finding.code for finding in findings if "300ms" in finding.message] == [codes.SNAPPED]
    assert 'le="0.5"' in objective.sli.bad(60_000)
    assert "had a TTFT above 500ms or a E2E above 10s" in objective.sli.sentence
    objective, _ = slo("goodput: {ttft: 300ms, snap: down}")
    assert "had a TTFT above 250ms" in objective.sli.sentence


def test_a_bound_in_milliseconds_is_the_same_bound(written):
    found = written(ENGINE, MODEL.replace("BELOW", "1s"))
    objective, findings = found.resolve("own-ttft")
    assert not findings
    assert 'mine_ttft_milliseconds_bucket{app="own", le=~"1000|1000[.]0"}' in objective.sli.bad(60_000)


def test_a_neighbour_that_is_no_whole_millisecond_is_named_exactly(written):
    _, (finding,) = written(ENGINE, MODEL.replace("BELOW", "200ms")).resolve("own-ttft")
    assert finding.expected == "100ms or 250.5ms"


@pytest.mark.parametrize("spelled", ["1", "1.0"])
def test_both_spellings_of_a_bound_are_counted(slo, judge, spelled):
    objective, _ = slo("ttft: {below: 1s}")
    family = 'vllm:time_to_first_token_seconds_{}{{job="vllm", model_name="chat-70b"{}}}'
    series = {
        family.format("count", ""): "1000+100x20",
        family.format("bucket", f', le="{spelled}"'): "1000+95x20",
    }
    ratio = f"({objective.sli.bad(300_000)}) / ({objective.sli.total(300_000)})"
    assert judge("groups: []", series, {(f"abs({ratio} - 0.05) < bool 1e-9", "15m"): 1}).ok


def test_a_bucket_that_is_not_there_is_neither_all_good_nor_all_bad(written, judge):
    made, _ = written(SLO).compiled()
    labels = 'job="vllm", model_name="chat-70b"'
    count = f"vllm:time_to_first_token_seconds_count{{{labels}}}"
    bucket = f'vllm:time_to_first_token_seconds_bucket{{{labels}, le="0.5"}}'
    rules = made.files["rules/chat.yaml"]
    assert judge(rules, {count: "1000+100x20"}, {('count({__name__=~"failsoft:slo_[^o].*"})', "20m"): None}).ok
    # it was there, and goes missing while requests still come: from then on nothing more is counted as an event
    gone = {count: "1000+100x20", bucket: "1000+99x10 _x10"}
    events = "sum(count_over_time(failsoft:slo_events_total:increase[1h]))"
    assert judge(rules, gone, {(events, "10m"): 2, (events, "20m"): 2}).ok


@given(st.decimals(min_value="0.0000001", max_value="10000000", allow_nan=False, places=7).filter(bool))
def test_every_spelling_in_use_is_matched(bound):
    """Go's shortest form, and the plain one, each with and without `.0`: what clients and servers say."""
    matcher = le_matcher(bound)
    plain = f"{bound.normalize():f}"
    spellings = {plain, le_spelling(bound)} | ({plain + ".0"} if "." not in plain else set())
    for spelling in spellings:
        hit = re.fullmatch(matcher.value, spelling) if matcher.operator == "=~" else matcher.value == spelling
        assert hit
        assert Decimal(spelling) == bound
    other = le_spelling(bound * 2)
    assert not (re.fullmatch(matcher.value, other) if matcher.operator == "=~" else matcher.value == other)


SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""
