"""Objectives for prompts of some length: where the engine tells it, and what is said where none does."""

import pytest

ENGINE = """
kind: Engine
metadata: {name: gate}
spec:
  source: {version: "1", evidence: code}
  identity: {model: model}
  promptClasses: {label: prompt_tokens, values: {short: "0-1k", long: '32k+"} or up'}}
  buckets: {late: {bounds: [0.5, 1, 10]}}
  families:
    gate_requests_total: {type: counter, labels: [model, code]}
    gate_ttft_seconds: {type: histogram, unit: s, labels: [model, prompt_tokens], buckets: late}
    gate_cache: {type: gauge, unit: ratio, labels: [model]}
  indicators:
    ttft: {family: gate_ttft_seconds}
    kvCache: {family: gate_cache}
    availability:
      total: [{family: gate_requests_total, example: {code: "200"}}]
      codes: {family: gate_requests_total, label: code}
      default: [5xx]
---
kind: Model
metadata: {name: gated}
spec: {engine: gate, select: {job: gate, model: m}, owner: assistants}
"""


def slo(indicator, prompts, model="gated"):
    spec = f"model: {model}, indicator: {{{indicator}}}, objective: 99%, prompts: {prompts}"
    return f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}"


def test_each_class_has_its_own_threshold_on_its_own_series(written):
    long, _ = written(slo("ttft: {below: 10s}", "long"), ENGINE).resolve("s")
    assert r'prompt_tokens="32k+\"} or up"' in long.sli.total(60_000)
    assert r'prompt_tokens="32k+\"} or up", le=~"10|10[.]0"' in long.sli.bad(60_000)
    short, _ = written(slo("ttft: {below: 500ms}", "short"), ENGINE).resolve("s")
    assert 'prompt_tokens="0-1k", le="0.5"' in short.sli.bad(60_000)


@pytest.mark.parametrize(
    ("indicator", "prompts", "model", "said"),
    [
        (
            "ttft: {below: 500ms}",
            "long",
            "chat",
            "the engine vllm exports no length of prompts with its latencies; expected an engine that does: gate",
        ),
        (
            "ttft: {below: 500ms}",
            "huge",
            "gated",
            "gate (unverified) knows no prompts called huge; expected one of short, long",
        ),
        (
            "availability: {}",
            "long",
            "gated",
            "gate_requests_total has no label prompt_tokens; expected one of model, code",
        ),
        ("kvCache: {below: 95%}", "long", "gated", "slices of time, which have no prompts"),
        ("events: {bad: b_total, total: a_total}", "long", "gated", "the label of the class among their matchers"),
    ],
)
def test_what_is_not_exported_is_told_with_what_could_measure_it(written, indicator, prompts, model, said):
    objective, findings = written(slo(indicator, prompts, model), ENGINE).resolve("s")
    (error,) = [finding for finding in findings if finding.severity == "error"]
    assert (objective, error.code.id) == (None, "FS493")
    assert said in f"{error.message}; expected {error.expected}"


def test_where_no_engine_tells_a_gateway_is_named(written):
    _, (finding,) = written(slo("ttft: {below: 500ms}", "long", "chat")).resolve("s")
    assert finding.expected == "no prompts: none of the engines known here does"
    assert "a gateway that labels its histograms by the length of the prompt" in finding.hint
