"""Which resources the fake serves, and what each of them can."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from failsoft.clients.kubernetes import KINDS, Kind
from failsoft.testing.kubernetes.answers import unknown_path

__all__ = [
    "CRD",
    "DEPLOYMENT",
    "EVENT",
    "LEASE",
    "NAMESPACE",
    "NODE",
    "PDB",
    "POD",
    "REPLICA_SET",
    "Catalogue",
    "PageNotFound",
    "Resource",
    "Target",
]


@dataclass(frozen=True, slots=True)
class Resource:
    """A served resource.

    Attributes:
        kind: its names.
        status: whether it has a status subresource.
        scale: whether it has a scale subresource.
        unconditional: whether a PUT may come without a resourceVersion.
        generation: whether `metadata.generation` counts changes of its spec.
        custom: whether a CustomResourceDefinition brought it.
    """

    kind: Kind
    status: bool = False
    scale: bool = False
    unconditional: bool = True
    generation: bool = False
    custom: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.kind.group}/{self.kind.plural}")


NAMESPACE = Resource(KINDS["Namespace"], status=True)
NODE = Resource(KINDS["Node"], status=True)
POD = Resource(KINDS["Pod"], status=True, generation=True)
CONFIG_MAP = Resource(KINDS["ConfigMap"])
EVENT = Resource(KINDS["Event"])
DEPLOYMENT = Resource(KINDS["Deployment"], status=True, scale=True, generation=True)
REPLICA_SET = Resource(KINDS["ReplicaSet"], status=True, scale=True, generation=True)
PDB = Resource(KINDS["PodDisruptionBudget"], status=True, unconditional=False, generation=True)
LEASE = Resource(KINDS["Lease"], unconditional=False)
CRD = Resource(KINDS["CustomResourceDefinition"], status=True, unconditional=False, generation=True)

_BUILT_IN = (NAMESPACE, NODE, POD, CONFIG_MAP, EVENT, DEPLOYMENT, REPLICA_SET, PDB, LEASE, CRD)


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a resource, perhaps one object, perhaps its subresource."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def rbac_resource(self) -> str:
        """The resource's name in RBAC, such as `pods/eviction`."""
        return "/".join(filter(None, (self.resource.kind.plural, self.subresource)))


class PageNotFound(Exception):  # noqa: N818 (it is what the server says)
    """Nothing at all is served there; the answer is no `Status` but plain text."""


class Catalogue:
    """The served resources: the built-in ones, and one for each version of each CustomResourceDefinition."""

    def __init__(self) -> None:
        self._served = {(r.kind.group, r.kind.version, r.kind.plural): r for r in _BUILT_IN}

    def find(self, group: str, version: str, plural: str) -> Resource:
        """The resource of a path; raises the API's 404, and `PageNotFound` for an unknown group."""
        found = self._served.get((group, version, plural))
        if found is None:
            if any((group, version) == (each.kind.group, each.kind.version) for each in self):
                raise unknown_path()
            raise PageNotFound
        return found

    def __iter__(self) -> Iterator[Resource]:
        return iter(tuple(self._served.values()))

    def add(self, definition: dict[str, Any]) -> None:
        """Serve the custom resource that a CustomResourceDefinition describes."""
        for resource in _defined(definition):
            self._served[resource.kind.group, resource.kind.version, resource.kind.plural] = resource

    def drop(self, definition: dict[str, Any]) -> None:
        """Serve it no longer."""
        for resource in _defined(definition):
            self._served.pop((resource.kind.group, resource.kind.version, resource.kind.plural), None)


def _defined(definition: dict[str, Any]) -> list[Resource]:
    spec = definition["spec"]
    names, namespaced = spec["names"], spec["scope"] == "Namespaced"
    return [
        Resource(
            Kind(spec["group"], version["name"], names["plural"], names["kind"], namespaced=namespaced),
            status="status" in (version.get("subresources") or {}),
            unconditional=False,
            generation=True,
            custom=True,
        )
        for version in spec["versions"]
        if version.get("served")
    ]
