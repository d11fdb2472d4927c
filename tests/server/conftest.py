"""The web application on a real socket, over an intake that the test holds in its hand."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

import aiohttp
import pytest

from failsoft.clients.secrets import Secret
from failsoft.errors import UnavailableError
from failsoft.runbooks.stats import Stats
from failsoft.server.app import Backend, create_app
from failsoft.server.metrics import Metrics
from failsoft.server.web import WebServer, address, listen
from failsoft.server.webhook import Limits

TOKEN = "s3cret"


@dataclass
class FakeIntake:
    """Commits only when `commit` is set; `fails` is raised instead."""

    received: list = field(default_factory=list)
    committed: list = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    commit: asyncio.Event = field(default_factory=asyncio.Event)
    fails: Exception | None = None

    def __post_init__(self):
        self.commit.set()

    async def receive(self, delivery):
        self.received.append(delivery)
        self.arrived.set()
        if self.fails:
            raise self.fails
        await self.commit.wait()
        self.committed.append(delivery)


@dataclass
class Site:
    url: str
    intake: FakeIntake
    metrics: Metrics
    session: aiohttp.ClientSession
    unready: str = ""
    stats: Stats | None = None

    async def post(self, body, *, token=TOKEN, **more):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        async with self.session.post(f"{self.url}/webhook/alertmanager", data=data, headers=headers, **more) as answer:
            return answer.status, await answer.text()

    async def get(self, path, **headers):
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def scrape(self):
        return (await self.get("/metrics"))[1].splitlines()


@pytest.fixture
async def start():
    """Starts the application: `site = await start(limits=..., secret=...)`."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(*, limits=None, secret=lambda: Secret(TOKEN)):
            intake, metrics = FakeIntake(), Metrics()
            site = Site("", intake, metrics, await stack.enter_async_context(aiohttp.ClientSession()))

            async def stats():
                if site.stats is None:
                    raise UnavailableError("no database")
                return site.stats

            backend = Backend(intake, stats, lambda: site.unready, secret, limits or Limits())
            listener = listen("127.0.0.1", 0)
            site.url = address(listener)
            await stack.enter_async_context(WebServer(create_app(backend, metrics), listener))
            return site

        yield begin


@pytest.fixture
async def site(start):
    return await start()
