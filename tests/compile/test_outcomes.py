"""What counts as bad is the author's choice, as far as the engine can tell; a threshold is snapped only as asked."""

from decimal import Decimal

import pytest

from failsoft.slo import codes

LITELLM = """
kind: Model
metadata: {name: gateway}
spec: {engine: ENGINE, select: {job: g, MODEL: chat}, owner: assistants}
---
kind: SLO
metadata: {name: g}
spec: {model: gateway, indicator: {availability: {bad: BAD}}, objective: 99%}
"""


@pytest.fixture
def gateway(written):
    """The SLI and the findings of an SLO on a gateway: `gateway("[5xx, 429]")`."""

    def make(bad, engine="litellm", model="requested_model"):
        text = LITELLM.replace("BAD", bad).replace("ENGINE", engine).replace("MODEL", model)
        objective, findings = written(text).resolve("g")
        return (objective.sli if objective else None), findings

    return make


def test_an_empty_choice_is_none(gateway):
    """`bad: []` would read as "nothing is bad", and mean the engine's default."""
    with pytest.raises(AssertionError, match="1 or more entries"):
        gateway("[]")


@pytest.mark.parametrize(
    ("bad", "matcher"),
    [
        ("[5xx]", 'status_code=~"5.."'),
        ("[429]", 'status_code="429"'),
        ("[5xx, 429, 499]", 'status_code=~"5..|429|499"'),
        ("[5xx, 503, 529]", 'status_code=~"5.."'),  # within the class already: nothing counts twice
        ("[abort]", 'status_code="499"'),
        ('["429", 429]', 'status_code="429"'),
    ],
)
def test_where_codes_are_exported_any_of_them_can_be_bad(gateway, bad, matcher):
    sli, findings = gateway(bad)
    assert findings == ()
    (counted,) = sli.bads
    assert matcher in sli.bad(60_000)
    assert dict(counted.example)["status_code"] in {"500", "429", "499"}


def test_a_client_that_goes_away_is_bad_where_the_author_says_so(gateway):
    sli, _ = gateway("[error, 499]", "dynamo", "model")
    assert "failed (error, abort)" in sli.sentence
    assert 'error_type="cancelled"' in sli.bad(60_000)
    assert 'error_type="cancelled"' not in gateway("[error]", "dynamo", "model")[0].bad(60_000)


def test_truncated_answers_are_bad_where_the_author_says_so(slo):
    objective, findings = slo("availability: {bad: [5xx, length]}")
    assert findings == ()
    bad = objective.sli.bad(60_000)
    assert 'vllm:request_success_total{job="vllm", model_name="chat-70b", finished_reason="length"}' in bad
    assert "length" not in slo("availability: {}")[0].sli.bad(60_000)


def test_what_the_engine_cannot_tell_is_refused_with_what_it_can_and_who_could(slo):
    objective, (finding,) = slo("availability: {bad: [5xx, 429]}")
    assert objective is None
    assert finding.code is codes.UNKNOWN_OUTCOME
    assert finding.message == "the engine vllm cannot tell 429 from other outcomes"
    assert finding.expected == "some of 5xx, 4xx, length, repetition"
    assert "litellm" in finding.hint
    assert finding.place.text[finding.place.column - 1 :].startswith("429")


def test_where_only_good_requests_are_counted_nothing_can_be_chosen(gateway):
    _, (finding,) = gateway("[5xx]", "kserve", "model_name")
    assert finding.expected == "no choice: it counts good requests only"


@pytest.mark.parametrize("bad", ["[5xx, '}) or vector(1)']", "[true]", "[5.5]", "['a b']", "5xx"])
def test_an_outcome_that_is_no_name_is_refused_when_it_is_read(bad, tmp_path, base):
    from failsoft.workspace.load import load

    text = LITELLM.replace("BAD", bad).replace("ENGINE", "litellm").replace("MODEL", "requested_model")
    (tmp_path / "failsoft.yaml").write_text(f"{base.lstrip()}---{text}")
    loaded, found = load(tmp_path)
    assert {finding.code.id for finding in found if finding.severity == "error"} == {"FS204"}
    assert loaded.slos == {}


@pytest.mark.parametrize(("snap", "taken", "side"), [("up", "0.5", "good"), ("down", "0.25", "bad")])
def test_a_threshold_between_bounds_is_snapped_where_the_author_says_so_and_it_is_told(slo, snap, taken, side):
    objective, (finding,) = slo(f"ttft: {{below: 300ms, snap: {snap}}}")
    assert f'le="{taken}"' in objective.sli.bad(60_000)
    shown = f"{Decimal(taken) * 1000:.0f}ms"
    assert shown in objective.sli.sentence
    assert (finding.code, finding.severity) == (codes.SNAPPED, "info")
    assert f"as asked, {shown} stands for it" in finding.message
    assert finding.message.endswith(f"are {side} too")


def test_on_a_bound_nothing_is_snapped(slo):
    objective, findings = slo("ttft: {below: 500ms, snap: up}")
    assert findings == ()
    assert 'le="0.5"' in objective.sli.bad(60_000)


def test_where_there_is_no_bound_on_that_side_it_is_refused(slo):
    objective, (finding,) = slo("ttft: {below: 1h, snap: up}")
    assert objective is None
    assert finding.code is codes.OFF_BOUND


@pytest.mark.parametrize("below", ["4.7ms", "4700us", "0.0047s"])
def test_bounds_of_fractions_of_a_millisecond_can_be_asked_for(gateway, written, below):
    text = LITELLM.replace("availability: {bad: BAD}", f"ttft: {{below: {below}}}").replace("ENGINE", "dynamo")
    objective, findings = written(text.replace("MODEL", "model")).resolve("g")
    assert findings == ()
    assert 'le="0.0047"' in objective.sli.bad(60_000)
    assert "4.7ms" in objective.sli.sentence


def test_a_goodput_names_the_part_that_is_missing_or_off_its_bound(slo, written):
    objective, (finding,) = slo("goodput: {ttft: 300ms, tpot: 50ms}")
    assert objective is None
    assert (finding.code, finding.expected) == (codes.OFF_BOUND, "250ms or 500ms")
    assert finding.place.text[finding.place.column - 1 :].startswith("300ms")


def test_a_goodput_lies_between_its_bounds(slo, judge):
    """20 of 100 late, 10 slow, 5 failed: at most 35 are bad, and at least 20."""
    labels = 'job="vllm", model_name="chat-70b"'
    http = 'http_requests_total{job="vllm", handler="/v1/completions", method="POST", status="%s"}'
    series = {
        http % "2xx": "1000+95x30",
        http % "5xx": "1000+5x30",
        f"vllm:time_to_first_token_seconds_count{{{labels}}}": "1000+95x30",
        f'vllm:time_to_first_token_seconds_bucket{{{labels}, le="0.5"}}': "1000+75x30",
        f"vllm:request_time_per_output_token_seconds_count{{{labels}}}": "1000+95x30",
        f'vllm:request_time_per_output_token_seconds_bucket{{{labels}, le="0.05"}}': "1000+85x30",
    }
    checks = {}
    for bound, share in (("atLeast", 0.35), ("atMost", 0.2)):
        objective, findings = slo(f"goodput: {{ttft: 500ms, tpot: 50ms, bound: {bound}}}")
        assert findings == ()
        ratio = f"({objective.sli.bad(300_000)}) / ({objective.sli.total(300_000)})"
        checks[f"abs(({ratio}) - {share}) < bool 1e-6", "20m"] = 1
    done = judge("groups: []", series, checks)
    assert done.ok, done.stdout + done.stderr
    gone = {name: values for name, values in series.items() if "per_output_token_seconds_bucket" not in name}
    assert judge("groups: []", gone, {(objective.sli.bad(300_000), "20m"): None}).ok  # a part that is not known


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("mid-stream", "an error after the first streamed byte is 2xx"),
        ("499", "a client that goes away is 2xx"),
        ("429", "4xx holds it"),
        ("503", "admission_rejections_total counts those of admission control"),
        ("529", "5xx holds it"),
    ],
)
def test_what_vllm_cannot_tell_is_refused_with_as_what_it_counts(slo, choice, said):
    objective, (finding,) = slo(f"availability: {{bad: [5xx, {choice}]}}")
    assert (objective, finding.code) == (None, codes.UNKNOWN_OUTCOME)
    assert said in finding.hint
    assert ("litellm" in finding.hint) == choice.isdigit()
    assert ("at the client" in finding.hint) == (choice == "mid-stream")


def test_a_gateway_that_counts_missed_requests_is_exact(written):
    """Where a gateway judges each request as a whole, goodput needs no bounds: it is an outcome."""
    engine = """
kind: Engine
metadata: {name: gate}
spec:
  source: {version: "1", evidence: scrape}
  identity: {model: model}
  families:
    gate_requests_total: {type: counter, labels: [model, result]}
  indicators:
    availability:
      total: [{family: gate_requests_total, example: {result: good}}]
      bad:
        failed: {family: gate_requests_total, match: {result: failed}}
        missed: {family: gate_requests_total, match: {result: missed}}
      default: [failed]
---
kind: Model
metadata: {name: gated}
spec: {engine: gate, select: {job: gate, model: m}, owner: assistants}
"""
    spec = "model: gated, indicator: {availability: {bad: [failed, missed]}}, objective: 99%"
    objective, findings = written(f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}", engine).resolve("s")
    assert findings == ()
    assert 'result="missed"' in objective.sli.bad(60_000)
