"""What the lab's cluster holds: a namespace open to chaos, two models, their budgets, the route before them."""

from collections.abc import Sequence
from typing import Any

from failsoft.clients.kubernetes import Cluster
from failsoft.lab.sizing import CHAT, CHAT_SMALL, engine_args
from failsoft.testing.kubernetes.httproute import HTTP_ROUTE_CRD

__all__ = ["DEPLOYMENTS", "GRACE_SECONDS", "NAMESPACE", "NODES", "POOL_LABEL", "ROUTE", "create_all", "route"]

NAMESPACE = "prod"
ROUTE = f"{NAMESPACE}/chat"
GRACE_SECONDS = 6
"""The pods' termination grace: shorter than the compressed notice of a reclaim."""

POOL_LABEL = "karpenter.sh/capacity-type"
"""The node label that says spot or on-demand."""

NODES = {"spot-a": "spot", "spot-b": "spot", "base-c": "on-demand"}
"""Node -> capacity type; each has one GPU, so a reclaimed replica finds no other place."""

DEPLOYMENTS = {"chat-70b": 2, "chat-small": 1}
"""Deployment -> replicas."""

type Json = dict[str, Any]


def create_all(cluster: Cluster, *, cold_start: float) -> None:
    """Create everything, in an empty cluster; the nodes are the kubelet's to register."""
    cluster.create(HTTP_ROUTE_CRD)
    annotations = {"failsoft.dev/chaos": "enabled"}
    cluster.create(_object("v1", "Namespace", {"name": NAMESPACE, "annotations": annotations}))
    for name, args in (
        ("chat-70b", engine_args("chat-70b", CHAT, cold_start=cold_start)),
        ("chat-small", engine_args("chat-small", CHAT_SMALL, cold_start=cold_start / 5)),
    ):
        pool = "spot" if name == "chat-70b" else "on-demand"
        cluster.create(_deployment(name, DEPLOYMENTS[name], args, pool))
        cluster.create(_budget(name))
    cluster.create(route())


def route() -> Json:
    """The HTTPRoute in front of both models: all traffic to the large one."""
    backends = [{"name": "chat-70b", "port": 8000, "weight": 100}, {"name": "chat-small", "port": 8000, "weight": 0}]
    meta = {"name": "chat", "namespace": NAMESPACE}
    return _object("gateway.networking.k8s.io/v1", "HTTPRoute", meta, {"rules": [{"backendRefs": backends}]})


def _object(version: str, kind: str, metadata: Json, spec: Json | None = None) -> Json:
    body: Json = {"apiVersion": version, "kind": kind, "metadata": metadata}
    return body if spec is None else body | {"spec": spec}


def _deployment(name: str, replicas: int, args: Sequence[str], pool: str) -> Json:
    container = {
        "name": "engine",
        "image": "failsoft.dev/simulated-vllm:lab",
        "command": ["failsoft-engine"],
        "args": list(args),
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    annotations = {"failsoft.dev/lab-job": "vllm-chat" if name == "chat-70b" else f"vllm-{name}"}
    template = {
        "metadata": {"labels": {"app": name}, "annotations": annotations},
        "spec": {
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "nodeSelector": {POOL_LABEL: pool},
            "containers": [container],
        },
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return _object("apps/v1", "Deployment", {"name": name, "namespace": NAMESPACE}, spec)


def _budget(name: str) -> Json:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": name}}}
    return _object("policy/v1", "PodDisruptionBudget", {"name": name, "namespace": NAMESPACE}, spec)
