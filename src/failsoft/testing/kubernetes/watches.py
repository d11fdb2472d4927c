"""What a watch sends: the objects that there are, then every change, until its time is over."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from failsoft.testing.kubernetes.answers import ApiError, server_error
from failsoft.testing.kubernetes.resources import Resource
from failsoft.testing.kubernetes.selectors import field_selector, label_selector
from failsoft.testing.kubernetes.store import Change, Store

__all__ = ["watch_lines"]

type Json = dict[str, Any]

_DEFAULT_TIMEOUT_S = 1800


def watch_lines(store: Store, resource: Resource, namespace: str, query: Mapping[str, str]) -> AsyncIterator[Json]:
    """The events of a watch; raises the API's 400 or 500 at once on a query that it cannot read."""
    labels = label_selector(query.get("labelSelector", ""))
    fields = field_selector(query.get("fieldSelector", ""), resource.kind.plural)
    start, timeout = query.get("resourceVersion", ""), query.get("timeoutSeconds") or str(_DEFAULT_TIMEOUT_S)
    if not timeout.isdigit() or (start and not start.isdigit()):
        raise server_error(f"Invalid value: resourceVersion={start!r} timeoutSeconds={timeout!r}")

    def wanted(obj: Json | None) -> bool:
        inside = obj is not None and (not namespace or obj["metadata"].get("namespace") == namespace)
        return inside and obj is not None and labels(obj) and fields(obj)

    ends = time.monotonic() + int(timeout)
    events = _stream(store, resource, wanted, start, ends)
    return _with_bookmark(events, store, resource) if query.get("allowWatchBookmarks") == "true" else events


async def _stream(
    store: Store, resource: Resource, wanted: Callable[[Json | None], bool], start: str, ends: float
) -> AsyncIterator[Json]:
    if start in {"", "0"}:
        seen = store.revision
        for obj in list(store.list(resource)):
            if wanted(obj):
                yield {"type": "ADDED", "object": obj}
    else:
        seen = int(start)
    while True:
        try:
            changes = store.changes(resource, seen)
        except ApiError as error:
            yield {"type": "ERROR", "object": error.status}
            return
        seen = store.revision
        for change in changes:
            if event := _event(change, wanted):
                yield event
        try:
            await asyncio.wait_for(store.wait(seen), max(0.0, ends - time.monotonic()))
        except TimeoutError:
            return


async def _with_bookmark(events: AsyncIterator[Json], store: Store, resource: Resource) -> AsyncIterator[Json]:
    """The events, then, when the time was over, how far the watcher has seen."""
    last: Json = {}
    async for event in events:
        last = event
        yield event
    if last.get("type") != "ERROR":
        kind, meta = resource.kind, {"resourceVersion": str(store.revision), "creationTimestamp": None}
        yield {"type": "BOOKMARK", "object": {"kind": kind.name, "apiVersion": kind.api_version, "metadata": meta}}


def _event(change: Change, wanted: Callable[[Json | None], bool]) -> Json | None:
    """How a change looks through a selector: an object that leaves it is DELETED, one that enters it ADDED."""
    was, is_now = wanted(change.before), wanted(change.after)
    if is_now:
        return {"type": "MODIFIED" if was else "ADDED", "object": change.after}
    if was and change.before is not None:
        version = {"resourceVersion": str(change.revision)}
        return {"type": "DELETED", "object": change.before | {"metadata": change.before["metadata"] | version}}
    return None
