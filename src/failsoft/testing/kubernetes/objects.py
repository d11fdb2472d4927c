"""Plain objects to fill a test cluster with: nodes with GPUs, Deployments that want them, budgets."""

from typing import Any

__all__ = ["deployment", "disruption_budget", "namespace", "node"]

type Json = dict[str, Any]


def namespace(name: str, **annotations: str) -> Json:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": dict(annotations)}}


def node(name: str, *, gpus: int = 1, labels: dict[str, str] | None = None, taints: tuple[Json, ...] = ()) -> Json:
    """A Ready node with 8 CPUs, 32 GiB and so many GPUs."""
    resources = {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name} | (labels or {})},
        "spec": {"taints": list(taints)} if taints else {},
        "status": {"capacity": resources, "allocatable": resources, "conditions": [ready]},
    }


def deployment(name: str, where: str, *, replicas: int = 1, gpus: int = 1, grace_s: int = 30, **pod_spec: Any) -> Json:
    """A Deployment of one-container pods labelled `app: NAME`; `pod_spec` adds to the pods' spec."""
    labels = {"app": name}
    container: Json = {"name": "server", "image": "example.invalid/server:1"}
    if gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": grace_s} | pod_spec
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": where, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def disruption_budget(name: str, where: str, *, app: str, **limits: int | str) -> Json:
    """A PodDisruptionBudget for the pods of a `deployment`; `limits` is `minAvailable=...` or `maxUnavailable=...`."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": where},
        "spec": {"selector": {"matchLabels": {"app": app}}} | limits,
    }
