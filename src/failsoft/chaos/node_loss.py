"""Losing nodes, step by step: cordon, taint, evict, delete what remains, hold; each reads the undo record first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from failsoft.chaos.clock import Clock, persist
from failsoft.chaos.ledger import Ledger
from failsoft.chaos.nodes import cordon_patch, is_cordoned, taint_patch, taints
from failsoft.chaos.record import Entry, Record, Taint, Target
from failsoft.chaos.restore import restore
from failsoft.chaos.switch import HaltedError, KillSwitch
from failsoft.clients.kubernetes import Cluster, Json, Ref
from failsoft.errors import (
    FailsoftError,
    NotFoundError,
    PermanentError,
    RefusedError,
    TemporaryError,
    UnavailableError,
)

__all__ = ["Drain", "NodeLoss", "entries"]

_LOOK_EVERY_S = 0.5
_PATIENCE_S = 20.0


def entries(nodes: Mapping[str, Json], targets: tuple[Target, ...], taint: Taint) -> tuple[Entry, ...]:
    """What will be changed on these nodes; a node that is cordoned already keeps its cordon, so it has no entry."""
    made: list[Entry] = []
    for target in targets:
        node = nodes[target.name]
        if not is_cordoned(node):
            before = node.get("spec", {}).get("unschedulable")
            made.append(Entry(target.name, target.uid, "/spec/unschedulable", before, after=True))
        made.append(Entry(target.name, target.uid, "/spec/taints", None, dict(taint)))
    return tuple(made)


@dataclass(slots=True)
class Drain:
    """What became of the pods.

    Attributes:
        evicted: by the Eviction API.
        refused: how often a disruption budget said no.
        gone: which are no more.
        left: which are still there.
        errors: eviction errors that no retry helps.
    """

    evicted: list[str] = field(default_factory=list)
    refused: int = 0
    gone: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class NodeLoss:
    """The steps of one run.

    Args:
        cluster: the cluster.
        namespace: the workload's namespace, where the record is.
        run: the run.
        clock: tells the time and waits.
        attend: called again and again while a step waits; it raises when the run has to stop.
        switch: read before every change, and while a step waits: `HaltedError` is raised when it is on, and when
            nobody can say so for 20 s.
    """

    def __init__(  # noqa: PLR0913 (all that the steps need, by name)
        self,
        cluster: Cluster,
        namespace: str,
        run: str,
        *,
        clock: Clock,
        attend: Callable[[], None] = lambda: None,
        switch: KillSwitch | None = None,
    ) -> None:
        self._cluster = cluster
        self._ledger = Ledger(cluster, namespace)
        self._run = run
        self._clock = clock
        self._attend = attend
        self._switch = switch

    def _patiently[T](self, call: Callable[[], T]) -> T:
        return persist(call, until=self._clock.now() + _PATIENCE_S, clock=self._clock)

    def _fence(self) -> Record:
        self._unhalted()
        return self._patiently(partial(self._ledger.fence, self._run))

    def _unhalted(self) -> None:
        if self._switch is None:
            return
        try:
            why = self._patiently(self._switch.reason)
        except FailsoftError as error:
            raise HaltedError(f"nobody can say whether the kill switch is on: {error}") from error
        if why:
            raise HaltedError(f"the kill switch is on: {why}")

    def record(self, draft: Record) -> Record:
        """Write the undo record, with what the nodes look like now. Raises `RefusedError` when a node was replaced."""
        return self._patiently(partial(self._record, draft))

    def _record(self, draft: Record) -> Record:
        nodes = {target.name: self._node(target) for target in draft.nodes}
        for name, node in nodes.items():
            if any(found.get("key") == draft.taint["key"] for found in taints(node)):
                raise RefusedError(f"node {name} is being reclaimed already, by somebody else")
        self._unhalted()
        return self._ledger.write(replace(draft, entries=entries(nodes, draft.nodes, draft.taint)))

    def _node(self, target: Target) -> Json:
        try:
            node = self._cluster.get(Ref("Node", target.name))
        except NotFoundError as error:
            raise RefusedError(f"node {target.name} is gone") from error
        if node["metadata"]["uid"] != target.uid:
            raise RefusedError(f"node {target.name} was replaced by another of the same name")
        return node

    def cordon(self) -> list[str]:
        """Cordon the nodes. Returns those that were not cordoned before."""
        return self._change(self._cordon_operations)

    def taint(self) -> list[str]:
        """Taint the nodes. Returns those that were not tainted before."""
        return self._change(lambda node, record: taint_patch(node, record.taint))

    def _cordon_operations(self, node: Json, record: Record) -> list[Json]:
        operations = cordon_patch(node, self._run)
        if operations and not record.cordons(node["metadata"]["name"]):
            raise RefusedError(
                f"node {node['metadata']['name']} was cordoned when the undo was recorded and is not any more"
            )
        return operations

    def _change(self, operations: Callable[[Json, Record], list[Json]]) -> list[str]:
        record = self._fence()
        return [t.name for t in record.nodes if self._patiently(partial(self._patch, t, operations))]

    def _patch(self, target: Target, operations: Callable[[Json, Record], list[Json]]) -> bool:
        record = self._ledger.fence(self._run)
        node = self._node(target)
        patch = operations(node, record)
        if not patch:
            return False
        self._unhalted()
        self._cluster.json_patch(Ref("Node", target.name), patch)
        self._check_back(record)
        return True

    def _check_back(self, record: Record) -> None:
        """A janitor may have undone the run while we were about to write: then nobody but us can undo this write."""
        try:
            self._ledger.fence(self._run)
        except PermanentError:
            restore(self._cluster, record, clock=self._clock)
            raise

    def evict(self) -> Drain:
        """Evict the pods, again and again until all are gone or the notice is over."""
        record = self._fence()
        drain = Drain()
        retry_at = {pod.uid: 0.0 for pod in record.pods}
        while True:
            record = self._fence()
            present = self._present(record)
            now = self._clock.now()
            if not present or now >= record.notice_until:
                break
            for pod in present:
                if now >= retry_at.get(pod.uid, float("inf")):
                    wait = self._evict(record, pod, drain)
                    retry_at[pod.uid] = now + wait
            self._wait(min(_LOOK_EVERY_S, record.notice_until - now))
        return self._tally(record, drain)

    def _evict(self, record: Record, pod: Target, drain: Drain) -> float:
        """Evict one pod; returns the seconds until the next try, infinite when there is no need for one."""
        self._unhalted()
        try:
            self._cluster.evict(Ref("Pod", pod.name, record.namespace))
        except NotFoundError:
            return float("inf")
        except TemporaryError as error:
            drain.refused += not isinstance(error, UnavailableError)
            return error.delay
        except RefusedError as error:
            drain.errors.append(f"pod {pod.name}: {error}")
            return float("inf")
        drain.evicted.append(pod.name)
        return float("inf")

    def delete_remaining(self) -> Drain:
        """Delete the pods that are still there at once, as the loss of the machine would; no budget is asked."""
        record = self._fence()
        drain = Drain()
        for pod in self._present(record):
            self._patiently(partial(self._delete, record, pod))
        return self._tally(record, drain)

    def _delete(self, record: Record, pod: Target) -> None:
        self._unhalted()
        try:
            self._cluster.delete(Ref("Pod", pod.name, record.namespace), grace_seconds=0, uid=pod.uid)
        except NotFoundError:
            return

    def hold(self) -> float:
        """Keep the nodes away until the hold is over. Returns the seconds waited."""
        record = self._fence()
        began = self._clock.now()
        while (left := record.hold_until - self._clock.now()) > 0:
            self._wait(min(_LOOK_EVERY_S, left))
            self._fence()
        return self._clock.now() - began

    def _wait(self, seconds: float) -> None:
        self._attend()
        self._clock.sleep(max(0.0, seconds))
        self._attend()

    def _present(self, record: Record) -> list[Target]:
        """The record's pods that are still there, by name and uid."""
        names = {pod.name: pod for pod in record.pods}
        pods = self._patiently(partial(self._cluster.list, "Pod", namespace=record.namespace))
        found = {(p["metadata"]["name"], p["metadata"]["uid"]) for p in pods}
        return [pod for name, pod in names.items() if (name, pod.uid) in found]

    def _tally(self, record: Record, drain: Drain) -> Drain:
        present = {pod.uid for pod in self._present(record)}
        drain.left = [pod.name for pod in record.pods if pod.uid in present]
        drain.gone = [pod.name for pod in record.pods if pod.uid not in present]
        return drain
