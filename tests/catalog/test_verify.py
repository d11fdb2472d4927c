"""The catalogue beside servers: right on real ones, and on what flags and other versions make of them."""

import json
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failsoft.errors import RefusedError
from failsoft.slo import resolve
from failsoft.slo.scrape import parse_scrape
from failsoft.slo.verify import bounds_found, verify
from failsoft.workspace.load import load

TTFT = "vllm:time_to_first_token_seconds"


@pytest.fixture
def vllm(engines, scrape):
    """Verifies a changed answer of vLLM: `vllm(change)` -> verdict."""
    spec, text = engines["vllm"].spec, scrape("vllm").read_text()

    def against(change=lambda text: text):
        return verify(spec, parse_scrape(change(text), "x"))

    return against


def details(verdict):
    return {one.family: one.details for one in verdict.families}


def test_a_real_server_is_as_the_catalogue_says(vllm):
    verdict = vllm()
    assert verdict.same
    assert verdict.families == ()
    assert verdict.indicators["coldStart"] == "not exported"
    assert {state for name, state in verdict.indicators.items() if name != "coldStart"} == {"works"}


def test_custom_buckets_are_other_bounds_and_name_what_is_lost_and_new(vllm):
    """As --custom-histogram-buckets does: the whole family is replaced."""

    def custom(text):
        kept = re.sub(rf'{TTFT}_bucket\{{engine="0",le="(?!0\.5"|1\.0"|\+Inf")[^\n]*\n', "", text)
        return re.sub(rf'({TTFT}_bucket\{{engine="0",le=)"0\.5"', r'\1"0.3"', kept)

    verdict = vllm(custom)
    assert not verdict.same
    assert verdict.indicators["ttft"] == "other bounds"
    assert verdict.indicators["itl"] == "works"
    (said,) = details(verdict)[TTFT]
    assert said.endswith("; new 0.3")
    assert "lost 0.001, 0.005" in said
    assert " and 13 more" in said


def test_the_bounds_that_are_found_are_exact(engines, vllm, scrape):
    parsed = parse_scrape(scrape("vllm").read_text(), "x")
    spec = engines["vllm"].spec
    found = bounds_found(spec, parsed)
    assert {name: tuple(map(Decimal, spec.bounds(name))) for name in found} == found
    assert len(found) == 5


def test_an_older_name_is_recognised(vllm):
    verdict = vllm(lambda text: text.replace("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"))
    assert verdict.indicators["kvCache"] == "missing"
    (said,) = details(verdict)["vllm:kv_cache_usage_perc"]
    assert said.startswith("vllm:gpu_cache_usage_perc, its older name, is there (deprecated by PR 18354")


def test_a_family_that_is_gone_takes_its_indicators_along(vllm):
    verdict = vllm(lambda text: "\n".join(line for line in text.splitlines() if "num_requests_running" not in line))
    assert verdict.indicators["throughput"] == "missing"
    assert verdict.indicators["preemption"] == "works"


def test_a_family_without_series_is_not_judged(vllm):
    verdict = vllm(lambda text: re.sub(rf"^{TTFT}_[^\n]*\n", "", text, flags=re.MULTILINE))
    assert verdict.same
    assert verdict.indicators["ttft"] == "no series yet"


def test_another_label_for_the_model_breaks_what_selects_by_it(vllm):
    verdict = vllm(lambda text: text.replace("model_name=", "model="))
    assert verdict.indicators["ttft"] == "other labels"
    assert "has no label model_name" in details(verdict)[TTFT]
    assert "has more labels: model" in details(verdict)[TTFT]
    assert verdict.indicators["availability"] == "works"  # which has no model either way


def test_a_label_that_an_indicator_picks_by_has_to_be_there(vllm):
    verdict = vllm(lambda text: text.replace("handler=", "route="))
    assert verdict.indicators["availability"] == "other labels"


def test_more_labels_harm_nobody(vllm):
    verdict = vllm(lambda text: text.replace('engine="0"', 'engine="0",pod="a"'))
    assert verdict.same
    assert details(verdict)[TTFT] == ("has more labels: pod",)


def test_a_gauge_in_a_counters_name_is_told(vllm):
    verdict = vllm(
        lambda text: text.replace("TYPE vllm:num_preemptions_total counter", "TYPE vllm:num_preemptions_total gauge")
    )
    assert verdict.indicators["preemption"] == "other type"


def test_models_with_different_buckets_are_told_apart(engines, vllm, scrape):
    other = "".join(f'{TTFT}_bucket{{engine="0",le="{le}",model_name="b"}} 1\n' for le in ("0.7", "+Inf"))

    def both(text):
        at = text.index(f"{TTFT}_bucket")
        return text[:at] + other + text[at:]

    assert details(vllm(both))[TTFT] == ("has series with different bounds; lock each model by itself",)
    assert TTFT not in bounds_found(engines["vllm"].spec, parse_scrape(both(scrape("vllm").read_text()), "x"))


def test_another_engine_altogether_has_nothing(vllm, scrape):
    verdict = vllm(lambda _: scrape("kserve").read_text())
    assert {state for name, state in verdict.indicators.items() if name != "coldStart"} == {"missing"}


def test_counters_without_a_suffix_are_found(engines):
    text = """\
# TYPE tgi_request_count counter
tgi_request_count 3
# TYPE tgi_request_failure counter
tgi_request_failure{err="dropped"} 1
"""
    assert verify(engines["tgi"].spec, parse_scrape(text, "x")).indicators["availability"] == "works"


def test_what_prometheus_federates_is_read_though_it_has_no_types(vllm):
    """There a histogram is three families, `untyped` as everything else is."""

    def federated(text):
        kept = [line for line in text.splitlines() if line and not line.startswith("#")]
        names = dict.fromkeys(re.split(r"[{ ]", line)[0] for line in kept)
        lines = []
        for name in names:
            lines += [f"# TYPE {name} untyped", *(line for line in kept if re.split(r"[{ ]", line)[0] == name)]
        return "\n".join(lines) + "\n"

    assert vllm(federated).same


def test_openmetrics_is_read_too(engines):
    text = """\
# TYPE llamacpp:tokens_predicted counter
llamacpp:tokens_predicted_total 3
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 1
# EOF
"""
    assert verify(engines["llamacpp"].spec, parse_scrape(text, "x")).indicators["throughput"] == "works"


def test_the_command_says_it_for_people_and_for_programs(run, scrape, tmp_path):
    changed = tmp_path / "changed.prom"
    changed.write_text(scrape("vllm").read_text().replace("kv_cache_usage_perc", "gpu_cache_usage_perc"))
    code, out, _ = run("catalog", "verify", "vllm", changed)
    assert code == 1
    assert "  kvCache       missing\n" in out
    code, out, _ = run("catalog", "verify", "vllm", changed, "--output", "json")
    told = json.loads(out)
    assert (code, told["same"], told["verified"]) == (1, False, True)
    assert told["indicators"]["kvCache"] == "missing"
    assert told["families"][0]["family"] == "vllm:kv_cache_usage_perc"


def test_an_engine_that_nobody_knows_is_told_with_the_nearest(run, scrape):
    code, _, err = run("catalog", "verify", "vlm", scrape("vllm"))
    assert code == 2
    assert "did you mean vllm?" in err


@settings(max_examples=60)
@given(
    text=st.one_of(
        st.text(max_size=200),
        st.from_regex(r"(# TYPE )?[a-z:_]{1,8}(\{[a-z=\",]{0,12}\})? [0-9.NaInf+-]{1,5}\n", fullmatch=True),
    )
)
def test_whatever_a_server_says_it_is_read_or_refused(engines, text):
    with suppress(RefusedError):
        assert not verify(engines["vllm"].spec, parse_scrape(text, "x")).same


SCRAPES = Path(__file__).parents[1] / "data" / "scrapes"
FLAGS = {
    "buckets-dynamo-1.6.1.prom": ("dynamo", {"ttft"}, "ttft: {below: 360ms}"),
    "buckets-litellm-1.108.7.prom": ("litellm", {"ttft", "e2e", "queueWait"}, "e2e: {below: 300ms}"),
}


@pytest.mark.parametrize("name", FLAGS)
def test_buckets_that_a_server_was_told_are_found_and_can_be_locked(name, engines, workspace, run):
    """As DYN_METRICS_TTFT_MIN, _MAX and _COUNT and LiteLLM's prometheus_latency_buckets do, on servers that ran so."""
    engine, changed, indicator = FLAGS[name]
    spec = engines[engine].spec
    verdict = verify(spec, parse_scrape((SCRAPES / name).read_text(), name))
    assert {one for one, state in verdict.indicators.items() if state == "other bounds"} == changed
    assert {state for one, state in verdict.indicators.items() if one not in changed} == {"works", "not exported"}
    label = spec.identity["model"]
    root, loaded, _ = workspace(engine, {"s": indicator}, select=f"job: j, {label}: m")
    assert [finding.code.id for finding in resolve(loaded, loaded.slos["s"])[1]] == ["FS401"]
    assert run("catalog", "lock", engine, SCRAPES / name, "-w", root)[0] == 0
    locked, _ = load(root)
    objective, findings = resolve(locked, locked.slos["s"])
    assert (objective is not None, findings) == (True, ())


def test_an_older_triton_without_a_gpu_tells_its_requests_and_nothing_else(engines):
    verdict = verify(engines["triton"].spec, parse_scrape((SCRAPES / "older-triton-2.51.0.prom").read_text(), "x"))
    states = {name: state for name, state in verdict.indicators.items() if state != "not exported"}
    assert states == {"ttft": "missing", "availability": "works", "kvCache": "missing", "coldStart": "missing"}
    assert not verdict.same
    assert "has no label gpu_uuid" in details(verdict)["nv_inference_request_success"]
