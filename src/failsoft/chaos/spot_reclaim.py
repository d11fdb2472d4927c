"""The actions of a spot reclaim as Chaos Toolkit calls them: thin, for each finds what it needs in the undo record."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed, InterruptExecution

from failsoft.chaos.clock import SystemClock
from failsoft.chaos.ledger import Ledger
from failsoft.chaos.node_loss import NodeLoss
from failsoft.chaos.nodes import reclaim_taint
from failsoft.chaos.record import Record, Target
from failsoft.chaos.restore import settle
from failsoft.chaos.switch import HaltedError, opened
from failsoft.clients.kubernetes import Cluster, connect
from failsoft.errors import FailsoftError, RefusedError

__all__ = ["cordon", "delete_remaining", "evict", "hold", "record_undo", "taint", "undo"]

type Site = Mapping[str, Any]
"""Where a run acts: `kubeconfig`, `context`, `namespace`, `run`; `kill_switch`, the function that opens it, if any; and
`supervisor`, the process id of who started it.

With a supervisor other than 0 the actions end, and so the rollbacks begin, as soon as that process is gone.
"""

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}


def record_undo(site: Site, draft: Mapping[str, Any]) -> dict[str, Any]:
    """Write the undo record before anything is changed.

    Args:
        site: where.
        draft: `experiment, model, requester, owner, nodes, pods, notice_s, hold_s, margin_s`; nodes and pods are
            lists of `{name, uid}`.
    """

    def act(steps: NodeLoss) -> dict[str, Any]:
        now = SystemClock().now()
        gone_at = now + draft["notice_s"]
        back_at = gone_at + draft["hold_s"]
        record = steps.record(
            Record(
                run=site["run"],
                experiment=draft["experiment"],
                model=draft["model"],
                namespace=site["namespace"],
                requester=draft["requester"],
                owner=draft["owner"],
                nodes=tuple(Target(**node) for node in draft["nodes"]),
                pods=tuple(Target(**pod) for pod in draft["pods"]),
                taint=reclaim_taint(site["run"]),
                started_at=now,
                notice_until=gone_at,
                hold_until=back_at,
                undo_by=back_at + draft["margin_s"],
            )
        )
        return {"record": record.name, "undo_by": record.undo_by}

    return _act(site, act)


def cordon(site: Site) -> dict[str, Any]:
    """Cordon the nodes."""
    return _act(site, lambda steps: {"cordoned": steps.cordon()})


def taint(site: Site) -> dict[str, Any]:
    """Taint the nodes as AWS Node Termination Handler does."""
    return _act(site, lambda steps: {"tainted": steps.taint()})


def evict(site: Site) -> dict[str, Any]:
    """Evict the pods until all are gone or the notice is over."""
    return _act(site, lambda steps: asdict(steps.evict()))


def delete_remaining(site: Site) -> dict[str, Any]:
    """Delete what is still there with grace 0, past disruption budgets."""
    return _act(site, lambda steps: asdict(steps.delete_remaining()))


def hold(site: Site) -> dict[str, Any]:
    """Leave the nodes away until the hold is over."""
    return _act(site, lambda steps: {"held_s": steps.hold()})


def undo(site: Site) -> dict[str, Any]:
    """The rollback: undo all from the record, undisturbed by signals; nothing to do where there is none."""
    with _undisturbed():
        cluster = _cluster(site)
        try:
            record = Ledger(cluster, site["namespace"]).read(site["run"])
        except RefusedError:
            return {"undone": [], "note": "there is no undo record: nothing was changed, or all is undone already"}
        restored = settle(cluster, record, clock=SystemClock())
        if not restored.complete:
            raise ActivityFailed("; ".join(restored.left))
        return {"undone": list(restored.undone), "clean": list(restored.clean)}


def _act(site: Site, act: Callable[[NodeLoss], dict[str, Any]]) -> dict[str, Any]:
    cluster = _cluster(site)
    try:
        steps = NodeLoss(
            cluster,
            site["namespace"],
            site["run"],
            clock=SystemClock(),
            attend=lambda: _attend(site["supervisor"]),
            switch=opened(site["kill_switch"]),
        )
        return act(steps)
    except HaltedError as error:
        raise InterruptExecution(str(error)) from error
    except FailsoftError as error:
        if _stopped(cluster, site):
            raise InterruptExecution(str(error)) from error
        raise ActivityFailed(str(error)) from error


def _stopped(cluster: Cluster, site: Site) -> bool:
    try:
        return bool(Ledger(cluster, site["namespace"]).read(site["run"]).stop)
    except FailsoftError:
        return False


def _attend(supervisor: int) -> None:
    if supervisor and os.getppid() != supervisor:
        raise InterruptExecution("the process that supervises this run is gone")


def _cluster(site: Site) -> Cluster:
    return connect(Path(site["kubeconfig"]) if site["kubeconfig"] else None, site["context"] or None)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A signal that lands in a rollback would drop the rest of it. What it asks for is done here: it is taken away."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        for pending in signal.sigpending() & _SIGNALS:
            signal.sigwait({pending})
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
