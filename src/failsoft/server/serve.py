"""`failsoft serve`: the web application, the runbooks' worker, Slack and the drift monitors in one event loop.

The web comes first and the service behind it when its database is there, so that a webhook is told 503 and not that
nobody listens. At the end it is the other way about: no new request, then what was begun is finished, then the lease
is given back.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from failsoft.errors import UnavailableError, UsageError
from failsoft.runbooks.service import Service, ServiceSettings, open_service
from failsoft.server.app import Backend, create_app
from failsoft.server.drift import DriftLoop
from failsoft.server.drift_board import DriftBoard
from failsoft.server.gate import Gate
from failsoft.server.hearing import SlackFace, slack_face
from failsoft.server.metrics import Metrics
from failsoft.server.outside import make_cluster, make_experimenter, make_pagers, make_prometheus, secret
from failsoft.server.probes import ProbeBoard, ProbeLoop
from failsoft.server.web import WebServer, address, listen
from failsoft.workspace import Workspace

__all__ = ["LOOPBACK", "ServeSettings", "serve"]

_log = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that nobody reaches from outside."""

_QUERY_S = 5.0
_HEARTBEAT_S = 5.0
_LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Where and how to serve.

    Attributes:
        host, port: where to listen; port 0 takes a free one.
        worker: how the runbooks' worker works.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    worker: ServiceSettings = field(default_factory=ServiceSettings)


async def serve(workspace: Workspace, settings: ServeSettings) -> None:
    """Serve until SIGTERM or SIGINT; when all is ready, one line of JSON on standard output says where.

    Raises:
        UsageError: the address cannot be had, or a webhook without a secret would be open to others.
        PermanentError: a secret is not there, or the database was made by a newer failsoft.
    """
    reference = workspace.config.server.webhook_secret
    if reference is None and settings.host not in LOOPBACK:
        hint = "set server.webhookSecret, or use --host 127.0.0.1"
        raise UsageError(f"the webhook on {settings.host} would be open to everybody: {hint}")
    if reference is not None:
        secret(workspace, reference)  # one that is missing is said now, and not when the first alert fires
    slack = slack_face(workspace)
    gate, metrics, stop = Gate(), Metrics(), asyncio.Event()
    backend = Backend(
        intake=gate,
        stats=gate.stats,
        unready=lambda: gate.unready,
        secret=None if reference is None else lambda: secret(workspace, reference),
    )
    listener = listen(settings.host, settings.port)
    with _signals(stop):
        async with (
            WebServer(create_app(backend, metrics), listener) as web,
            _opened(workspace, settings.worker, slack, stop) as service,
        ):
            if service is None:
                return
            gate.open(service)
            async with _background(_loops(workspace, service, slack, metrics)):
                # what is here stays: to look for garbage among it would hold up an answer for a tenth of a second
                gc.collect()
                gc.freeze()
                sys.stdout.write(json.dumps({"ready": True, "url": address(listener), "pid": os.getpid()}) + "\n")
                sys.stdout.flush()
                await _first(stop.wait(), web.ended())
                _log.info("stopping: requests in flight are answered, steps that were begun are finished")
                await web.stop()


def _loops(
    workspace: Workspace, service: Service, slack: SlackFace | None, metrics: Metrics
) -> Iterator[Coroutine[Any, Any, None]]:
    """What runs beside the web and the worker."""
    board = DriftBoard()
    metrics.registry.register(board)
    yield DriftLoop(workspace, make_prometheus(workspace, timeout=_QUERY_S), board).run()
    if workspace.probes:
        probes = ProbeBoard()
        metrics.registry.register(probes)
        yield ProbeLoop(workspace, probes).run()
    yield _beat(service, metrics)
    if slack is not None:
        yield slack.hear(service, metrics)


@contextlib.asynccontextmanager
async def _opened(
    workspace: Workspace, how: ServiceSettings, slack: SlackFace | None, stop: asyncio.Event
) -> AsyncIterator[Service | None]:
    """The service, as soon as its database is there; None when we are told to stop before."""
    cluster, pagers = make_cluster(workspace), make_pagers(workspace)
    prometheus = make_prometheus(workspace, timeout=_QUERY_S)
    async with contextlib.AsyncExitStack() as stack:
        service, told = None, ""
        while service is None and not stop.is_set():
            opening = open_service(
                workspace,
                how,
                cluster=cluster,
                prometheus=prometheus,
                pagers=pagers,
                announcer=slack.threads if slack is not None else None,
                experimenter=make_experimenter(workspace, cluster),
            )
            try:
                service = await stack.enter_async_context(opening)
            except UnavailableError as error:
                if str(error) != told:
                    told = str(error)
                    _log.warning("not ready, trying again: %s", told)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), min(error.delay, _LONGEST_PAUSE_S))
        yield service


async def _beat(service: Service, metrics: Metrics) -> None:
    while True:
        if await service.ready():
            metrics.alive()
        await asyncio.sleep(_HEARTBEAT_S)


@contextlib.asynccontextmanager
async def _background(loops: Iterator[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(_tell_if_broken)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_if_broken(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a part of failsoft serve ended", exc_info=error)


async def _first(*waiting: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them has ended. Raises what it ended with."""
    tasks = [asyncio.create_task(one) for one in waiting]
    done, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    for task in done:
        task.result()


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
