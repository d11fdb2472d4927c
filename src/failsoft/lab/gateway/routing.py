"""Where a request goes: an HTTPRoute's weights and the Ready pods behind each of its backends, as plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from failsoft.lab.marks import MODEL, PORT

__all__ = ["Backend", "Endpoint", "RetryBudget", "Table", "build_table"]

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod that takes requests: its name, its port on 127.0.0.1, and the model that it serves."""

    pod: str
    port: int
    model: str


@dataclass(frozen=True, slots=True)
class Backend:
    """One `backendRef`: its name, its weight (a proportion, not a percentage), its endpoints."""

    name: str
    weight: int
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """All backends of the route; empty while there is no such route."""

    backends: tuple[Backend, ...] = ()

    def pick(self, point: float) -> Backend | None:
        """The backend at `point` (0 to 1, exclusive) of the weights laid end to end.

        As the Gateway API says, a backend without endpoints keeps its share, which is answered 503.
        """
        total = sum(backend.weight for backend in self.backends)
        position = point * total
        for backend in self.backends:
            if position < backend.weight:
                return backend
            position -= backend.weight
        return None

    def serves(self, model: str) -> bool:
        """Whether some backend serves the model, so that another may stand in for it."""
        return any(endpoint.model == model for backend in self.backends for endpoint in backend.endpoints)


def build_table(route: Json | None, pods: Sequence[Json]) -> Table:
    """The table for a route's first rule.

    A backend's pods are those of the route's namespace whose label `app` is its name: the lab has no Services.
    """
    if route is None:
        return Table()
    rules = route.get("spec", {}).get("rules") or [{}]
    namespace = route["metadata"]["namespace"]
    here = [pod for pod in pods if pod["metadata"]["namespace"] == namespace]
    return Table(
        tuple(
            Backend(reference["name"], int(reference.get("weight", 1)), tuple(_endpoints(reference["name"], here)))
            for reference in rules[0].get("backendRefs") or ()
        )
    )


def _endpoints(app: str, pods: Iterable[Json]) -> Iterable[Endpoint]:
    for pod in pods:
        meta = pod["metadata"]
        marks = meta.get("annotations") or {}
        if (meta.get("labels") or {}).get("app") == app and PORT in marks and _takes_requests(pod):
            yield Endpoint(meta["name"], int(marks[PORT]), marks.get(MODEL, ""))


def _takes_requests(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


class RetryBudget:
    """Retries as a share of requests, so that they cannot multiply the load of a service that is failing.

    Each request earns `share` of a retry, up to `most` saved up.
    """

    def __init__(self, share: float = 0.2, most: float = 10.0) -> None:
        self._share = share
        self._most = most
        self._saved = most

    def earn(self) -> None:
        """A request has come."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Take a retry; false when none is left."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
