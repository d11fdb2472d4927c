"""What the control plane takes away by itself: things without owners, namespaces, and pods whose node is gone."""

import time
from typing import Any

from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.conditions import with_condition
from failsoft.testing.kubernetes.resources import NAMESPACE, NODE, POD, Resource, Target

__all__ = ["PodCollector", "collect_garbage", "finish_namespaces"]

type Json = dict[str, Any]


def collect_garbage(api: ApiServer) -> None:
    """Delete objects none of whose owners exists any more."""
    everything = [(resource, obj) for resource in api.catalogue for obj in api.store.list(resource)]
    alive = {obj["metadata"]["uid"] for _, obj in everything}
    for resource, obj in everything:
        meta = obj["metadata"]
        owners = meta.get("ownerReferences") or ()
        if owners and not meta.get("deletionTimestamp") and not any(owner["uid"] in alive for owner in owners):
            api.delete(Target(resource, meta.get("namespace", ""), meta["name"]), {})


def finish_namespaces(api: ApiServer) -> None:
    """Empty the namespaces that are being deleted, and take out the empty ones."""
    for namespace in list(api.store.list(NAMESPACE)):
        if not namespace["metadata"].get("deletionTimestamp"):
            continue
        name = namespace["metadata"]["name"]
        others = [resource for resource in api.catalogue if resource.kind.namespaced and resource != POD]
        # Pods first, and nothing else while one is left.
        if _empty(api, [POD], name) and _empty(api, others, name):
            api.finish_namespace(name)


def _empty(api: ApiServer, resources: list[Resource], namespace: str) -> bool:
    """Delete all objects of some resources in a namespace. Returns whether none is left."""
    for resource in resources:
        for obj in list(api.store.list(resource, namespace)):
            if not obj["metadata"].get("deletionTimestamp"):
                api.delete(Target(resource, namespace, obj["metadata"]["name"]), {})
    return not any(any(api.store.list(resource, namespace)) for resource in resources)


class PodCollector:
    """PodGC: pods bound to a Node object that is gone are failed and removed after a while."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._missed_at: dict[str, float] = {}

    def step(self, api: ApiServer) -> float | None:
        """Collect what is due. Returns in how many seconds the next one is."""
        nodes = {node["metadata"]["name"] for node in api.store.list(NODE)}
        orphans = [pod for pod in api.store.list(POD) if pod["spec"].get("nodeName", "") not in {"", *nodes}]
        now = time.monotonic()
        missed = {pod["metadata"]["uid"]: self._missed_at.get(pod["metadata"]["uid"], now) for pod in orphans}
        self._missed_at = missed
        for pod in orphans:
            meta = pod["metadata"]
            if missed[meta["uid"]] + self._patience_s <= now:
                details = {"reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"}
                status = with_condition(pod["status"], "DisruptionTarget", "True", details) | {"phase": "Failed"}
                api.store.put(POD, pod | {"status": status})
                api.delete(Target(POD, meta["namespace"], meta["name"]), {"gracePeriodSeconds": 0})
        waits = [since + self._patience_s - now for since in missed.values()]
        return min((wait for wait in waits if wait > 0), default=None)
