"""The objects of the fake, their one growing resourceVersion, and the history that watches replay."""

import asyncio
import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from failsoft.testing.kubernetes.answers import expired
from failsoft.testing.kubernetes.resources import Resource

__all__ = ["Change", "Store"]

type Json = dict[str, Any]
type Key = tuple[str, str]

_FIRST_REVISION = 0
_DEFAULT_HISTORY = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """One write: an object before and after it (`None` where there was or is none)."""

    revision: int
    resource: Resource
    before: Json | None
    after: Json | None


class Store:
    """All objects. Objects are never changed in place: who writes, puts a new one.

    It belongs to one event loop; nothing here may be called from another thread.
    """

    def __init__(self, *, history: int = _DEFAULT_HISTORY) -> None:
        self._objects: dict[str, dict[Key, Json]] = {}
        self._changes: list[Change] = []
        self._history = history
        self._forgotten = _FIRST_REVISION
        self._changed = asyncio.Event()
        self.revision = _FIRST_REVISION

    def get(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """The object, or None."""
        return self._objects.get(resource.id, {}).get((namespace, name))

    def list(self, resource: Resource, namespace: str = "") -> Iterator[Json]:
        """Objects of a resource, by namespace and name."""
        for (where, _), obj in sorted(self._objects.get(resource.id, {}).items(), key=lambda item: item[0]):
            if not namespace or where == namespace:
                yield obj

    def put(self, resource: Resource, obj: Json) -> Json:
        """Write a whole object; a write that changes nothing keeps its resourceVersion, as in etcd. Returns it."""
        meta = obj["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        before = self._objects.get(resource.id, {}).get(key)
        if before is not None:
            unchanged = obj | {"metadata": meta | {"resourceVersion": before["metadata"]["resourceVersion"]}}
            if unchanged == before:
                return before
        after = obj | {"metadata": meta | {"resourceVersion": str(self.revision + 1)}}
        self._objects.setdefault(resource.id, {})[key] = after
        self._record(resource, before, after)
        return after

    def remove(self, resource: Resource, obj: Json) -> Json:
        """Take an object out. Returns its last state, with the resourceVersion of its removal."""
        meta = obj["metadata"]
        del self._objects[resource.id][meta.get("namespace", ""), meta["name"]]
        last = obj | {"metadata": meta | {"resourceVersion": str(self.revision + 1)}}
        self._record(resource, last, None)
        return last

    def _record(self, resource: Resource, before: Json | None, after: Json | None) -> None:
        self.revision += 1
        self._changes.append(Change(self.revision, resource, before, after))
        if len(self._changes) > self._history:
            dropped = len(self._changes) - self._history
            self._forgotten = self._changes[dropped - 1].revision
            del self._changes[:dropped]
        self._changed.set()
        self._changed = asyncio.Event()

    def forget_history(self) -> None:
        """Forget all changes so far, as etcd's compaction does: watches from before now answer 410."""
        self._forgotten = self.revision
        self._changes.clear()

    def changes(self, resource: Resource, after: int) -> tuple[Change, ...]:
        """Changes of a resource with a revision greater than `after`; raises the API's 410 when that is too old."""
        if after < self._forgotten:
            raise expired(f"too old resource version: {after} ({self._forgotten})")
        start = bisect.bisect_right(self._changes, after, key=lambda change: change.revision)
        return tuple(change for change in self._changes[start:] if change.resource.id == resource.id)

    async def wait(self, after: int) -> None:
        """Wait until there is a change with a revision greater than `after`."""
        while self.revision <= after:
            await self._changed.wait()
