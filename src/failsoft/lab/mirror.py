"""A local copy of all objects of a kind, kept up to date by list and watch in a thread of its own."""

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from failsoft.clients.kubernetes import ApiCluster, Json, WatchEvent
from failsoft.errors import ConflictError, FailsoftError, TemporaryError

__all__ = ["Mirror"]

_RETRY_S = 0.5


class Mirror:
    """As a context manager it follows the cluster from entry to exit.

    Level-triggered: `changed` only says that `objects` may differ, whatever happened in between.

    Args:
        cluster: a client of its own: leaving the `with` block closes it.
        kind: of the objects.
        namespace: theirs; all by default.
        changed: called in the mirror's thread; it must not block.
        relist_s: seconds after which everything is listed anew, which heals whatever a watch has missed.
    """

    def __init__(
        self,
        cluster: ApiCluster,
        kind: str,
        *,
        namespace: str = "",
        changed: Callable[[], None],
        relist_s: int = 60,
    ) -> None:
        self._cluster = cluster
        self._kind = kind
        self._namespace = namespace
        self._changed = changed
        self._relist_s = relist_s
        self._objects: dict[str, Json] = {}
        self._too_old = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mirror-{kind}", daemon=True)

    @property
    def objects(self) -> tuple[Json, ...]:
        """The objects as last seen; not to be changed."""
        return tuple(self._objects.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        while self._thread.is_alive():
            self._cluster.close()
            self._thread.join(0.05)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._follow()
            except FailsoftError as error:
                # Also permanent ones: the definition of a custom resource may come later than we do.
                self._over.wait(error.delay if isinstance(error, TemporaryError) else _RETRY_S)

    def _follow(self) -> None:
        listed = self._cluster.list(self._kind, namespace=self._namespace)
        self._objects = {obj["metadata"]["uid"]: obj for obj in listed}
        self._changed()
        # Versions are etcd's revisions, so the newest object's is one at which this list was true.
        newest = max((obj["metadata"]["resourceVersion"] for obj in listed), key=int, default="")
        start = "" if newest == self._too_old else newest
        try:
            watch = self._cluster.watch(
                self._kind, namespace=self._namespace, resource_version=start, timeout_s=self._relist_s
            )
            with contextlib.closing(watch):  # type: ignore[type-var] # a generator
                for event in watch:
                    if self._over.is_set():
                        return
                    self._apply(event)
        except ConflictError:
            # Nothing has changed for so long that the server forgot when: watch from now on.
            self._too_old = start
            raise

    def _apply(self, event: WatchEvent) -> None:
        uid = event.object["metadata"].get("uid", "")
        match event.type:
            case "DELETED":
                self._objects = {key: obj for key, obj in self._objects.items() if key != uid}
            case "ADDED" | "MODIFIED":
                self._objects = {**self._objects, uid: event.object}
            case "BOOKMARK":
                return
        self._changed()
