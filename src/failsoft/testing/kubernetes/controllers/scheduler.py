"""The scheduler: node selector and affinity, taints, cordons, and free CPU, memory, GPUs and pod slots."""

from collections import Counter
from fractions import Fraction
from typing import Any

from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.conditions import condition, with_condition
from failsoft.testing.kubernetes.controllers.amounts import quantity
from failsoft.testing.kubernetes.controllers.events import scheduler_event
from failsoft.testing.kubernetes.controllers.tolerations import untolerated
from failsoft.testing.kubernetes.resources import NODE, POD
from failsoft.testing.kubernetes.selectors import matches_expressions

__all__ = ["schedule"]

type Json = dict[str, Any]
type Amounts = dict[str, Fraction]

_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_HOPELESS = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"


def schedule(api: ApiServer) -> None:
    """Bind every waiting pod that fits somewhere; say of the others why they do not."""
    for pod in sorted(api.store.list(POD), key=lambda pod: str(pod["metadata"]["creationTimestamp"])):
        spec = pod["spec"]
        waits = not spec.get("nodeName") and not pod["metadata"].get("deletionTimestamp")
        if not waits or spec.get("schedulerName") != "default-scheduler" or spec.get("schedulingGates"):
            continue
        nodes = list(api.store.list(NODE))
        free = _free(nodes, list(api.store.list(POD)))
        obstacles = {node["metadata"]["name"]: _obstacles(pod, node, free[node["metadata"]["name"]]) for node in nodes}
        fitting = [name for name, (reasons, _) in obstacles.items() if not reasons]
        if fitting:
            _bind(api, pod, max(fitting, key=lambda name: _roominess(free[name])))
        else:
            _give_up(api, pod, obstacles)


def _requests(pod: Json) -> Amounts:
    total: Amounts = {"pods": Fraction(1)}
    for container in pod["spec"].get("containers") or ():
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] = total.get(name, Fraction(0)) + quantity(amount)
    for container in pod["spec"].get("initContainers") or ():
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] = max(total.get(name, Fraction(0)), quantity(amount))
    return total


def _free(nodes: list[Json], pods: list[Json]) -> dict[str, Amounts]:
    free = {
        node["metadata"]["name"]: {
            name: quantity(amount) for name, amount in (node["status"].get("allocatable") or {}).items()
        }
        for node in nodes
    }
    for pod in pods:
        room = free.get(pod["spec"].get("nodeName", ""))
        if room is not None and pod["status"].get("phase") not in {"Succeeded", "Failed"}:
            for name, amount in _requests(pod).items():
                room[name] = room.get(name, Fraction(0)) - amount
    return free


def _obstacles(pod: Json, node: Json, room: Amounts) -> tuple[list[str], bool]:
    """Why a pod cannot run on a node, and whether evicting others could help; the first filter that fails speaks."""
    spec, labels = pod["spec"], node["metadata"].get("labels") or {}
    tolerations = spec.get("tolerations") or []
    if node["spec"].get("unschedulable") and untolerated([_CORDON], tolerations, ["NoSchedule"]):
        return ["node(s) were unschedulable"], False
    if untolerated(node["spec"].get("taints") or (), tolerations, ["NoSchedule", "NoExecute"]):
        return ["node(s) had untolerated taint(s)"], False
    if not _selected(spec, labels):
        return ["node(s) didn't match Pod's node affinity/selector"], False
    short = [name for name, amount in _requests(pod).items() if amount and amount > room.get(name, Fraction(0))]
    return ["Too many pods" if name == "pods" else f"Insufficient {name}" for name in short], True


def _selected(spec: Json, labels: dict[str, str]) -> bool:
    exact = all(labels.get(key) == value for key, value in (spec.get("nodeSelector") or {}).items())
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return exact
    terms = required.get("nodeSelectorTerms") or ()
    return exact and any(matches_expressions(term.get("matchExpressions") or (), labels) for term in terms)


def _roominess(room: Amounts) -> tuple[Fraction, Fraction, Fraction]:
    zero = Fraction(0)
    return room.get("nvidia.com/gpu", zero), room.get("cpu", zero), room.get("pods", zero)


def _bind(api: ApiServer, pod: Json, node: str) -> None:
    status = with_condition(pod["status"], "PodScheduled", "True", {"lastProbeTime": None})
    bound = api.store.put(POD, pod | {"spec": pod["spec"] | {"nodeName": node}, "status": status})
    meta = pod["metadata"]
    message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
    scheduler_event(api, bound, "Normal", "Scheduled", message)


def _give_up(api: ApiServer, pod: Json, obstacles: dict[str, tuple[list[str], bool]]) -> None:
    message = _explanation(obstacles)
    before = condition(pod, "PodScheduled")
    if before is not None and before.get("message") == message:
        return
    seen = {"observedGeneration": pod["metadata"].get("generation", 1)}
    details = seen | {"lastProbeTime": None, "reason": "Unschedulable", "message": message}
    waiting = api.store.put(POD, pod | {"status": with_condition(pod["status"], "PodScheduled", "False", details)})
    scheduler_event(api, waiting, "Warning", "FailedScheduling", message)


def _explanation(obstacles: dict[str, tuple[list[str], bool]]) -> str:
    """The scheduler's sentence (`FitError.Error` in `pkg/scheduler/framework/types.go`)."""
    if not obstacles:
        return "no nodes available to schedule pods"
    none = f"0/{len(obstacles)} nodes are available:"
    reasons = Counter(reason for found, _ in obstacles.values() for reason in found)
    hopes = Counter(_NO_VICTIMS if hope else _HOPELESS for _, hope in obstacles.values())
    return f"{none} {_counted(reasons)}. no new claims to deallocate, preemption: {none} {_counted(hopes)}."


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
