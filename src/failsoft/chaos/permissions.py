"""What our account has to be allowed on the cluster, the undo included, and the check of it."""

from dataclasses import dataclass

from failsoft.clients.kubernetes import Cluster

__all__ = ["FOR_RUN", "FOR_UNDO", "Permission", "denied"]


@dataclass(frozen=True, slots=True)
class Permission:
    """A verb on a kind; in the workload's namespace where the kind has one."""

    verb: str
    kind: str
    subresource: str = ""
    cluster_wide: bool = False

    def __str__(self) -> str:
        return f"{self.verb} {self.kind}{'/' if self.subresource else ''}{self.subresource}"


FOR_UNDO = (
    Permission("get", "Node", cluster_wide=True),
    Permission("patch", "Node", cluster_wide=True),
    Permission("get", "ConfigMap"),
    Permission("list", "ConfigMap"),
    Permission("delete", "ConfigMap"),
    Permission("get", "Lease"),
    Permission("delete", "Lease"),
)
"""What the undo, and so the janitor, needs."""

FOR_RUN = (
    *FOR_UNDO,
    Permission("get", "Namespace", cluster_wide=True),
    Permission("get", "Deployment"),
    Permission("list", "ReplicaSet"),
    Permission("list", "PodDisruptionBudget"),
    Permission("list", "Pod"),
    Permission("delete", "Pod"),
    Permission("create", "Pod", "eviction"),
    Permission("create", "ConfigMap"),
    Permission("patch", "ConfigMap"),
    Permission("create", "Lease"),
    Permission("update", "Lease"),
)
"""What a run needs."""


def denied(cluster: Cluster, namespace: str, wanted: tuple[Permission, ...] = FOR_RUN) -> tuple[Permission, ...]:
    """Those that the API server says we lack, asked one by one as SelfSubjectAccessReviews."""
    return tuple(
        permission
        for permission in wanted
        if not cluster.allowed(
            permission.verb,
            permission.kind,
            namespace="" if permission.cluster_wide else namespace,
            subresource=permission.subresource,
        )
    )
