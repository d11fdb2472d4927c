"""A kubelet without containers: it says that bound pods run, and lets deleted ones go."""

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from failsoft.clients.kubernetes import ApiCluster, Ref
from failsoft.errors import ConflictError, NotFoundError, UnavailableError
from failsoft.testing.kubernetes import clock

__all__ = ["FakeKubelet"]

type Json = dict[str, Any]

_WATCH_S = 300


class FakeKubelet:
    """Plays the kubelets of all nodes of a cluster, the fake or a real control plane, in a thread.

    Args:
        cluster: a client of its own: leaving the `with` block closes it.
        starts_in_s: seconds from bound to Ready.
        stops_in_s: seconds from deleted to gone, at most the pod's grace.
        minds: which pods it looks after; the others stay as they are.
    """

    def __init__(
        self,
        cluster: ApiCluster,
        *,
        starts_in_s: float = 0.0,
        stops_in_s: float = 0.0,
        minds: Callable[[Json], bool] = lambda _: True,
    ) -> None:
        self._cluster = cluster
        self._starts_in_s = starts_in_s
        self._stops_in_s = stops_in_s
        self._minds = minds
        self._over = threading.Event()
        self._timers: dict[tuple[str, str], threading.Timer] = {}
        self._thread = threading.Thread(target=self._run, name="fake-kubelet", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        while self._thread.is_alive():
            self._cluster.close()
            self._thread.join(0.05)
        for timer in self._timers.values():
            timer.cancel()
            timer.join()
        self._cluster.close()

    def _run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(ConflictError, UnavailableError):
                for event in self._cluster.watch("Pod", timeout_s=_WATCH_S):
                    if event.type in {"ADDED", "MODIFIED"}:
                        self._look_after(event.object)
                    if self._over.is_set():
                        break
            self._over.wait(0.05)

    def _look_after(self, pod: Json) -> None:
        meta = pod["metadata"]
        if not pod["spec"].get("nodeName") or not self._minds(pod):
            return
        if meta.get("deletionTimestamp"):
            wait_s = min(self._stops_in_s, float(meta.get("deletionGracePeriodSeconds") or 0))
            self._later("stop", meta["uid"], wait_s, lambda: self._stop(pod))
        elif pod["status"].get("phase") == "Pending":
            self._later("start", meta["uid"], self._starts_in_s, lambda: self._start(pod))

    def _later(self, what: str, uid: str, wait_s: float, action: Callable[[], None]) -> None:
        if (what, uid) in self._timers:
            return
        if wait_s <= 0:
            action()
            return
        timer = self._timers[what, uid] = threading.Timer(wait_s, action)
        timer.start()

    def _start(self, pod: Json) -> None:
        now = clock.stamp(clock.now())
        container = {
            "name": pod["spec"]["containers"][0]["name"],
            "image": pod["spec"]["containers"][0].get("image", ""),
            "imageID": "",
            "ready": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": now}},
        }
        true = [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ]
        status = pod["status"] | {
            "phase": "Running",
            "startTime": now,
            "conditions": true,
            "containerStatuses": [container],
        }
        with contextlib.suppress(NotFoundError, ConflictError, UnavailableError):
            same = {"op": "test", "path": "/metadata/uid", "value": pod["metadata"]["uid"]}
            self._cluster.patch_status(_ref(pod), [same, {"op": "replace", "path": "/status", "value": status}])

    def _stop(self, pod: Json) -> None:
        with contextlib.suppress(NotFoundError, ConflictError, UnavailableError):
            self._cluster.delete(_ref(pod), grace_seconds=0, uid=pod["metadata"]["uid"])


def _ref(pod: Json) -> Ref:
    return Ref("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
