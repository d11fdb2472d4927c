"""How a fake is served: on loopback, in the running event loop or in a thread of its own; and how one waits for it."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from aiohttp import web

__all__ = ["Fault", "Faults", "Served", "cut_connection"]

_START_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the next requests of one kind.

    Attributes:
        status: answer with this HTTP status; None answers as usual.
        error: answer with this error in the API's own form.
        retry_after: seconds, sent as `Retry-After`.
        drop_reply: do what is asked, then cut the connection without an answer.
        delay: seconds to wait before anything else.
        times: how many requests it hits.
    """

    status: int | None = None
    error: str = ""
    retry_after: int | None = None
    drop_reply: bool = False
    delay: float = 0.0
    times: int = 1


@dataclass(slots=True)
class Faults:
    """The faults in force, by kind of request, in order."""

    pending: dict[str, list[Fault]] = field(default_factory=dict)

    def add(self, kind: str, fault: Fault) -> None:
        """Put one in force, after those that are there."""
        self.pending.setdefault(kind, []).append(fault)

    def take(self, kind: str) -> Fault | None:
        """The fault that hits this request, used up once."""
        queue = self.pending.get(kind)
        if not queue:
            return None
        fault = queue.pop(0)
        if fault.times > 1:
            queue.insert(0, replace(fault, times=fault.times - 1))
        return fault


def cut_connection(request: web.Request) -> web.Response:
    """Cut the connection under a request without an answer, as a dying proxy does."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


class Served:
    """A fake server on 127.0.0.1.

    `async with fake:` serves it in the running event loop; `with fake:` in a thread of its own, for tests without one.
    Methods that act or look can be called from any thread. Those that wait are coroutines: await them, or give them to
    `run` where there is no event loop.

    Args:
        port: the port; a free one by default.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: web.AppRunner | None = None
        self._thread: threading.Thread | None = None
        self._waiters: set[asyncio.Future[None]] = set()

    def application(self) -> web.Application:
        """The application to serve; a fake overrides it."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:41234`."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._loop = None

    def __enter__(self) -> Self:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name=type(self).__name__, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.__aenter__(), loop).result(_START_TIMEOUT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        loop = self._running_loop()
        asyncio.run_coroutine_threadsafe(self.__aexit__(kind, error, traceback), loop).result(_START_TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(_START_TIMEOUT)
        loop.close()

    def run[T](self, waiting: Coroutine[Any, Any, T]) -> T:
        """Run one of the fake's coroutines from a thread without an event loop, and give its result."""
        return asyncio.run_coroutine_threadsafe(waiting, self._running_loop()).result()

    async def wait_for[T](self, predicate: Callable[[], T], *, within: float = 30.0) -> T:
        """Wait until `predicate()` is true, and give its result. It is asked again after every request.

        Raises:
            TimeoutError: it was not true within so many seconds.
        """
        return await self._there(self._wait(predicate, within))

    async def _there[T](self, waiting: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine in the fake's event loop, from whichever event loop."""
        loop = self._running_loop()
        if asyncio.get_running_loop() is loop:
            return await waiting
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(waiting, loop))

    async def _wait[T](self, predicate: Callable[[], T], within: float) -> T:
        deadline = time.monotonic() + within
        while not (result := predicate()):
            waiter = self._running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait_for(waiter, deadline - time.monotonic())
            except TimeoutError:
                raise TimeoutError(f"not within {within:g} s; {self.summary()}") from None
            finally:
                self._waiters.discard(waiter)
        return result

    def summary(self) -> str:
        """What has happened so far, for the text of a failed wait."""
        return f"{type(self).__name__} at {self.url}"

    def _changed(self) -> None:
        for waiter in tuple(self._waiters):
            if not waiter.done():
                waiter.set_result(None)

    def _act[T](self, action: Callable[[], T]) -> T:
        """Do something in the fake's event loop, from whichever thread."""
        loop = self._running_loop()
        with contextlib.suppress(RuntimeError):
            if asyncio.get_running_loop() is loop:
                return action()

        async def act() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), loop).result(_START_TIMEOUT)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError(f"{type(self).__name__} is not running: use it in a with statement")
        return self._loop
