"""The fake as something to start: in a thread for tests, in this process for a lab."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from failsoft.clients.kubernetes import ApiCluster, connect
from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.controllers import Controllers, Pace
from failsoft.testing.kubernetes.faults import Denial, Fault, Faults, Request
from failsoft.testing.kubernetes.http import Face
from failsoft.testing.kubernetes.kubeconfig import write_kubeconfig
from failsoft.testing.kubernetes.resources import Catalogue
from failsoft.testing.kubernetes.store import Store

__all__ = ["TOKEN", "FakeKubernetes", "serve"]

type Json = dict[str, Any]

TOKEN = "fake-kubernetes-token"  # noqa: S105 (the fake has no secrets)
_START_TIMEOUT_S = 30.0


class _World:
    """Everything that lives in the fake's event loop."""

    def __init__(self, token: str, pace: Pace, faults: Faults) -> None:
        self.store = Store()
        self.api = ApiServer(self.store, Catalogue())
        self.controllers = Controllers(self.api, pace)
        self.face = Face(self.api, faults, token)

    async def serve(self, port: int, ready: Callable[[int], None], until: asyncio.Event) -> None:
        runner = web.AppRunner(
            self.face.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            async with asyncio.TaskGroup() as tasks:
                control = tasks.create_task(self.controllers.run())
                ready(runner.addresses[0][1])
                await until.wait()
                control.cancel()
        finally:
            await runner.cleanup()


async def serve(port: int, token: str, ready: Callable[[int], None], until: asyncio.Event, pace: Pace) -> None:
    """Serve a new, empty cluster on loopback until `until` is set; `ready` is told the port."""
    await _World(token, pace, Faults()).serve(port, ready, until)


class FakeKubernetes:
    """A Kubernetes API server with controllers and a scheduler, on a real socket, in a thread of its own.

    It answers as Kubernetes 1.35 does, and the same contract tests run against both. What it does not do:

    * TLS (it speaks plain HTTP), Table answers, `limit`, apply, merge and strategic merge patches (415),
      deletecollection, exec, logs, services, and API groups other than those of `failsoft.clients.kubernetes.KINDS`;
    * `metadata.managedFields`; unknown fields are kept, while a real server drops them with a warning; of
      validation, only what `validation.py` says;
    * schemas, defaults and pruning of custom resources;
    * foreground and orphan deletion: what an object owned always goes in the background;
    * adoption of orphaned pods, rollbacks, pod affinity, topology spread, priorities and preemption, volumes, quotas;
    * a node that stops reporting: its conditions stay as written, nobody marks it Unknown.

    Its controllers act within milliseconds of a change. There is no kubelet: see `FakeKubelet`.

    Args:
        token: the bearer token that it accepts.
        port: the port on 127.0.0.1; a free one by default.
        pace: how long its controllers wait where real ones do.
    """

    def __init__(self, *, token: str = TOKEN, port: int = 0, pace: Pace | None = None) -> None:
        self.token = token
        self._port = port
        self._pace = pace or Pace()
        self._faults = Faults()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._world: _World | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="fake-kubernetes", daemon=True)
        self._thread.start()
        if not started.wait(_START_TIMEOUT_S) or self._failure:
            raise RuntimeError("the fake Kubernetes did not start") from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None and error is None:
            raise RuntimeError("the fake Kubernetes broke") from self._failure

    def _run(self, started: threading.Event) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            self._world = _World(self.token, self._pace, self._faults)

            def ready(port: int) -> None:
                self._port = port
                started.set()

            await self._world.serve(self._port, ready, self._stop)

        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 (told to the test's thread in __enter__ or __exit__)
            self._failure = error
        finally:
            started.set()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig for it, readable by us only. Returns the path."""
        return write_kubeconfig(path, url=self.url, token=self.token)

    def cluster(self, *, timeout_s: float = 10.0) -> ApiCluster:
        """A client for it."""
        return connect(url=self.url, token=self.token, timeout_s=timeout_s)

    @property
    def requests(self) -> tuple[Request, ...]:
        """All answered requests so far, oldest first."""
        return tuple(self._faults.log)

    @property
    def effects(self) -> tuple[Request, ...]:
        """The requests that changed something."""
        return tuple(request for request in self.requests if request.is_effect)

    def forget_requests(self) -> None:
        """Empty the log."""
        self._call(self._faults.log.clear)

    def fail_next(self, method: str = "", path: str = "", *, status: int = 500, count: int = 1, **more: Any) -> None:
        """Answer the next requests that match with an error; see `Fault` for `more`."""
        self.inject(Fault(method, path, status=status, count=count, **more))

    def delay_next(self, method: str = "", path: str = "", *, seconds: float, count: int = 1) -> None:
        """Answer the next requests that match late."""
        self.inject(Fault(method, path, delay_s=seconds, count=count))

    def lose_reply(self, method: str = "", path: str = "", *, count: int = 1, **more: Any) -> None:
        """Do what the next requests that match ask for, then cut the connection without an answer."""
        self.inject(Fault(method, path, lose_reply=True, count=count, **more))

    def inject(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._call(lambda: self._faults.pending.append(fault))

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._call(self._faults.pending.clear)

    def deny(self, *denials: Denial) -> None:
        """Deny verbs from now on, as RBAC does: their calls answer 403, and access reviews say no."""
        self._call(lambda: self._faults.deny(denials))

    def allow_all(self) -> None:
        """Take all denials back."""
        self._call(self._faults.denials.clear)

    def forget_history(self) -> None:
        """Let watches from versions before now answer 410 Gone."""
        self._call(self._live.store.forget_history)

    def load(self, objects: Iterable[Json]) -> None:
        """Create objects, as `kubectl create` would."""
        cluster = self.cluster()
        for obj in objects:
            cluster.create(obj)

    @property
    def _live(self) -> _World:
        if self._world is None:
            raise RuntimeError("the fake Kubernetes was not started: use it in a with statement")
        return self._world

    def _call(self, action: Callable[[], Any]) -> None:
        """Run something in the fake's event loop, where its state belongs, and wait for it."""
        if self._loop is None or not self._loop.is_running():
            action()
            return

        async def run() -> None:
            action()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(_START_TIMEOUT_S)
