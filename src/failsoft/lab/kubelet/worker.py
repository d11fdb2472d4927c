"""One pod's life on the lab's kubelet: a thread that owns its process and reports its status."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from failsoft.clients.kubernetes import Cluster, Ref
from failsoft.errors import ConflictError, FailsoftError, NotFoundError, RefusedError, TemporaryError
from failsoft.lab.kubelet.nodes import stamp
from failsoft.lab.kubelet.status import Container, annotate, engine_arguments, pod_status, served_model
from failsoft.lab.parts import Process, answers_http, free_port

__all__ = ["Home", "PodWorker"]

type Json = dict[str, Any]

_PROBE_SECONDS = 0.5
_PROBE_FAILURES = 3
_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 30.0
_FORGIVEN_AFTER = 60.0
_SHUTDOWN_GRACE = 2.0
_REPORT_TRIES = 5


@dataclass(frozen=True, slots=True)
class Home:
    """Where the processes of pods live: their logs, the registry for `reap_leftovers`, and whom to tell of changes."""

    logs: Path
    registry: Path
    changed: Callable[[], None]


class PodWorker:
    """Starts the pod's engine, restarts it when it crashes, drains it when the pod is deleted, and says so.

    Everything that talks to the process happens in the worker's thread; the methods only leave word for it.
    """

    def __init__(self, cluster: Cluster, pod: Json, home: Home) -> None:
        self._cluster = cluster
        self._pod = pod
        self._home = home
        self._port = 0
        self._container = Container("waiting", "ContainerCreating", restarts=_restarts(pod))
        self._ending = threading.Event()
        self._deadline = float("inf")
        self._delete_object = False
        self._leaving = False
        self._is_over = False
        meta = pod["metadata"]
        self._ref = Ref("Pod", meta["name"], meta["namespace"])
        self._thread = threading.Thread(target=self._run, name=f"pod-{meta['name']}", daemon=True)

    @property
    def pod(self) -> Json:
        """The pod as we know it."""
        return self._pod

    @property
    def port(self) -> int:
        """Where its process listens; 0 while there is none."""
        return self._port

    @property
    def over(self) -> bool:
        """Whether the process has ended for good."""
        return self._is_over

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def delete(self, grace: float) -> None:
        """The pod was deleted: drain for `grace` seconds at most, then take the object away. May be called again."""
        self._delete_object = True
        self._end_by(grace)

    def vanish(self) -> None:
        """The object is gone: end the process at once."""
        self._end_by(0.0)

    def shut_down(self) -> None:
        """The kubelet ends: end the process, leave the object, and wait for no API server."""
        self._leaving = True
        self._end_by(_SHUTDOWN_GRACE)

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _end_by(self, grace: float) -> None:
        self._deadline = min(self._deadline, time.monotonic() + grace)
        self._ending.set()

    def _run(self) -> None:
        try:
            arguments = engine_arguments(self._pod)
        except RefusedError as error:
            self._report(Container("waiting", "CreateContainerError", str(error)))
            self._ending.wait()
        else:
            self._live(arguments)
        if self._delete_object and not self._leaving:
            self._take_away()
        self._is_over = True
        self._home.changed()

    def _live(self, arguments: list[str]) -> None:
        backoff = _FIRST_BACKOFF
        while not self._ending.is_set():
            begun = time.monotonic()
            process = self._started(arguments)
            if process is None:
                self._ending.wait(backoff)
                continue
            self._watch(process)
            code = self._ended(process)
            if self._ending.is_set():
                return
            backoff = _FIRST_BACKOFF if time.monotonic() - begun > _FORGIVEN_AFTER else backoff
            self._crashed(code, backoff)
            self._ending.wait(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    def _started(self, arguments: list[str]) -> Process | None:
        meta = self._pod["metadata"]
        port = free_port()
        process = Process(
            [sys.executable, "-m", "failsoft.lab.engine", *arguments, f"--port={port}"],
            self._home.logs / f"{meta['namespace']}_{meta['name']}.log",
            registry=self._home.registry,
        )
        try:
            process.start()
        except FailsoftError as error:
            self._report(replace(self._container, state="waiting", reason="RunContainerError", message=str(error)))
            return None
        self._port = port
        self._mark(served_model(arguments))
        self._report(replace(self._container, state="running", ready=False, started_at=stamp()))
        self._home.changed()
        return process

    def _watch(self, process: Process) -> None:
        """Until the process ends or the pod shall."""
        healthy, failures = answers_http(self._port, "/health"), 0
        while process.alive and not self._ending.wait(_PROBE_SECONDS):
            failures = 0 if healthy() else failures + 1
            ready = failures == 0 or (self._container.ready and failures < _PROBE_FAILURES)
            if ready != self._container.ready:
                self._report(replace(self._container, ready=ready))

    def _ended(self, process: Process) -> int:
        if process.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            if self._container.ready:
                self._report(replace(self._container, ready=False))
            # Not `stop(grace)`: a second, shorter deadline may come while it drains.
            while time.monotonic() < self._deadline and not process.wait(0.1):
                pass
        self._port = 0
        code = process.stop(0.0)
        return code if code >= 0 else 128 - code  # as shells and container runtimes say it

    def _crashed(self, code: int, backoff: float) -> None:
        ended = Container("terminated", exit_code=code, started_at=self._container.started_at, finished_at=stamp())
        message = f"back-off {backoff:g}s restarting failed container"
        restarts = self._container.restarts + 1
        self._report(Container("waiting", "CrashLoopBackOff", message, restarts=restarts, last=ended))
        self._home.changed()

    def _report(self, container: Container) -> None:
        """Write the status; our copy of the pod has it too, so that transition times survive."""
        self._container = container
        status = pod_status(self._pod, container, stamp())
        self._pod = self._pod | {"status": status}
        write = {"op": "add", "path": "/status", "value": status}
        self._try(lambda: self._cluster.patch_status(self._ref, [self._same(), write]))

    def _mark(self, model: str) -> None:
        def write() -> None:
            self._pod = self._cluster.json_patch(self._ref, [self._same(), *annotate(self._pod, self._port, model)])

        self._try(write)

    def _same(self) -> Json:
        """The operation that keeps a patch off another pod of the same name."""
        return {"op": "test", "path": "/metadata/uid", "value": self._pod["metadata"]["uid"]}

    def _take_away(self) -> None:
        uid = self._pod["metadata"]["uid"]
        self._try(lambda: self._cluster.delete(self._ref, grace_seconds=0, uid=uid))

    def _try(self, call: Callable[[], object]) -> None:
        """Several times while the API server is away; a pod that is gone or another one needs no word from us."""
        for _ in range(_REPORT_TRIES):
            try:
                call()
            except (NotFoundError, ConflictError):
                return
            except TemporaryError as error:
                if self._leaving:
                    return
                time.sleep(min(error.delay, 1.0))
            else:
                return


def _restarts(pod: Json) -> int:
    """Started before by an earlier life of the kubelet, this is a restart."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return int(statuses[0].get("restartCount", 0)) + 1 if statuses else 0
