"""The plan of an experiment: which nodes and pods, every change with its inverse, and a hash to approve it by."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from failsoft.chaos.marks import RECLAIM_TAINT, RUN
from failsoft.chaos.record import Target
from failsoft.chaos.snapshot import NodeSeen, Snapshot
from failsoft.workspace.kinds import ExperimentSpec
from failsoft.workspace.quantities import Duration

__all__ = ["Change", "Plan", "choose", "make"]

_HASH_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One change to the cluster.

    Attributes:
        at_s: seconds after the start.
        action: its name in the Chaos Toolkit experiment.
        object: what is changed.
        does: in words.
        inverse: how it is undone, in words; why there is no need where nothing undoes it.
        bypasses_budgets: whether it goes past PodDisruptionBudgets.
    """

    at_s: float
    action: str
    object: str
    does: str
    inverse: str
    bypasses_budgets: bool = False


@dataclass(frozen=True)
class Plan:
    """What an experiment will do to the cluster as it is now."""

    experiment: str
    model: str
    workload: str
    nodes: tuple[Target, ...]
    pods: tuple[Target, ...]
    changes: tuple[Change, ...]
    notice_s: float
    hold_s: float

    @cached_property
    def hash(self) -> str:
        """Twelve hexadecimal digits, the same as long as the plan would do the same to the same objects."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON, its hash included."""
        return {"hash": self.hash, **asdict(self)}


def choose(snapshot: Snapshot, count: int) -> tuple[NodeSeen, ...]:
    """The nodes to lose: eligible ones that are not leaving already; those with the fewest pods first, then by name."""
    eligible = [node for node in snapshot.nodes if node.eligible and not node.leaving]
    ordered = sorted(eligible, key=lambda node: (len(snapshot.pods_on([node.name])), node.name))
    return tuple(ordered[:count])


def make(name: str, spec: ExperimentSpec, snapshot: Snapshot) -> Plan:
    """Plan an experiment on the cluster as the snapshot shows it. Pure: the guards judge it, others carry it out."""
    reclaim = spec.fault.chosen
    nodes = choose(snapshot, reclaim.nodes)
    pods = snapshot.pods_on(node.name for node in nodes)
    return Plan(
        experiment=name,
        model=reclaim.model,
        workload=str(snapshot.workload),
        nodes=tuple(Target(node.name, node.uid) for node in nodes),
        pods=tuple(Target(pod.name, pod.uid) for pod in pods),
        changes=_changes(nodes, [pod.name for pod in pods], snapshot.workload.namespace, reclaim.notice, reclaim.hold),
        notice_s=reclaim.notice.seconds,
        hold_s=reclaim.hold.seconds,
    )


def _changes(
    nodes: tuple[NodeSeen, ...], pods: list[str], namespace: str, notice: Duration, hold: Duration
) -> tuple[Change, ...]:
    changes: list[Change] = []
    for node in nodes:
        does, inverse = f"cordon it, and mark it with {RUN}", "uncordon it, take the mark away"
        if node.cordoned:
            does, inverse = "nothing: it is cordoned already", "stays cordoned"
        changes.append(Change(0, "cordon", f"Node {node.name}", does, inverse))
    for node in nodes:
        does = f"add the taint {RECLAIM_TAINT}:NoSchedule, as AWS Node Termination Handler does"
        changes.append(Change(0, "taint", f"Node {node.name}", does, "remove this one taint"))
    replaced = "the Deployment makes another"
    for pod in pods:
        does = f"evict it with its own grace; a disruption budget's refusal is retried for {notice}"
        changes.append(Change(0, "evict", f"Pod {namespace}/{pod}", does, replaced))
    for pod in pods:
        does = "delete it with grace 0 if it is still there: no disruption budget is asked"
        changes.append(
            Change(notice.seconds, "delete-remaining", f"Pod {namespace}/{pod}", does, replaced, bypasses_budgets=True)
        )
    changes.extend(
        Change(notice.seconds, "hold", f"Node {node.name}", f"leave it away for {hold}", "ends by itself")
        for node in nodes
    )
    return tuple(changes)
