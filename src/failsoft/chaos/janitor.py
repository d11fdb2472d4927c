"""The janitor: undoes what runs left behind, from their records on the cluster, whoever died and whenever."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from failsoft.chaos.clock import Clock
from failsoft.chaos.ledger import read_all
from failsoft.chaos.lock import Holder, Lock, holder
from failsoft.chaos.record import Record
from failsoft.chaos.restore import Restored, settle
from failsoft.clients.kubernetes import Cluster
from failsoft.errors import FailsoftError

__all__ = ["Sweep", "due", "sweep"]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep came to.

    Attributes:
        restored: the runs that were undone, each with the reason why it was time.
        waiting: the runs whose runner lives and whose time is not up.
        failed: what could not be done; people have to look.
    """

    restored: tuple[tuple[Restored, str], ...] = ()
    waiting: tuple[Record, ...] = ()
    failed: tuple[str, ...] = field(default=())


def due(record: Record, lock: Holder, now: float, *, everything: bool = False) -> str:
    """Why a run has to be undone now; empty when it does not.

    Args:
        record: its undo record.
        lock: who holds the lock of its namespace.
        now: seconds since the epoch.
        everything: whether a living runner is no reason to wait.
    """
    if everything:
        return "everything was asked for"
    if now >= record.undo_by:
        return "its time is up"
    if lock.run != record.run or not lock.alive(now):
        return "its runner is dead"
    return ""


def sweep(cluster: Cluster, namespaces: Iterable[str], *, clock: Clock, everything: bool = False) -> Sweep:
    """Undo every run of these namespaces that has to be undone.

    Raises `UnavailableError` or `RefusedError` when the records cannot be listed; all else becomes `failed`.
    """
    spaces = sorted(set(namespaces))
    records, problems = read_all(cluster, spaces)
    restored: list[tuple[Restored, str]] = []
    waiting: list[Record] = []
    failed = list(problems)
    for record in records:
        try:
            why = due(record, holder(cluster, record.namespace), clock.now(), everything=everything)
            if not why:
                waiting.append(record)
                continue
            outcome = settle(cluster, record, clock=clock)
            if outcome.complete:
                Lock(cluster, record.namespace, record.run, clock).release()
        except FailsoftError as error:
            failed.append(f"run {record.run}: {error}")
            continue
        restored.append((outcome, why))
        failed.extend(f"run {record.run}: {left}" for left in outcome.left)
    kept = {record.namespace for record in waiting}
    for namespace in spaces:
        if namespace not in kept:
            failed.extend(_drop_dead_lock(cluster, namespace, clock, everything=everything))
    return Sweep(tuple(restored), tuple(waiting), tuple(failed))


def _drop_dead_lock(cluster: Cluster, namespace: str, clock: Clock, *, everything: bool) -> list[str]:
    """A runner that died before it wrote a record, or after it closed it, leaves only its lock."""
    try:
        found = holder(cluster, namespace)
        if found.run and (everything or not found.alive(clock.now())):
            Lock(cluster, namespace, found.run, clock).release()
    except FailsoftError as error:
        return [f"the lock of namespace {namespace}: {error}"]
    return []
