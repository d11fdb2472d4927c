"""The Deployment controller: one ReplicaSet per template, rolled over within surge and unavailability."""

import hashlib
import json
from typing import Any

from failsoft.testing.kubernetes.answers import ApiError
from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.conditions import with_condition
from failsoft.testing.kubernetes.controllers.amounts import scaled
from failsoft.testing.kubernetes.controllers.events import controller_event
from failsoft.testing.kubernetes.controllers.owners import owned, owner_reference
from failsoft.testing.kubernetes.resources import DEPLOYMENT, REPLICA_SET, Target

__all__ = ["reconcile_deployments"]

type Json = dict[str, Any]

_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def reconcile_deployments(api: ApiServer) -> None:
    """Create and scale the ReplicaSets, and write the status, of every Deployment."""
    for deployment in list(api.store.list(DEPLOYMENT)):
        if deployment["metadata"].get("deletionTimestamp"):
            continue
        sets = list(owned(api.store, REPLICA_SET, deployment))
        digest = _digest(deployment["spec"]["template"])
        current = next((s for s in sets if s["metadata"]["labels"].get(_HASH) == digest), None)
        others = [s for s in sets if s is not current]
        if current is None:
            current = _create_set(api, deployment, digest, others)
        if current is None:
            continue
        if not deployment["spec"].get("paused"):
            _roll(api, deployment, current, others)
        _write_status(api, deployment, current["metadata"]["uid"])


def _digest(template: Json) -> str:
    raw = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in raw[:10])


def _create_set(api: ApiServer, deployment: Json, digest: str, others: list[Json]) -> Json | None:
    meta, spec = deployment["metadata"], deployment["spec"]
    number = 1 + max((int(s["metadata"].get("annotations", {}).get(_REVISION, "0")) for s in others), default=0)
    mark = {_HASH: digest}
    template_meta = spec["template"].get("metadata") or {}
    labels = (template_meta.get("labels") or {}) | mark
    size = _new_size(deployment, 0, others)
    body = {
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "labels": labels,
            "annotations": {_REVISION: str(number)},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": size,
            "selector": spec["selector"] | {"matchLabels": (spec["selector"].get("matchLabels") or {}) | mark},
            "template": spec["template"] | {"metadata": template_meta | {"labels": labels}},
        },
    }
    annotated = meta | {"annotations": (meta.get("annotations") or {}) | {_REVISION: str(number)}}
    try:
        created = api.create(Target(REPLICA_SET, meta["namespace"]), body)
    except ApiError:
        # The namespace is going away.
        return None
    api.store.put(DEPLOYMENT, deployment | {"metadata": annotated})
    if size:
        _tell_scaling(api, deployment, created, 0, size)
    return created


def _new_size(deployment: Json, size: int, others: list[Json]) -> int:
    """How many replicas the current set may have now, of `size` that it has."""
    wanted, strategy = deployment["spec"]["replicas"], deployment["spec"]["strategy"]
    standing = sum(max(s["spec"]["replicas"], s["status"].get("replicas", 0)) for s in others)
    if not standing:
        return int(wanted)
    if strategy["type"] == "Recreate":
        return size
    surge = scaled(strategy["rollingUpdate"]["maxSurge"], wanted, up=True)
    total = size + sum(s["spec"]["replicas"] for s in others)
    return int(min(wanted, size + max(0, wanted + surge - total)))


def _roll(api: ApiServer, deployment: Json, current: Json, others: list[Json]) -> None:
    """Scale the current set up and the others down, as far as the strategy allows now."""
    _scale(api, deployment, current, _new_size(deployment, current["spec"]["replicas"], others))
    standing = sum(s["spec"]["replicas"] for s in others)
    surplus = min(standing, _surplus(deployment, current["status"].get("readyReplicas", 0), standing))
    # Replicas that do not serve go first.
    for replica_set in sorted(others, key=lambda s: bool(s["status"].get("readyReplicas"))):
        gone = min(surplus, replica_set["spec"]["replicas"])
        surplus -= gone
        _scale(api, deployment, replica_set, replica_set["spec"]["replicas"] - gone)


def _surplus(deployment: Json, ready: int, standing: int) -> int:
    """How many of `standing` old replicas may go, when so many new ones are ready.

    It counts on wanted numbers, not on counted ones, which lag (`reconcileOldReplicaSets` in the real controller).
    """
    wanted, strategy = deployment["spec"]["replicas"], deployment["spec"]["strategy"]
    if strategy["type"] == "Recreate":
        return standing
    rolling = strategy["rollingUpdate"]
    surge = scaled(rolling["maxSurge"], wanted, up=True)
    unavailable = scaled(rolling["maxUnavailable"], wanted, up=False) or (0 if surge else 1)
    return max(0, standing + ready - int(wanted - unavailable))


def _scale(api: ApiServer, deployment: Json, replica_set: Json, replicas: int) -> None:
    meta, before = replica_set["metadata"], replica_set["spec"]["replicas"]
    if before == replicas:
        return
    target = Target(REPLICA_SET, meta["namespace"], meta["name"])
    current = api.get(target)
    scaled_set = current | {"spec": current["spec"] | {"replicas": replicas}}
    api.update(target, scaled_set)
    _tell_scaling(api, deployment, replica_set, before, replicas)


def _tell_scaling(api: ApiServer, deployment: Json, replica_set: Json, before: int, after: int) -> None:
    word = "up" if after > before else "down"
    message = f"Scaled {word} replica set {replica_set['metadata']['name']} from {before} to {after}"
    controller_event(api, deployment, "deployment-controller", "ScalingReplicaSet", message)


def _write_status(api: ApiServer, deployment: Json, current_uid: str) -> None:
    meta = deployment["metadata"]
    latest = api.get(Target(DEPLOYMENT, meta["namespace"], meta["name"]))
    sets = list(owned(api.store, REPLICA_SET, deployment))
    current = next(s for s in sets if s["metadata"]["uid"] == current_uid)
    wanted, strategy = latest["spec"]["replicas"], latest["spec"]["strategy"].get("rollingUpdate") or {}
    ready = sum(s["status"].get("readyReplicas", 0) for s in sets)
    counts = {
        "replicas": sum(s["status"].get("replicas", 0) for s in sets),
        "updatedReplicas": current["status"].get("replicas", 0),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, wanted - ready),
    }
    terminating = sum(s["status"].get("terminatingReplicas", 0) for s in sets)
    status: Json = {"observedGeneration": latest["metadata"]["generation"], "terminatingReplicas": terminating}
    status |= {name: count for name, count in counts.items() if count}
    if conditions := latest["status"].get("conditions"):
        status["conditions"] = conditions
    enough = ready >= wanted - scaled(strategy.get("maxUnavailable", 0), wanted, up=False)
    word = "has" if enough else "does not have"
    available = {"message": f"Deployment {word} minimum availability."}
    available["reason"] = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    status = with_condition(status, "Available", "True" if enough else "False", available)
    done = counts["updatedReplicas"] == ready == wanted
    progress = "has successfully progressed" if done else "is progressing"
    details = {"reason": "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"}
    details["message"] = f'ReplicaSet "{current["metadata"]["name"]}" {progress}.'
    status = with_condition(status, "Progressing", "True", details)
    if status != latest["status"]:
        api.store.put(DEPLOYMENT, latest | {"status": status})
