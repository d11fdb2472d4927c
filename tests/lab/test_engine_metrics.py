"""What the simulated engine exports is held to a scrape of a real vLLM 0.32.0."""

from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

SCRAPE = Path(__file__).parent.parent / "data" / "scrapes" / "vllm-0.32.0.prom"
NOT_SIMULATED = {
    "vllm:estimated_flops_per_gpu",
    "vllm:estimated_read_bytes_per_gpu",
    "vllm:estimated_write_bytes_per_gpu",
    "vllm:prefix_cache_queries",
    "vllm:prefix_cache_hits",
    "vllm:external_prefix_cache_queries",
    "vllm:external_prefix_cache_hits",
    "vllm:mm_cache_queries",
    "vllm:mm_cache_hits",
    "vllm:prompt_tokens_cached",
    "vllm:prompt_tokens_cached_by_source",
    "vllm:cache_config_info",
}


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def series(family: Metric) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Each series with all label values, except the model's name."""
    return {
        (sample.name, tuple(sorted((k, "" if k == "model_name" else v) for k, v in sample.labels.items())))
        for sample in family.samples
    }


def bounds(family: Metric) -> set[str]:
    return {sample.labels["le"] for sample in family.samples if sample.name.endswith("_bucket")}


def label_names(family: Metric) -> set[tuple[str, tuple[str, ...]]]:
    return {(sample.name, tuple(sorted(sample.labels))) for sample in family.samples}


@pytest.fixture
async def ours(engines, client) -> dict[str, Metric]:
    engine = await engines("tiny-llama")
    body = {"model": "tiny-llama", "prompt": [1, 2, 3], "max_tokens": 3}
    for change in ({}, {"stream": True}, {"model": "other"}, {"max_tokens": 0}):
        async with client.post(f"{engine.url}/v1/completions", json=body | change) as answer:
            await answer.read()
    async with client.get(f"{engine.url}/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return families(await answer.text())


async def test_families_types_help_labels_and_bounds_are_those_of_the_scrape(ours):
    real = families(SCRAPE.read_text("utf-8"))

    for name, family in ours.items():
        assert name in real, f"vLLM has no {name}"
        assert family.type == real[name].type, name
        assert family.documentation == real[name].documentation, name
        assert label_names(family) == label_names(real[name]), name
        assert bounds(family) == bounds(real[name]), name


async def test_every_series_of_the_scrape_is_there_from_the_start_with_the_same_label_values(ours):
    real = families(SCRAPE.read_text("utf-8"))

    for name, family in ours.items():
        if name.startswith("vllm:"):
            assert series(family) == series(real[name]), name


async def test_only_what_is_stated_is_left_out(ours):
    real = families(SCRAPE.read_text("utf-8"))

    missing = {name for name in real if name not in ours and not name.endswith("_created")}
    assert missing == NOT_SIMULATED
    created = {name for name in real if name not in ours and name.endswith("_created")}
    assert {name.removesuffix("_created") for name in created} <= NOT_SIMULATED


async def test_http_requests_are_counted_by_handler_and_class_of_status(ours):
    counted = {
        (sample.labels["handler"], sample.labels["method"], sample.labels["status"]): sample.value
        for sample in ours["http_requests"].samples
        if sample.name == "http_requests_total"
    }
    assert counted == {
        ("/v1/completions", "POST", "2xx"): 2.0,
        ("/v1/completions", "POST", "4xx"): 2.0,
    }


async def test_token_bounds_follow_the_model_length(engines, client):
    engine = await engines("chat", max_model_len=4096)
    async with client.get(f"{engine.url}/metrics") as answer:
        found = bounds(families(await answer.text())["vllm:request_prompt_tokens"])
    assert found - {"+Inf"} == {f"{n}.0" for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)}
