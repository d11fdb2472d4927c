"""The lab's clients: open loop, counted honestly, and gone when told."""

import asyncio
import itertools
import json
import statistics

import pytest

from failsoft.lab.gateway import Backend, Endpoint, Gateway, Table
from failsoft.lab.trace import Arrival
from failsoft.lab.traffic import Load, Tally, Traffic

from .conftest import come_true, eventually


def every(gap: float, *, prompt: int = 10, output: int = 5):
    number = 0
    while True:
        yield Arrival(number * gap, prompt, output)
        number += 1


async def replayed(load: Load, count: int, gap: float) -> Tally:
    """What became of so many requests, once each has come to its end."""
    traffic = Traffic(load)
    await ended(traffic, itertools.islice(every(gap), count), count)
    return traffic.total


async def ended(traffic: Traffic, arrivals, count: int) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(traffic.run(arrivals, stop, seconds=600))

    async def all_of_them() -> bool:
        return traffic.total.ok + sum(traffic.total.failed.values()) == count

    await come_true(all_of_them)
    stop.set()
    await running


async def test_whole_answers_are_ok_and_have_a_ttft(engines, capsys):
    engine = await engines("chat", slots=32, decode_tokens_per_s=5.0)

    total = await replayed(Load(engine.url, "chat", max_tokens=8), 24, 0.03)

    assert (total.sent, total.ok, total.failed) == (24, 24, {})
    assert len(total.ttft) == 24
    assert statistics.median(total.ttft) < 0.5, "a whole answer takes 0.8 s"
    *seconds, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["final"] for line in seconds} == {False}
    assert last["final"] is True
    assert last["sent"] == 24
    assert 0 < last["ttft_p50"] <= last["ttft_p95"] <= last["ttft_p99"]


async def test_it_does_not_slow_down_when_the_service_does(engines):
    engine = await engines("chat", slots=1, decode_tokens_per_s=1.0)

    traffic = Traffic(Load(engine.url, "chat", concurrency=10))
    await traffic.run(every(0.02), asyncio.Event(), seconds=0.99)

    assert (traffic.total.sent, traffic.total.dropped, traffic.total.ok) == (10, 40, 0)


async def test_failures_are_told_apart(engines, serving):
    cold = await engines("chat", cold_start=60.0)
    assert (await replayed(Load(cold.url, "chat"), 4, 0.01)).failed == {"503": 4}

    slow = await engines("chat", decode_tokens_per_s=1.0)
    impatient = Load(slow.url, "chat", timeout=0.1)
    assert (await replayed(impatient, 4, 0.01)).failed == {"timeout": 4}

    nobody = Load("http://127.0.0.1:9", "chat")
    assert (await replayed(nobody, 4, 0.01)).failed == {"connection": 4}


async def test_a_stream_without_its_end_is_cut(engines, serving):
    engine = await engines("chat", decode_tokens_per_s=5.0)
    gateway = Gateway("prod/chat")
    gateway.table = Table((Backend("chat", 1, (Endpoint("a", engine.port, "chat"),)),))
    front = await serving(gateway.app())

    traffic = Traffic(Load(front.url, "chat"))
    running = asyncio.create_task(ended(traffic, iter([Arrival(0.0, 10, 99)]), 1))

    async def begun() -> bool:
        return bool(traffic.total.ttft)

    await come_true(begun)
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

    assert process.stop(60.0) == 0

    last = json.loads(process.log_tail().splitlines()[-1])
    assert last["final"] is True
    assert (last["ok"], set(last["failed"])) == (0, {"connection"})
    assert 0 < last["failed"]["connection"] <= last["sent"], "one that is in flight at the end is given up uncounted"
