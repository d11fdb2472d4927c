"""The node controllers: taints that follow a node's state, and pods that leave a node for a NoExecute taint."""

import time
from typing import Any

from failsoft.testing.kubernetes import clock
from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.conditions import condition, is_ready, with_condition
from failsoft.testing.kubernetes.controllers.events import controller_event
from failsoft.testing.kubernetes.controllers.tolerations import tolerates, untolerated
from failsoft.testing.kubernetes.resources import NODE, POD, Target

__all__ = ["TaintEviction", "reconcile_nodes"]

type Json = dict[str, Any]

_NOT_READY = "node.kubernetes.io/not-ready"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_TTL = {"node.alpha.kubernetes.io/ttl": "0"}
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def reconcile_nodes(api: ApiServer) -> None:
    """Add and remove the taints that Kubernetes derives from readiness and cordons."""
    nodes = list(api.store.list(NODE))
    # With no Ready node left, Kubernetes takes the fault for its own and drives nobody out.
    effects = ("NoSchedule", "NoExecute") if any(map(is_ready, nodes)) else ("NoSchedule",)
    for node in nodes:
        right = _right_taints(node, effects)
        spec = {key: value for key, value in node["spec"].items() if key != "taints"}
        meta = node["metadata"] | {"annotations": _TTL | (node["metadata"].get("annotations") or {})}
        api.store.put(NODE, node | {"metadata": meta, "spec": spec | ({"taints": right} if right else {})})


def _right_taints(node: Json, effects: tuple[str, ...]) -> list[Json]:
    old, ready = node["spec"].get("taints") or [], condition(node, "Ready")
    wanted: set[tuple[str, str]] = set()
    known = {(_UNSCHEDULABLE, "NoSchedule")}
    if ready is not None:
        known |= {(key, effect) for key in (_NOT_READY, _UNREACHABLE) for effect in ("NoSchedule", "NoExecute")}
        if ready["status"] != "True":
            key = _NOT_READY if ready["status"] == "False" else _UNREACHABLE
            wanted = {(key, effect) for effect in effects}
    if node["spec"].get("unschedulable"):
        wanted.add((_UNSCHEDULABLE, "NoSchedule"))
    kept = [taint for taint in old if (taint["key"], taint["effect"]) not in known - wanted]
    present = {(taint["key"], taint["effect"]) for taint in kept}
    moment = clock.stamp(clock.now())
    return kept + [{"key": k, "effect": e, "timeAdded": moment} for k, e in sorted(wanted - present)]


class TaintEviction:
    """Deletes pods, past any budget, whose node has a NoExecute taint that they do not or no longer tolerate."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    def step(self, api: ApiServer) -> float | None:
        """Delete what is due. Returns in how many seconds the next one is."""
        now = time.monotonic()
        taints = {
            node["metadata"]["name"]: [t for t in node["spec"].get("taints") or () if t["effect"] == "NoExecute"]
            for node in api.store.list(NODE)
        }
        due: dict[str, float] = {}
        for pod in list(api.store.list(POD)):
            here = taints.get(pod["spec"].get("nodeName", ""), [])
            if not here or pod["metadata"].get("deletionTimestamp"):
                continue
            uid, patience_s = pod["metadata"]["uid"], _patience_s(pod["spec"].get("tolerations") or [], here)
            if patience_s is None:
                continue
            due[uid] = min(self._due.get(uid, now + patience_s), now + patience_s)
            if due[uid] <= now:
                del due[uid]
                _delete(api, pod)
        self._due = due
        return min((at - now for at in due.values()), default=None)


def _patience_s(tolerations: list[Json], taints: list[Json]) -> float | None:
    """How long the pod stays: 0 without a toleration, None for ever."""
    if untolerated(taints, tolerations, ["NoExecute"]) is not None:
        return 0.0
    used = [t for t in tolerations if any(tolerates(t, taint) for taint in taints)]
    limits = [max(0.0, float(t["tolerationSeconds"])) for t in used if t.get("tolerationSeconds") is not None]
    return min(limits, default=None)


def _delete(api: ApiServer, pod: Json) -> None:
    meta = pod["metadata"]
    details = {"reason": "DeletionByTaintManager", "message": "Taint manager: deleting due to NoExecute taint"}
    api.store.put(POD, pod | {"status": with_condition(pod["status"], "DisruptionTarget", "True", details)})
    api.delete(Target(POD, meta["namespace"], meta["name"]), {})
    message = f"Marking for deletion Pod {meta['namespace']}/{meta['name']}"
    controller_event(api, pod, "taint-eviction-controller", "TaintManagerEviction", message)
