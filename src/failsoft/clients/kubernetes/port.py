"""The small interface through which everything in failsoft sees a cluster: plain JSON objects in and out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

__all__ = ["KINDS", "Cluster", "Json", "Kind", "Ref", "WatchEvent", "WatchEventType"]

type Json = dict[str, Any]
type WatchEventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type of the API.

    Attributes:
        group: the API group, empty for the core group.
        version: such as `v1`.
        plural: the resource's name in paths, such as `nodes`.
        name: the kind, such as `Node`.
        namespaced: whether objects live in a namespace.
    """

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects, such as `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The URL prefix of the group, such as `/apis/apps/v1`."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("", "v1", "namespaces", "Namespace", namespaced=False),
        Kind("", "v1", "nodes", "Node", namespaced=False),
        Kind("", "v1", "pods", "Pod"),
        Kind("", "v1", "configmaps", "ConfigMap"),
        Kind("", "v1", "events", "Event"),
        Kind("apps", "v1", "deployments", "Deployment"),
        Kind("apps", "v1", "replicasets", "ReplicaSet"),
        Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
        Kind("coordination.k8s.io", "v1", "leases", "Lease"),
        Kind("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute"),
        Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False),
    )
}
"""The kinds that failsoft reads or writes."""


@dataclass(frozen=True, slots=True)
class Ref:
    """One object: its kind (a key of `KINDS`), its name, and its namespace (empty for cluster-wide kinds)."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch; `object` is whole, as the API server sent it."""

    type: WatchEventType
    object: Json


class Cluster(Protocol):
    """A cluster. Every method blocks; call it from a thread where an event loop runs.

    Every method raises `UnavailableError` when the API server does not answer, is overloaded (429 other than an
    eviction's, 5xx), and `RefusedError` on 401, 403 and 422; objects come and go as the JSON of the API, untouched.
    """

    def get(self, ref: Ref) -> Json:
        """The object. Raises `NotFoundError`."""

    def list(self, kind: str, *, namespace: str = "", labels: str = "", fields: str = "") -> tuple[Json, ...]:
        """All objects of a kind (in all namespaces when `namespace` is empty), by label and field selector.

        Each item has its apiVersion and kind, which the API server leaves out in lists.
        """

    def create(self, obj: Json, *, dry_run: bool = False) -> Json:
        """Create the object; its `kind` says which. Raises `ConflictError` when it exists."""

    def replace(self, obj: Json, *, dry_run: bool = False) -> Json:
        """PUT the object; with its resourceVersion, so `ConflictError` when it changed. Raises `NotFoundError`."""

    def json_patch(self, ref: Ref, operations: Sequence[Json], *, dry_run: bool = False) -> Json:
        """RFC 6902 patch. A failed `test` operation raises `ConflictError`. Raises `NotFoundError`."""

    def patch_status(self, ref: Ref, operations: Sequence[Json]) -> Json:
        """The same on the object's status subresource."""

    def delete(self, ref: Ref, *, grace_seconds: int | None = None, uid: str = "", dry_run: bool = False) -> None:
        """Delete, with a uid precondition when one is given. Raises `NotFoundError`, `ConflictError` (another uid)."""

    def evict(self, ref: Ref, *, grace_seconds: int | None = None, dry_run: bool = False) -> None:
        """The Eviction API (`policy/v1`). Raises `TemporaryError` on 429 (a PodDisruptionBudget), `NotFoundError`."""

    def scale(self, ref: Ref, replicas: int, *, resource_version: str = "", dry_run: bool = False) -> Json:
        """PUT the scale subresource; returns the Scale. Raises `ConflictError`, `NotFoundError`."""

    def allowed(self, verb: str, kind: str, *, namespace: str = "", subresource: str = "") -> bool:
        """SelfSubjectAccessReview: may we do that?"""

    def watch(
        self, kind: str, *, namespace: str = "", resource_version: str = "", timeout_s: int = 60
    ) -> Iterator[WatchEvent]:
        """Changes since `resource_version`; without one, first an ADDED for each object that there is.

        Ends after `timeout_s`. A BOOKMARK only tells how far the server is, in its object's resourceVersion. Raises
        `ConflictError` when the version is too old: start over without one.
        """
