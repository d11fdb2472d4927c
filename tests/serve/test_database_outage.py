"""PostgreSQL comes late, hangs, and goes away: the webhook says so in time, and what it said 200 to is kept."""

import asyncio
import contextlib
from urllib.parse import urlsplit, urlunsplit

import pytest

from failsoft.lab.parts import free_port


class Proxy:
    """Stands between failsoft and its database. `mode`: pass, hang (bytes go nowhere), refuse."""

    def __init__(self, host, port):
        self._target = (host, port)
        self._server = None
        self._tasks = set()
        self.mode = "pass"
        self.port = 0

    async def open(self, port):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = port

    async def close(self):
        if self._server:
            self._server.close()
        await self.cut()

    async def cut(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.CancelledError):
            onward, backward = await asyncio.open_connection(*self._target)
            with contextlib.closing(writer), contextlib.closing(backward):
                await asyncio.gather(self._pump(reader, backward), self._pump(onward, writer))

    async def _pump(self, reader, writer):
        while data := await reader.read(65536):
            while self.mode == "hang":  # noqa: ASYNC110  # the test says when
                await asyncio.sleep(0.02)
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.fixture
async def proxy(postgres_url):
    at = urlsplit(postgres_url)
    proxy = Proxy(at.hostname, at.port)
    yield proxy
    proxy.mode = "pass"
    await proxy.close()


def through(url, port):
    at = urlsplit(url)
    user = at.netloc.rpartition("@")[0]
    return urlunsplit(at._replace(netloc=f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}"))


def alert(number):
    return {
        "status": "firing",
        "labels": {"alertname": "SLOBurns", "slo": "chat-ttft", "model": "chat", "severity": "page"},
        "annotations": {},
        "startsAt": "2026-11-21T03:01:00Z",
        "fingerprint": f"{number:016x}",
    }


async def test_a_database_that_comes_late_hangs_and_goes_away(workspace, serve, proxy, postgres_url):
    database, port = free_port(), free_port()
    serving = await serve(workspace(), "--database", through(postgres_url, database), "--port", str(port))
    serving.url = f"http://127.0.0.1:{port}"
    await serving.logged("not ready")
    assert await serving.get("/readyz") == (503, "the database is not migrated yet\n")
    assert (await serving.get("/healthz"))[0] == 200
    assert await serving.post(alert(0)) == 503
    assert await serving.value("failsoft_database_up") == 0

    await proxy.open(database)
    await serving.ready()
    assert (await serving.get("/readyz"))[0] == 200
    await serving.takes(alert(1))

    proxy.mode = "hang"
    for number in (2, 3):
        assert await serving.post(alert(number)) == 503
    assert serving.log().count("not committed within 1.6 s") >= 2
    proxy.mode = "pass"
    await serving.takes(alert(4))

    proxy.mode = "refuse"
    await proxy.close()
    assert await serving.post(alert(5)) == 503
    assert (await serving.get("/healthz"))[0] == 200
    await proxy.open(database)
    proxy.mode = "pass"
    await serving.takes(alert(6))
    await serving.until('failsoft_incidents{state="open"}', 1)
    assert await serving.stop() == 0
