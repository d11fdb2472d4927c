"""What engines export that can drift: series that are there, picked out of their family, inputs told from outputs."""

import pytest

from failsoft.drift import counts_query
from failsoft.workspace.quantities import Duration

HOUR = Duration.parse("1h")


def test_the_signals_of_vllm_are_in_the_answer_of_a_real_server(engines, scrape):
    text = scrape("vllm").read_text()
    for signal in engines["vllm"].spec.signals.values():
        if signal.histogram:
            assert f"{signal.histogram.family}_bucket{{" in text
        else:
            source = signal.categories
            assert f"{source.counter}{{" in text
            assert all(f'{source.by}="{value}"' in text for value in source.values)


@pytest.mark.parametrize("engine", ["otel-genai", "envoy-ai-gateway"])
def test_two_lengths_in_one_family_are_told_apart_by_a_label(engines, engine):
    signals = engines[engine].spec.signals
    asked = {name: counts_query(signal, {"job": "j"}, HOUR) for name, signal in signals.items()}
    assert 'gen_ai_token_type="input"' in asked["prompt-length"]
    assert 'gen_ai_token_type="output"' in asked["output-length"]


def test_only_what_people_send_is_an_input(engines):
    roles = {(name, signal.role) for engine in engines.values() for name, signal in engine.spec.signals.items()}
    assert roles == {("prompt-length", "input"), ("output-length", "output"), ("finish-reason", "output")}


def test_catalog_show_names_what_can_drift(run):
    output = run("catalog", "show", "lmdeploy")
    assert "finish-reason (output): lmdeploy:request_success_total by finished_reason" in str(output)
