"""Changes to one node as JSON patches, and their exact inverse.

Each patch begins with a `test` of the version that it was made for. A strategic merge patch of
`spec.taints` would replace other people's taints; these never touch what is not ours.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from failsoft.chaos.marks import RECLAIM_TAINT, RUN
from failsoft.chaos.record import Taint
from failsoft.clients.kubernetes import Json

__all__ = ["cordon_patch", "is_cordoned", "is_ours", "reclaim_taint", "taint_patch", "taints", "undo_patch"]

_EFFECT = "NoSchedule"
_LONGEST_VALUE = 63
_MARK = "/metadata/annotations/" + RUN.replace("~", "~0").replace("/", "~1")


def reclaim_taint(run: str) -> Taint:
    """The taint of a spot interruption notice, with an event id that is this run's own.

    >>> reclaim_taint("r1")["value"][:15], len(reclaim_taint("r1")["value"])
    ('spot-itn-82f3e9', 63)
    """
    event = f"spot-itn-{hashlib.sha256(run.encode()).hexdigest()}"
    return {"key": RECLAIM_TAINT, "value": event[:_LONGEST_VALUE], "effect": _EFFECT}


def taints(node: Mapping[str, Any]) -> list[Json]:
    """The node's taints."""
    return list(node.get("spec", {}).get("taints") or [])


def is_cordoned(node: Mapping[str, Any]) -> bool:
    """Whether the node takes no new pods."""
    return node.get("spec", {}).get("unschedulable") is True


def _mark(node: Mapping[str, Any]) -> str | None:
    mark = (node.get("metadata", {}).get("annotations") or {}).get(RUN)
    return None if mark is None else str(mark)


def _position(node: Mapping[str, Any], taint: Taint) -> int | None:
    wanted = (taint["key"], taint["value"], taint["effect"])
    for position, found in enumerate(taints(node)):
        if (found.get("key"), found.get("value", ""), found.get("effect")) == wanted:
            return position
    return None


def is_ours(node: Mapping[str, Any], run: str, taint: Taint) -> bool:
    """Whether the node still carries anything of the run."""
    return _mark(node) == run or _position(node, taint) is not None


def _unchanged(node: Mapping[str, Any]) -> Json:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": node["metadata"]["resourceVersion"]}


def cordon_patch(node: Mapping[str, Any], run: str) -> list[Json]:
    """Cordon the node and mark it as cordoned by the run; nothing to do when it is cordoned already."""
    if is_cordoned(node):
        return []
    operations = [_unchanged(node)]
    if node["metadata"].get("annotations"):
        operations.append({"op": "add", "path": _MARK, "value": run})
    else:
        operations.append({"op": "add", "path": "/metadata/annotations", "value": {RUN: run}})
    operations.append({"op": "add", "path": "/spec/unschedulable", "value": True})
    return operations


def taint_patch(node: Mapping[str, Any], taint: Taint) -> list[Json]:
    """Append the taint; nothing to do when it is there already."""
    if _position(node, taint) is not None:
        return []
    if taints(node):
        return [_unchanged(node), {"op": "add", "path": "/spec/taints/-", "value": taint}]
    return [_unchanged(node), {"op": "add", "path": "/spec/taints", "value": [taint]}]


def undo_patch(node: Mapping[str, Any], run: str, taint: Taint, *, unschedulable_before: bool | None) -> list[Json]:
    """Take away what the run added to the node, and nothing else; empty when nothing is left of it.

    The cordon is ours only while the node bears our mark: somebody else's stays.

    Args:
        node: the node as it is now.
        run: the run.
        taint: the run's taint.
        unschedulable_before: the value of `spec.unschedulable` before the cordon, None where there was no such field.
    """
    operations: list[Json] = []
    position = _position(node, taint)
    if position is not None:
        alone = len(taints(node)) == 1
        operations.append({"op": "remove", "path": "/spec/taints" if alone else f"/spec/taints/{position}"})
    if _mark(node) == run:
        alone = len(node["metadata"]["annotations"]) == 1
        operations.append({"op": "remove", "path": "/metadata/annotations" if alone else _MARK})
        if is_cordoned(node) and unschedulable_before is None:
            operations.append({"op": "remove", "path": "/spec/unschedulable"})
        elif is_cordoned(node):
            operations.append({"op": "replace", "path": "/spec/unschedulable", "value": unschedulable_before})
    return [_unchanged(node), *operations] if operations else []
