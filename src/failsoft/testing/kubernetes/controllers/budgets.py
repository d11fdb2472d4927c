"""The PodDisruptionBudget controller, after `pkg/controller/disruption`."""

from datetime import timedelta
from typing import Any

from failsoft.testing.kubernetes import clock
from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.conditions import is_ready, with_condition
from failsoft.testing.kubernetes.controllers.amounts import scaled
from failsoft.testing.kubernetes.controllers.owners import controller_of
from failsoft.testing.kubernetes.resources import DEPLOYMENT, PDB, POD, REPLICA_SET
from failsoft.testing.kubernetes.selectors import selects

__all__ = ["reconcile_budgets"]

type Json = dict[str, Any]

_DELETION_TIMEOUT = timedelta(minutes=2)


def reconcile_budgets(api: ApiServer) -> None:
    """Write the status of every budget."""
    for budget in list(api.store.list(PDB)):
        status = _status(api, budget)
        if status != budget["status"]:
            api.store.put(PDB, budget | {"status": status})


def _status(api: ApiServer, budget: Json) -> Json:
    spec, meta, old = budget["spec"], budget["metadata"], budget["status"]
    pods = [
        pod
        for pod in api.store.list(POD, meta["namespace"])
        if selects(spec.get("selector"), pod["metadata"].get("labels") or {})
        and pod["status"].get("phase") not in {"Succeeded", "Failed"}
    ]
    disrupted = _still_disrupted(old.get("disruptedPods") or {}, pods)
    healthy = sum(
        is_ready(pod) and not pod["metadata"].get("deletionTimestamp") and pod["metadata"]["name"] not in disrupted
        for pod in pods
    )
    expected, desired = _expectation(api, spec, pods)
    allowed = max(0, healthy - desired) if expected else 0
    status = {
        "observedGeneration": meta["generation"],
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": old.get("conditions") or [],
    } | ({"disruptedPods": disrupted} if disrupted else {})
    reason = "SufficientPods" if allowed else "InsufficientPods"
    details = {"reason": reason, "message": "", "observedGeneration": meta["generation"]}
    return with_condition(status, "DisruptionAllowed", "True" if allowed else "False", details)


def _still_disrupted(disrupted: dict[str, str], pods: list[Json]) -> dict[str, str]:
    waiting = {pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}
    oldest = clock.now() - _DELETION_TIMEOUT
    return {name: at for name, at in disrupted.items() if name in waiting and clock.parse_stamp(at) > oldest}


def _expectation(api: ApiServer, spec: Json, pods: list[Json]) -> tuple[int, int]:
    """Expected and desired healthy pods."""
    least = spec.get("minAvailable")
    if isinstance(least, int):
        return len(pods), least
    expected = _expected_scale(api, pods)
    if least is not None:
        return expected, scaled(least, expected, up=True)
    return expected, max(0, expected - scaled(spec.get("maxUnavailable", 0), expected, up=True))


def _expected_scale(api: ApiServer, pods: list[Json]) -> int:
    """The wanted replicas of all controllers of these pods."""
    scales: dict[str, int] = {}
    for pod in pods:
        reference, namespace = controller_of(pod), pod["metadata"]["namespace"]
        found = reference and api.store.get(REPLICA_SET, namespace, reference["name"])
        if not found:
            continue
        above = controller_of(found)
        found = (above and api.store.get(DEPLOYMENT, namespace, above["name"])) or found
        scales[found["metadata"]["uid"]] = found["spec"]["replicas"]
    return sum(scales.values())
