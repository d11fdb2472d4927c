"""Undoing a run on the cluster: idempotent, from its record alone, by whoever finds it."""

from dataclasses import dataclass
from functools import partial

from failsoft.chaos.clock import Clock, persist
from failsoft.chaos.ledger import Ledger
from failsoft.chaos.nodes import is_ours, undo_patch
from failsoft.chaos.record import Record, Target
from failsoft.clients.kubernetes import Cluster, Json, Ref
from failsoft.errors import FailsoftError, NotFoundError

__all__ = ["Restored", "restore", "settle"]


@dataclass(frozen=True, slots=True)
class Restored:
    """What undoing a run came to.

    Attributes:
        run: the run.
        undone: the nodes from which something was taken away.
        clean: the nodes that had nothing of the run any more, or are no more.
        left: what could not be undone, each with its reason.
    """

    run: str
    undone: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing of the run is left."""
        return not self.left


def restore(cluster: Cluster, record: Record, *, clock: Clock, patience_s: float = 30.0) -> Restored:
    """Take away what the run added to each of its nodes, and nothing else.

    Every node is tried at least once, and again for `patience_s` seconds in all; errors become `left`.
    """
    undone: list[str] = []
    clean: list[str] = []
    left: list[str] = []
    until = clock.now() + patience_s
    for target in record.nodes:
        try:
            changed = persist(partial(_restore, cluster, record, target), until=until, clock=clock)
        except FailsoftError as error:
            left.append(f"node {target.name}: {error}")
        else:
            (undone if changed else clean).append(target.name)
    return Restored(record.run, tuple(undone), tuple(clean), tuple(left))


def settle(cluster: Cluster, record: Record, *, clock: Clock, patience_s: float = 30.0) -> Restored:
    """Undo the run, and delete its record once nothing of it is left."""
    outcome = restore(cluster, record, clock=clock, patience_s=patience_s)
    if outcome.complete:
        close = partial(Ledger(cluster, record.namespace).close, record.run)
        persist(close, until=clock.now() + patience_s, clock=clock)
    return outcome


def _restore(cluster: Cluster, record: Record, target: Target) -> bool:
    ref = Ref("Node", target.name)
    try:
        node = cluster.get(ref)
        operations = _operations(node, record, target)
        if not operations:
            return False
        cluster.json_patch(ref, operations)
    except NotFoundError:
        return False
    return True


def _operations(node: Json, record: Record, target: Target) -> list[Json]:
    if node["metadata"]["uid"] != target.uid or not is_ours(node, record.run, record.taint):
        return []
    before = record.before(target.name)
    return undo_patch(node, record.run, record.taint, unschedulable_before=before)
