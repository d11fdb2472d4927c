"""What a plan is made from: the model's pods and the nodes they run on, read from the cluster once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from failsoft.chaos.marks import ENABLED, OPT_IN, SPOT_LABELS, TERMINATION_TAINTS
from failsoft.chaos.nodes import is_cordoned, taints
from failsoft.clients.kubernetes import Cluster, Json, Ref
from failsoft.errors import NotFoundError
from failsoft.workspace.quantities import ObjectName

__all__ = ["NodeSeen", "PodSeen", "Snapshot", "selector_text", "take"]


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node that runs pods of the model.

    Attributes:
        name, uid: of the node.
        spot: whether its labels say that it is a spot node.
        opted_in: whether its annotation opens it to experiments although it is none.
        cordoned: whether it takes no new pods already.
        leaving: the key of a taint that says that it is being taken away already; empty when there is none.
    """

    name: str
    uid: str
    spot: bool
    opted_in: bool
    cordoned: bool = False
    leaving: str = ""

    @property
    def eligible(self) -> bool:
        """Whether an experiment may take it."""
        return self.spot or self.opted_in


@dataclass(frozen=True, slots=True)
class PodSeen:
    """A pod of the model that runs or is about to; `node` is empty while it is not scheduled."""

    name: str
    uid: str
    node: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The model's workload as it is now.

    Attributes:
        workload: the Deployment.
        opted_in: the value of the namespace's `failsoft.dev/chaos` annotation; empty when there is none.
        wanted: the replicas that its spec asks for.
        nodes: those that run its pods.
        pods: its pods, those that are going or have ended left out.
        budgets: the names of the PodDisruptionBudgets that cover its pods.
    """

    workload: ObjectName
    opted_in: str
    wanted: int
    nodes: tuple[NodeSeen, ...]
    pods: tuple[PodSeen, ...]
    budgets: tuple[str, ...] = ()

    def pods_on(self, nodes: Iterable[str]) -> tuple[PodSeen, ...]:
        """The pods on these nodes."""
        names = set(nodes)
        return tuple(pod for pod in self.pods if pod.node in names)


def take(cluster: Cluster, workload: ObjectName) -> Snapshot:
    """Read the workload from the cluster. Raises `NotFoundError` when there is no such Deployment."""
    deployment = cluster.get(Ref("Deployment", workload.name, workload.namespace))
    namespace = cluster.get(Ref("Namespace", workload.namespace))
    pods = tuple(_pod(pod) for pod in _pods(cluster, deployment))
    nodes = tuple(_nodes(cluster, sorted({pod.node for pod in pods if pod.node})))
    labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
    budgets = cluster.list("PodDisruptionBudget", namespace=workload.namespace)
    return Snapshot(
        workload=workload,
        opted_in=str((namespace["metadata"].get("annotations") or {}).get(OPT_IN, "")),
        wanted=int(deployment["spec"].get("replicas", 1)),
        nodes=nodes,
        pods=pods,
        budgets=tuple(b["metadata"]["name"] for b in budgets if _covers(b["spec"].get("selector"), labels)),
    )


def _pods(cluster: Cluster, deployment: Json) -> list[Json]:
    """The Deployment's own pods; others that only bear the same labels are nobody's to break."""
    namespace, uid = deployment["metadata"]["namespace"], deployment["metadata"]["uid"]
    labels = selector_text(deployment["spec"]["selector"])
    sets = cluster.list("ReplicaSet", namespace=namespace, labels=labels)
    owners = {item["metadata"]["uid"] for item in sets if _controller(item) == uid}
    pods = cluster.list("Pod", namespace=namespace, labels=labels)
    return [pod for pod in pods if _controller(pod) in owners and _counts(pod)]


def _controller(obj: Mapping[str, Any]) -> str:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _counts(pod: Mapping[str, Any]) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return not pod["metadata"].get("deletionTimestamp") and phase not in {"Succeeded", "Failed"}


def _pod(pod: Mapping[str, Any]) -> PodSeen:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
    return PodSeen(pod["metadata"]["name"], pod["metadata"]["uid"], pod["spec"].get("nodeName") or "", ready)


def _nodes(cluster: Cluster, names: Iterable[str]) -> Iterable[NodeSeen]:
    for name in names:
        try:
            node = cluster.get(Ref("Node", name))
        except NotFoundError:
            continue
        meta = node["metadata"]
        labels = meta.get("labels") or {}
        keys = [str(taint.get("key")) for taint in taints(node)]
        yield NodeSeen(
            name=name,
            uid=meta["uid"],
            spot=any(labels.get(label) == value for label, value in SPOT_LABELS.items()),
            opted_in=(meta.get("annotations") or {}).get(OPT_IN) == ENABLED,
            cordoned=is_cordoned(node),
            leaving=next((key for key in keys if key in TERMINATION_TAINTS), ""),
        )


_OPERATORS = {"In": "in", "NotIn": "notin"}


def selector_text(selector: Mapping[str, Any]) -> str:
    """A `LabelSelector` object as the API's query parameter writes it.

    >>> selector_text({"matchLabels": {"app": "chat"}, "matchExpressions": [
    ...     {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"}]})
    'app=chat,tier in (a,b),!old'
    """
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        key, operator = expression["key"], expression["operator"]
        if operator in _OPERATORS:
            parts.append(f"{key} {_OPERATORS[operator]} ({','.join(expression['values'])})")
        else:
            parts.append(f"{'!' * (operator == 'DoesNotExist')}{key}")
    return ",".join(parts)


def _covers(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a budget's selector selects pods with these labels; an empty one selects all, none nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None
