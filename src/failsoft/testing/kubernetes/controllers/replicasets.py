"""The ReplicaSet controller: as many pods as wanted, made from the template, surplus ones deleted."""

from collections.abc import Iterable
from typing import Any

from failsoft.testing.kubernetes.answers import ApiError
from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.conditions import condition, is_ready
from failsoft.testing.kubernetes.controllers.events import controller_event
from failsoft.testing.kubernetes.controllers.owners import owned, owner_reference
from failsoft.testing.kubernetes.resources import POD, REPLICA_SET, Target

__all__ = ["reconcile_replica_sets"]

type Json = dict[str, Any]

_COST = "controller.kubernetes.io/pod-deletion-cost"


def reconcile_replica_sets(api: ApiServer) -> None:
    """Create and delete pods, and write the status, of every ReplicaSet."""
    for replica_set in list(api.store.list(REPLICA_SET)):
        if replica_set["metadata"].get("deletionTimestamp"):
            continue
        active = _active(owned(api.store, POD, replica_set))
        missing = replica_set["spec"]["replicas"] - len(active)
        for _ in range(missing):
            _create_pod(api, replica_set)
        for pod in sorted(active, key=_first_to_go)[: max(0, -missing)]:
            api.delete(Target(POD, pod["metadata"]["namespace"], pod["metadata"]["name"]), {})
            message = f"Deleted pod: {pod['metadata']['name']}"
            controller_event(api, replica_set, "replicaset-controller", "SuccessfulDelete", message)
        _write_status(api, replica_set)


def _active(pods: Iterable[Json]) -> list[Json]:
    finished = {"Succeeded", "Failed"}
    return [p for p in pods if not p["metadata"].get("deletionTimestamp") and p["status"].get("phase") not in finished]


def _create_pod(api: ApiServer, replica_set: Json) -> None:
    meta, template = replica_set["metadata"], replica_set["spec"]["template"]
    pod = {
        "metadata": (template.get("metadata") or {})
        | {"generateName": f"{meta['name']}-", "ownerReferences": [owner_reference(replica_set)]},
        "spec": template["spec"],
    }
    try:
        created = api.create(Target(POD, meta["namespace"]), pod)
    except ApiError:
        # The namespace is going away.
        return
    message = f"Created pod: {created['metadata']['name']}"
    controller_event(api, replica_set, "replicaset-controller", "SuccessfulCreate", message)


def _first_to_go(pod: Json) -> tuple[bool, int, bool, int, str]:
    """The order of `ActivePodsWithRanks`: unbound, pending, not ready, cheap, then the latest to become ready."""
    ready = condition(pod, "Ready")
    since = ready["lastTransitionTime"] if ready else pod["metadata"]["creationTimestamp"]
    return (
        bool(pod["spec"].get("nodeName")),
        ("Pending", "Unknown", "Running").index(pod["status"].get("phase", "Unknown")),
        is_ready(pod),
        int((pod["metadata"].get("annotations") or {}).get(_COST, "0")),
        # Newest first: the complement of each digit turns the order round.
        "".join(chr(0x10FFFF - ord(letter)) for letter in since),
    )


def _write_status(api: ApiServer, replica_set: Json) -> None:
    pods = list(owned(api.store, POD, replica_set))
    active = _active(pods)
    ready = sum(map(is_ready, active))
    counts = {"readyReplicas": ready, "availableReplicas": ready, "fullyLabeledReplicas": len(active)}
    status = {
        "replicas": len(active),
        "terminatingReplicas": len(pods) - len(active),
        "observedGeneration": replica_set["metadata"]["generation"],
        **{name: count for name, count in counts.items() if count},
    }
    meta = replica_set["metadata"]
    current = api.store.get(REPLICA_SET, meta["namespace"], meta["name"])
    if current is not None and current["status"] != status:
        api.store.put(REPLICA_SET, current | {"status": status})
