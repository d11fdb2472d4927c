"""Simulated engines and a gateway in the test's own event loop, on real sockets; and processes that are ended."""

import asyncio
import contextlib
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from failsoft.lab.engine import Capacity
from failsoft.lab.engine.server import Engine, Settings
from failsoft.lab.parts import Process, reap_leftovers

FAST = Capacity(slots=4, prefill_tokens_per_s=50_000.0, decode_tokens_per_s=200.0)


@dataclass
class Served:
    """Something that answers HTTP on 127.0.0.1."""

    port: int
    stop: Callable[[], Awaitable[None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def serve(app: web.Application) -> Served:
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return Served(runner.addresses[0][1], runner.cleanup)


@pytest.fixture
async def serving() -> AsyncIterator[Callable[[web.Application], Awaitable[Served]]]:
    """Serve an application until the test ends."""
    served: list[Served] = []

    async def start(app: web.Application) -> Served:
        served.append(await serve(app))
        return served[-1]

    yield start
    for each in served:
        await each.stop()


@pytest.fixture
async def engines(serving) -> Callable[..., Awaitable[Served]]:
    """Start an engine: `await engines("chat", slots=2)`; ready when it returns, unless it is given a cold start."""

    async def start(model: str, *, cold_start: float = 0.0, stream_interval: int = 1, **capacity: float) -> Served:
        settings = Settings(model, replace(FAST, **capacity), cold_start, stream_interval)
        engine = await serving(Engine(settings).app())
        if not cold_start:
            await come_true(lambda: is_ready(engine.url))
        return engine

    return start


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def is_ready(url: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as answer:
        return answer.status == 200


async def samples(client: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """The samples of `/metrics` as `name{label="value"}`, without the labels `engine` and `model_name`."""
    async with client.get(f"{url}/metrics") as answer:
        text = await answer.text()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {k: v for k, v in sorted(sample.labels.items()) if k not in {"engine", "model_name"}}
            inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
            found[sample.name + (f"{{{inside}}}" if inside else "")] = sample.value
    return found


async def until(client: aiohttp.ClientSession, url: str, sample: str, value: float) -> None:
    """Wait until a sample has a value."""

    async def has_it() -> bool:
        return (await samples(client, url)).get(sample) == value

    await come_true(has_it)


async def come_true(check: Callable[[], Awaitable[object]], *, seconds: float = 60.0) -> None:
    """Wait until `check` says yes."""
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 (what we wait for happens in other processes too)
            await asyncio.sleep(0.01)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start modules of ours as processes: `parts("gateway", "failsoft.lab.gateway", "--port", 1)`; ended at the end."""
    started: list[Process] = []

    def start(name: str, module: str, *arguments: object) -> Process:
        argv = [sys.executable, "-m", module, *map(str, arguments)]
        started.append(Process(argv, tmp_path / f"{name}.log", registry=tmp_path / "parts"))
        started[-1].start()
        return started[-1]

    yield start
    for each in reversed(started):
        each.stop(5.0)
    # What a kubelet left that a failing test killed.
    reap_leftovers(tmp_path / "kubelet" / "processes", grace=1.0)


def eventually(check: Callable[[], object], *, seconds: float = 60.0) -> object:
    """The first true answer of `check`; the test fails without one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if answer := check():
                return answer
        time.sleep(0.05)
    pytest.fail(f"did not happen within {seconds:g} s: {re.sub(r'\s+', ' ', str(check))}")


def running(root: Path) -> list[str]:
    """Command lines of processes that belong to the lab in this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue
        if str(root) in words and int(entry.parent.name) != os.getpid():
            found.append(words)
    return found
