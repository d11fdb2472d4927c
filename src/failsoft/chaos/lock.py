"""The lock of a namespace: a Lease that one run holds, renewed while its supervisor lives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from failsoft.chaos.clock import Clock, from_rfc3339, rfc3339
from failsoft.chaos.marks import LEASE, MANAGED_BY
from failsoft.clients.kubernetes import Cluster, Json, Ref
from failsoft.errors import ConflictError, NotFoundError, RefusedError

__all__ = ["Holder", "Lock", "holder"]

_REQUESTER = "failsoft.dev/requester"
_MODEL = "failsoft.dev/model"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock.

    Attributes:
        run: the run, empty when nobody does.
        until: when it expires unless it is renewed, in seconds since the epoch.
        requester, model: who asked for the run, and on which model.
    """

    run: str = ""
    until: float = 0.0
    requester: str = ""
    model: str = ""

    def alive(self, now: float) -> bool:
        """Whether the lock is held now."""
        return bool(self.run) and now < self.until

    @classmethod
    def of(cls, lease: Mapping[str, Any]) -> Self:
        """Read a Lease; one whose times cannot be read has expired."""
        spec = lease.get("spec") or {}
        try:
            until = from_rfc3339(str(spec.get("renewTime"))) + float(spec.get("leaseDurationSeconds") or 0)
        except ValueError:
            until = 0.0
        said = (lease.get("metadata") or {}).get("annotations") or {}
        return cls(
            run=str(spec.get("holderIdentity") or ""),
            until=until,
            requester=str(said.get(_REQUESTER, "")),
            model=str(said.get(_MODEL, "")),
        )


def _ref(namespace: str) -> Ref:
    return Ref("Lease", LEASE, namespace)


def holder(cluster: Cluster, namespace: str) -> Holder:
    """Who holds the lock of a namespace."""
    try:
        return Holder.of(cluster.get(_ref(namespace)))
    except NotFoundError:
        return Holder()


class Lock:
    """The lock of a namespace, as one run sees it.

    Args:
        cluster, namespace, run, clock: where, for whom, and what time it is.
        lease_s: seconds after which a lock that is not renewed has expired.
        requester, model: who asked for the run, and on which model; people are told, and do not approve their own.
    """

    def __init__(  # noqa: PLR0913 (what a Lease holds)
        self,
        cluster: Cluster,
        namespace: str,
        run: str,
        clock: Clock,
        *,
        lease_s: int = 15,
        requester: str = "",
        model: str = "",
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._run = run
        self._clock = clock
        self._lease_s = lease_s
        self._about = {_REQUESTER: requester, _MODEL: model}

    @property
    def renew_every_s(self) -> float:
        """How often to renew, so that two renewals may fail."""
        return self._lease_s / 3

    def _spec(self) -> Json:
        now = rfc3339(self._clock.now())
        return {
            "holderIdentity": self._run,
            "leaseDurationSeconds": self._lease_s,
            "acquireTime": now,
            "renewTime": now,
        }

    def acquire(self) -> None:
        """Take the lock; an expired one is taken over. Raises `RefusedError` when another run holds it."""
        try:
            self._cluster.create(
                {
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {
                        "name": LEASE,
                        "namespace": self._namespace,
                        "labels": {MANAGED_BY: "failsoft"},
                        "annotations": self._about,
                    },
                    "spec": self._spec(),
                }
            )
        except ConflictError:
            self._take_over()

    def _take_over(self) -> None:
        try:
            lease = self._cluster.get(_ref(self._namespace))
        except NotFoundError:
            return self.acquire()
        found = Holder.of(lease)
        if found.run != self._run and found.alive(self._clock.now()):
            raise RefusedError(f"another run, {found.run}, holds the lock of namespace {self._namespace}")
        meta = lease["metadata"]
        told = {**meta, "annotations": {**(meta.get("annotations") or {}), **self._about}}
        self._cluster.replace({**lease, "metadata": told, "spec": self._spec()})
        return None

    def renew(self) -> None:
        """Keep the lock. Raises `RefusedError` when it is no longer ours."""
        try:
            lease = self._cluster.get(_ref(self._namespace))
        except NotFoundError as error:
            raise RefusedError(f"somebody took the lock of namespace {self._namespace} away") from error
        if Holder.of(lease).run != self._run:
            raise RefusedError(f"another run, {Holder.of(lease).run}, took the lock of namespace {self._namespace}")
        spec = {**lease["spec"], "renewTime": rfc3339(self._clock.now()), "leaseDurationSeconds": self._lease_s}
        self._cluster.replace({**lease, "spec": spec})

    def release(self) -> None:
        """Give the lock back, if it is ours."""
        try:
            lease = self._cluster.get(_ref(self._namespace))
            if Holder.of(lease).run == self._run:
                self._cluster.delete(_ref(self._namespace), uid=lease["metadata"]["uid"])
        except NotFoundError:
            return
