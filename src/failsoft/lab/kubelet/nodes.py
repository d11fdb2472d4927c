"""The nodes that the lab's kubelet plays: made when they are not there, and said to be alive while it runs."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from failsoft.clients.kubernetes import ApiCluster, Cluster, Ref
from failsoft.errors import ConflictError, FailsoftError, NotFoundError, UsageError

__all__ = ["GPU", "Heartbeat", "Node", "stamp"]

type Json = dict[str, Any]

GPU = "nvidia.com/gpu"

_LEASES = "kube-node-lease"
_LEASE_SECONDS = 40
_RENEW_SECONDS = 10.0
_OTHER_RESOURCES = {"cpu": "16", "memory": "64Gi", "pods": "110"}


@dataclass(frozen=True, slots=True)
class Node:
    """A node to play: its name, its GPUs and its labels (those with its name and system come by themselves)."""

    name: str
    gpus: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """A node as the command line says it: `NAME[,gpus=N][,LABEL=VALUE...]`.

        >>> Node.parse("spot-a,gpus=1,karpenter.sh/capacity-type=spot")
        Node(name='spot-a', gpus=1, labels={'karpenter.sh/capacity-type': 'spot'})

        Raises:
            UsageError: it is no such text.
        """
        name, *parts = text.split(",")
        pairs = dict(part.partition("=")[::2] for part in parts)
        gpus = pairs.pop("gpus", "0")
        if not name or not gpus.isdigit() or not all(pairs):
            raise UsageError(f"{text!r} is no node: NAME[,gpus=N][,LABEL=VALUE...]")
        return cls(name, int(gpus), pairs)

    def manifest(self) -> Json:
        """The object to create."""
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels | dict(self.labels)},
        }

    def status(self, conditions: Sequence[Json]) -> Json:
        """Its status now, given the conditions that it had."""
        resources = _OTHER_RESOURCES | ({GPU: str(self.gpus)} if self.gpus else {})
        now = stamp()
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        for old in conditions:
            if old["type"] == "Ready" and old["status"] == "True":
                ready["lastTransitionTime"] = old["lastTransitionTime"]
        return {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [*(each for each in conditions if each["type"] != "Ready"), ready],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": self.name}],
        }


class Heartbeat:
    """As a context manager it registers the nodes on entry, and keeps their leases and Ready conditions fresh.

    It writes nothing but status and leases once a node is there: cordons, taints and labels are other people's.
    """

    def __init__(self, cluster: ApiCluster, nodes: Sequence[Node]) -> None:
        self._cluster = cluster
        self._nodes = nodes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        for node in self._nodes:
            register(self._cluster, node)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for node in self._nodes:
                try:
                    report(self._cluster, node)
                except FailsoftError:
                    continue  # the next beat says it
            if self._over.wait(_RENEW_SECONDS):
                return


def register(cluster: Cluster, node: Node) -> None:
    """Create the node when it is not there, and report it Ready."""
    with contextlib.suppress(ConflictError):  # it is there from an earlier life, with whatever was done to it since
        cluster.create(node.manifest())
    report(cluster, node)


def report(cluster: Cluster, node: Node) -> None:
    """Write the node's status, and renew its lease."""
    ref = Ref("Node", node.name)
    old = cluster.get(ref)
    status = old.get("status", {})
    new = node.status(status.get("conditions") or ())
    verb = "replace" if "status" in old else "add"
    cluster.patch_status(ref, [{"op": verb, "path": "/status", "value": status | new}])
    _renew(cluster, node, old["metadata"]["uid"])


def _renew(cluster: Cluster, node: Node, uid: str) -> None:
    ref = Ref("Lease", node.name, _LEASES)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    try:
        cluster.json_patch(ref, [{"op": "replace", "path": "/spec/renewTime", "value": now}])
    except NotFoundError:
        owner = {"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": uid}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": node.name, "namespace": _LEASES, "ownerReferences": [owner]},
            "spec": {"holderIdentity": node.name, "leaseDurationSeconds": _LEASE_SECONDS, "renewTime": now},
        }
        _create_lease(cluster, lease)


def _create_lease(cluster: Cluster, lease: Json) -> None:
    try:
        cluster.create(lease)
    except NotFoundError:
        # A control plane makes this namespace at its start; we may be a little earlier.
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _LEASES}})
        cluster.create(lease)


def stamp() -> str:
    """Now, as the API writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
