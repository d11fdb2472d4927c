"""The gateway in front of simulated engines: streaming, retries, the fallback's model, and hang-ups."""

import asyncio
import json

import aiohttp
import pytest

from failsoft.lab.gateway import Backend, Endpoint, Gateway, Table
from failsoft.lab.parts import free_port

from .conftest import FAST, Served, samples, until

BODY = {"model": "chat-70b", "prompt": [1] * 20, "max_tokens": 6, "stream": True}
LONG = {"x-failsoft-lab-output-tokens": "999"}


def backend(name: str, model: str, *engines: Served | int, weight: int = 1) -> Backend:
    ports = [each if isinstance(each, int) else each.port for each in engines]
    return Backend(name, weight, tuple(Endpoint(f"{name}-{n}", port, model) for n, port in enumerate(ports)))


@pytest.fixture
async def gateway(serving):
    async def start(*backends: Backend) -> Served:
        gateway = Gateway("prod/chat")
        gateway.table = Table(backends)
        return await serving(gateway.app())

    return start


def requests_of(seen: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in seen.items() if name.startswith("failsoft_lab_gateway_requests_total")}


async def test_a_stream_comes_through_as_it_is_made(engines, gateway, client):
    engine = await engines("chat-70b", decode_tokens_per_s=5.0)
    front = await gateway(backend("chat", "chat-70b", engine))

    async with client.post(f"{front.url}/v1/completions", json=BODY, headers=LONG) as answer:
        first = await answer.content.readany()
        still = (await samples(client, engine.url))["vllm:num_requests_running"]
        rest = await answer.text()

    assert b'"finish_reason":null' in first
    assert still == 1, "the engine is at the next piece"
    assert rest.endswith("data: [DONE]\n\n")
    seen = await samples(client, front.url)
    assert requests_of(seen) == {
        'failsoft_lab_gateway_requests_total{backend="chat",code="200",route="prod/chat"}': 1.0
    }


async def test_the_fallback_is_asked_for_its_own_model(engines, gateway, client):
    small = await engines("chat-8b")
    front = await gateway(backend("chat", "chat-70b", free_port(), weight=0), backend("chat-small", "chat-8b", small))

    async with client.post(f"{front.url}/v1/completions", json=BODY | {"stream": False}) as answer:
        assert answer.status == 200
        assert (await answer.json())["model"] == "chat-8b"
    async with client.post(f"{front.url}/v1/completions", json=BODY | {"model": "gpt-5"}) as answer:
        assert answer.status == 404


async def test_a_pod_that_is_gone_or_draining_costs_a_retry_not_a_request(engines, gateway, client):
    alive = await engines("chat-70b", slots=8)
    cold = await engines("chat-70b", cold_start=60.0)
    front = await gateway(backend("chat", "chat-70b", free_port(), cold, alive))

    statuses = []
    for _ in range(8):
        async with client.post(f"{front.url}/v1/completions", json=BODY) as answer:
            await answer.read()
            statuses.append(answer.status)

    assert statuses == [200] * 8
    retries = {
        name: value
        for name, value in (await samples(client, front.url)).items()
        if name.startswith("failsoft_lab_gateway_retries_total")
    }
    assert len(retries) == 2
    assert sum(retries.values()) > 0


async def test_retries_do_not_multiply_an_overload(engines, gateway, client):
    cold = [await engines("chat-70b", cold_start=60.0) for _ in range(3)]
    front = await gateway(backend("chat", "chat-70b", *cold))

    async def ask() -> tuple[int, str | None]:
        async with client.post(f"{front.url}/v1/completions", json=BODY) as answer:
            return answer.status, answer.headers.get("Retry-After")

    assert await asyncio.gather(*(ask() for _ in range(50))) == [(503, "1")] * 50
    handler = 'handler="/v1/completions",method="POST"'
    asked = [(await samples(client, each.url))[f'http_requests_total{{{handler},status="5xx"}}'] for each in cold]
    # 50 requests, 10 saved retries, and a fifth of a retry earned by each request.
    assert 50 < sum(asked) <= 50 + 10 + 10


async def test_with_nobody_ready_the_gateway_says_when_to_come_back(gateway, client):
    front = await gateway(backend("chat", "chat-70b"))

    async with client.post(f"{front.url}/v1/completions", json=BODY) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert "none is ready" in (await answer.json())["error"]["message"]
    seen = await samples(client, front.url)
    assert requests_of(seen) == {
        'failsoft_lab_gateway_requests_total{backend="chat",code="503",route="prod/chat"}': 1.0
    }


async def test_a_client_that_hangs_up_frees_its_slot_at_the_engine(engines, gateway, client):
    engine = await engines("chat-70b", decode_tokens_per_s=20.0)
    front = await gateway(backend("chat", "chat-70b", engine))

    async with client.post(f"{front.url}/v1/completions", json=BODY | {"max_tokens": 500}, headers=LONG) as answer:
        await answer.content.readany()
        assert (await samples(client, engine.url))["vllm:num_requests_running"] == 1
        answer.close()

    await until(client, engine.url, "vllm:num_requests_running", 0)


async def test_an_engine_that_dies_in_a_stream_is_no_whole_answer(engines, gateway, client):
    engine = await engines("chat-70b", decode_tokens_per_s=20.0)
    front = await gateway(backend("chat", "chat-70b", engine))

    async with client.post(f"{front.url}/v1/completions", json=BODY | {"max_tokens": 500}, headers=LONG) as answer:
        await answer.content.readany()
        await engine.stop()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    seen = await samples(client, front.url)
    failed = [value for name, value in seen.items() if 'error_type="_OTHER"' in name and "_count" in name]
    assert failed == [1.0]


async def test_the_least_busy_pod_is_chosen(engines, gateway, client):
    pods = [await engines("chat-70b", slots=FAST.slots) for _ in range(2)]
    front = await gateway(backend("chat", "chat-70b", *pods))

    async def ask() -> None:
        async with client.post(f"{front.url}/v1/completions", json=BODY | {"max_tokens": 30}, headers=LONG) as answer:
            await answer.read()

    await asyncio.gather(*(ask() for _ in range(8)))

    counts = [(await samples(client, each.url))["vllm:e2e_request_latency_seconds_count"] for each in pods]
    assert counts == [4, 4]


async def test_a_body_that_is_no_json_reaches_the_engine_unchanged(engines, gateway, client):
    engine = await engines("chat-70b")
    front = await gateway(backend("chat", "chat-70b", engine))

    async with client.post(f"{front.url}/v1/completions", data=json.dumps(["x"])) as answer:
        assert answer.status == 400
