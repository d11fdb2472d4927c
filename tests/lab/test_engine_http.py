"""The simulated engine over HTTP: answers, refusals, hang-ups, a cold start, and a drain on SIGTERM."""

import asyncio
import json
import os
import signal
import time

import aiohttp
import pytest

from .conftest import come_true, eventually, is_ready, samples, until

BODY = {"model": "chat", "prompt": [1] * 20, "max_tokens": 6}
LENGTH = {"x-failsoft-lab-output-tokens": "99"}


def events(text: str) -> list[str]:
    return [line.removeprefix("data: ") for line in text.split("\n\n") if line]


async def test_an_answer_in_one_piece(engines, client):
    engine = await engines("chat")
    async with client.post(f"{engine.url}/v1/completions", json=BODY, headers=LENGTH) as answer:
        document = await answer.json()

    assert answer.status == 200
    assert document["object"] == "text_completion"
    assert document["model"] == "chat"
    assert document["usage"] == {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
    [choice] = document["choices"]
    assert choice["finish_reason"] == "length"
    assert len(choice["text"].split()) == 6


async def test_a_stream_brings_the_same_text_piece_by_piece(engines, client):
    engine = await engines("chat", stream_interval=2)
    body = BODY | {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 100}
    headers = {"x-failsoft-lab-output-tokens": "6"}
    async with client.post(f"{engine.url}/v1/completions", json=body, headers=headers) as answer:
        *chunks, usage, done = events(await answer.text())

    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert done == "[DONE]"
    assert json.loads(usage)["usage"]["completion_tokens"] == 6
    choices = [json.loads(chunk)["choices"][0] for chunk in chunks]
    assert [len(choice["text"].split()) for choice in choices] == [1, 2, 2, 1]
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "stop"]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (BODY | {"model": "other"}, 404, "model"),
        (BODY | {"max_tokens": 0}, 400, "max_tokens"),
        (BODY | {"max_tokens": 5000}, 400, "max_tokens"),
        (BODY | {"n": 2}, 400, "n"),
        (BODY | {"prompt": []}, 400, None),
        ({"model": "chat"}, 400, "prompt"),
        ([], 400, None),
    ],
)
async def test_what_cannot_be_served_is_refused_with_its_field(engines, client, body, status, param):
    engine = await engines("chat")
    async with client.post(f"{engine.url}/v1/completions", json=body) as answer:
        error = (await answer.json())["error"]

    assert (answer.status, error["code"]) == (status, status)
    assert param is None or error["param"] == param
    assert (await samples(client, engine.url))["vllm:time_to_first_token_seconds_count"] == 0


async def test_no_json_at_all_is_refused(engines, client):
    engine = await engines("chat")
    async with client.post(f"{engine.url}/v1/completions", data=b"\xff{") as answer:
        assert answer.status == 400


async def test_a_disconnect_in_a_stream_is_invisible_but_for_its_ttft(engines, client):
    engine = await engines("chat", decode_tokens_per_s=20.0)
    body = BODY | {"stream": True, "max_tokens": 100}
    async with client.post(f"{engine.url}/v1/completions", json=body, headers=LENGTH) as answer:
        assert await answer.content.readany()
        answer.close()

    await until(client, engine.url, 'http_requests_total{handler="/v1/completions",method="POST",status="2xx"}', 1)
    seen = await samples(client, engine.url)
    assert seen["vllm:time_to_first_token_seconds_count"] == 1
    assert seen["vllm:e2e_request_latency_seconds_count"] == 0
    assert sum(value for name, value in seen.items() if name.startswith("vllm:request_success_total")) == 0
    assert seen["vllm:num_requests_running"] == 0
    assert seen["vllm:kv_cache_usage_perc"] == 0


async def test_beyond_the_limit_admission_control_answers_503(engines, client):
    engine = await engines("chat", slots=2, max_num_queued_reqs=5)

    async def ask() -> int:
        async with client.post(f"{engine.url}/v1/completions", json=BODY | {"stream": True}, headers=LENGTH) as answer:
            await answer.read()
            return answer.status

    statuses = await asyncio.gather(*(ask() for _ in range(12)))

    refused = statuses.count(503)
    assert refused > 0
    assert statuses.count(200) == 12 - refused >= 5
    seen = await samples(client, engine.url)
    handler = 'handler="/v1/completions",method="POST"'
    assert seen['vllm:admission_rejections_total{reason="max_num_queued_reqs"}'] == refused
    assert seen[f'http_requests_total{{{handler},status="5xx"}}'] == refused
    assert seen['vllm:request_success_total{finished_reason="length"}'] == 12 - refused


async def test_a_cold_engine_answers_503_until_it_serves(engines, client):
    cold = await engines("chat", cold_start=600)
    assert not await is_ready(cold.url)
    async with client.post(f"{cold.url}/v1/completions", json=BODY) as answer:
        assert answer.status == 503

    engine = await engines("chat", cold_start=0.2)
    await come_true(lambda: is_ready(engine.url))
    async with client.get(f"{engine.url}/v1/models") as answer:
        assert [card["id"] for card in (await answer.json())["data"]] == ["chat"]


async def test_a_full_batch_makes_others_wait_for_their_first_token(engines, client):
    engine = await engines("chat", slots=1, decode_tokens_per_s=50.0)
    told = []

    async def ask(number: int) -> float:
        begun = time.monotonic()
        async with client.post(f"{engine.url}/v1/completions", json=BODY | {"stream": True}, headers=LENGTH) as answer:
            await answer.content.readany()
            first = time.monotonic() - begun
            told.append(f"first of {number}")
            await answer.read()
            told.append(f"last of {number}")
            return first

    _, second, third = sorted(await asyncio.gather(ask(1), ask(2), ask(3)))
    order = [int(words.split()[-1]) for words in told if words.startswith("first")]
    assert told == [f"{which} of {number}" for number in order for which in ("first", "last")]
    assert second > 0.1, "six tokens of another one"
    assert third > 0.2


@pytest.fixture
def engine_process(parts, port):
    def start(**options: object):
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        process = parts("engine", "failsoft.lab.engine", "--model=chat", f"--port={port}", *arguments)
        eventually(lambda: asyncio.run(is_ready(url)))
        return process

    url = f"http://127.0.0.1:{port}"
    return start


def stream_through_sigterm(port: int, process) -> tuple[bytes, int]:
    """What a stream of 40 tokens brings when SIGTERM comes after its first, and a new request's status after that."""

    async def is_draining() -> bool:
        return not await is_ready(f"http://127.0.0.1:{port}")

    async def run() -> tuple[bytes, int]:
        url = f"http://127.0.0.1:{port}/v1/completions"
        body = BODY | {"stream": True, "max_tokens": 40}
        async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=LENGTH) as stream:
            received = await stream.content.readany()
            os.kill(process.pid, signal.SIGTERM)
            await come_true(is_draining)
            async with session.post(url, json=BODY) as other:
                status = other.status
            try:
                async for chunk in stream.content.iter_any():
                    received += chunk
            except aiohttp.ClientPayloadError:
                received += b"(cut)"
            return received, status

    return asyncio.run(run())


def test_sigterm_lets_streams_end_and_refuses_new_requests(engine_process, port):
    process = engine_process(decode_tokens_per_s=20)

    received, status = stream_through_sigterm(port, process)

    assert status == 503
    assert received.endswith(b"data: [DONE]\n\n")
    assert process.wait(60)
    assert process.stop() == 0


def test_at_the_deadline_of_a_drain_streams_are_cut(engine_process, port):
    process = engine_process(decode_tokens_per_s=1, shutdown_timeout=2)

    received, status = stream_through_sigterm(port, process)

    assert status == 503
    assert received.endswith(b"(cut)")
    assert process.wait(60)
    assert process.stop() == 0


def test_an_impossible_capacity_is_a_usage_error(parts, port):
    process = parts("engine", "failsoft.lab.engine", "--model=chat", f"--port={port}", "--kv-blocks=3")

    assert process.wait(60)
    assert "KV blocks" in process.log_tail()
    assert process.stop() == 2
