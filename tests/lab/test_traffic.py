"""The lab's clients: open loop, counted honestly, and gone when told."""

import asyncio
import json

import pytest

from failsoft.lab.gateway import Backend, Endpoint, Gateway, Table
from failsoft.lab.trace import Arrival
from failsoft.lab.traffic import Load, Tally, Traffic

from .conftest import eventually


def every(gap: float, *, prompt: int = 10, output: int = 5):
    number = 0
    while True:
        yield Arrival(number * gap, prompt, output)
        number += 1


async def replayed(load: Load, arrivals, *, seconds: float) -> Tally:
    traffic = Traffic(load)
    await traffic.run(arrivals, asyncio.Event(), seconds=seconds)
    return traffic.total


async def test_whole_answers_are_ok_and_have_a_ttft(engines, capsys):
    engine = await engines("chat", slots=32)

    total = await replayed(Load(engine.url, "chat", max_tokens=8), every(0.05), seconds=1.2)

    assert total.sent == 24
    assert total.ok >= 22
    assert total.failed == {}
    assert len(total.ttft) >= 22
    assert max(total.ttft) < 1.0
    *seconds, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["final"] for line in seconds] == [False]
    assert last["final"] is True
    assert last["sent"] == 24
    assert 0 < last["ttft_p50"] <= last["ttft_p95"] <= last["ttft_p99"] < 1.0


async def test_it_does_not_slow_down_when_the_service_does(engines):
    engine = await engines("chat", slots=1, decode_tokens_per_s=1.0)

    total = await replayed(Load(engine.url, "chat", concurrency=10), every(0.02), seconds=0.99)

    assert total.sent == 10
    assert total.dropped == 40
    assert total.ok == 0


async def test_failures_are_told_apart(engines, serving):
    cold = await engines("chat", cold_start=60.0)
    assert (await replayed(Load(cold.url, "chat"), every(0.1), seconds=0.35)).failed == {"503": 4}

    slow = await engines("chat", decode_tokens_per_s=1.0)
    impatient = Load(slow.url, "chat", timeout=0.1)
    assert set((await replayed(impatient, every(0.1), seconds=0.5)).failed) == {"timeout"}

    nobody = Load("http://127.0.0.1:9", "chat")
    assert set((await replayed(nobody, every(0.1), seconds=0.3)).failed) == {"connection"}


async def test_a_stream_without_its_end_is_cut(engines, serving):
    engine = await engines("chat", decode_tokens_per_s=5.0)
    gateway = Gateway("prod/chat")
    gateway.table = Table((Backend("chat", 1, (Endpoint("a", engine.port, "chat"),)),))
    front = await serving(gateway.app())

    traffic = Traffic(Load(front.url, "chat"))
    running = asyncio.create_task(traffic.run(iter([Arrival(0.0, 10, 99)]), asyncio.Event(), seconds=1.0))
    while not traffic.total.ttft:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await engine.stop()
    await running

    assert traffic.total.failed == {"cut": 1}


@pytest.mark.parametrize(
    ("values", "p50", "p95"), [([], None, None), ([3.0], 3.0, 3.0), ([4.0, 1.0, 2.0, 3.0], 2.0, 4.0)]
)
def test_percentiles_are_values_that_were_seen(values, p50, p95):
    line = json.loads(Tally(ttft=values).line(at=1.04))

    assert (line["at"], line["ttft_p50"], line["ttft_p95"]) == (1.0, p50, p95)


def test_as_a_process_it_ends_on_sigterm_with_its_summary(parts):
    process = parts("traffic", "failsoft.lab.traffic", "--url=http://127.0.0.1:9", "--model=chat", "--speed=5")
    eventually(lambda: '"final": false' in process.log_tail())

    assert process.stop(5.0) == 0

    last = json.loads(process.log_tail().splitlines()[-1])
    assert last["final"] is True
    assert last["failed"]["connection"] == last["sent"]
