"""The subresources scale and eviction, as `pkg/registry/{apps/deployment,core/pod}/storage` do them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from failsoft.testing.kubernetes import clock
from failsoft.testing.kubernetes.answers import (
    ApiError,
    bad_request,
    conflict,
    invalid,
    server_error,
    success,
    too_many_requests,
)
from failsoft.testing.kubernetes.apiserver import ApiServer, apply_json_patch
from failsoft.testing.kubernetes.conditions import is_ready, with_condition
from failsoft.testing.kubernetes.resources import PDB, POD, Target
from failsoft.testing.kubernetes.selectors import selects

__all__ = ["evict", "get_scale", "patch_scale", "put_scale"]

type Json = dict[str, Any]

_VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
_TWO_BUDGETS = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_FINISHED = frozenset({"Succeeded", "Failed", "Pending"})


def get_scale(obj: Json) -> Json:
    """The Scale of a Deployment or ReplicaSet."""
    meta = obj["metadata"]
    labels = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    replicas = obj["spec"]["replicas"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")},
        # The API server leaves out a zero.
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def put_scale(api: ApiServer, target: Target, scale: Json, *, dry_run: bool = False) -> Json:
    """PUT of a Scale; its resourceVersion, when given, must be the object's."""
    meta, name, kind = scale.get("metadata") or {}, target.name, target.resource.kind
    whole = replace(target, subresource="")
    obj = api.get(whole)
    if meta.get("name", name) != name:
        raise bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
    version = meta.get("resourceVersion")
    if version and version != obj["metadata"]["resourceVersion"]:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise conflict(kind.group, kind.plural, name, why)
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        problem = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid("autoscaling", "Scale", name, "spec.replicas", problem)
    scaled = obj | {"spec": obj["spec"] | {"replicas": replicas}}
    return get_scale(api.update(whole, scaled, dry_run=dry_run))


def patch_scale(api: ApiServer, target: Target, operations: Sequence[Json], *, dry_run: bool = False) -> Json:
    """JSON patch of a Scale."""
    scale = apply_json_patch(get_scale(api.get(target)), operations)
    return put_scale(api, target, scale, dry_run=dry_run)


def evict(api: ApiServer, target: Target, eviction: Json, *, dry_run: bool) -> Json:
    """POST of an Eviction: delete the pod unless its PodDisruptionBudget forbids it."""
    options = eviction.get("deleteOptions") or {}
    dry_run = dry_run or bool(options.get("dryRun"))
    pod = api.get(target)
    if eviction.get("metadata", {}).get("name", target.name) != target.name:
        raise bad_request("name in URL does not match name in Eviction object")
    meta = pod["metadata"]
    if not meta.get("deletionTimestamp") and pod["status"].get("phase") not in _FINISHED:
        labels = meta.get("labels") or {}
        budgets = [pdb for pdb in api.store.list(PDB, target.namespace) if selects(pdb["spec"].get("selector"), labels)]
        if len(budgets) > 1:
            raise server_error(_TWO_BUDGETS)
        if budgets:
            _spend(api, budgets[0], pod, dry_run=dry_run)
    if not dry_run:
        condition = {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
        status = with_condition(pod["status"], "DisruptionTarget", "True", condition)
        api.store.put(POD, api.get(target) | {"status": status})
    api.delete(target, options, dry_run=dry_run)
    return success(code=201)


def _spend(api: ApiServer, budget: Json, pod: Json, *, dry_run: bool) -> None:
    """Take one disruption from the budget, or raise the API's 429."""
    name, status = budget["metadata"]["name"], budget["status"]
    if not is_ready(pod):
        always = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if always or status["currentHealthy"] >= status["desiredHealthy"] > 0:
            return
    if status.get("observedGeneration", 0) < budget["metadata"]["generation"]:
        cause = f"The disruption budget {name} is still being processed by the server."
        raise too_many_requests(_VIOLATES, retry_after=10, cause=cause)
    if status["disruptionsAllowed"] == 0:
        raise _exhausted(name, status)
    if dry_run:
        return
    left = status["disruptionsAllowed"] - 1
    disrupted = {**(status.get("disruptedPods") or {}), pod["metadata"]["name"]: clock.stamp(clock.now())}
    spent: Json = {**status, "disruptionsAllowed": left, "disruptedPods": disrupted}
    if left == 0:
        spent = with_condition(spent, "DisruptionAllowed", "False", {"reason": "InsufficientPods", "message": ""})
    api.store.put(PDB, budget | {"status": spent})


def _exhausted(name: str, status: Mapping[str, Any]) -> ApiError:
    if status["currentHealthy"] <= status["desiredHealthy"]:
        needs, has = status["desiredHealthy"], status["currentHealthy"]
        cause = f"The disruption budget {name} needs {needs} healthy pods and has {has} currently"
    else:
        cause = f"The disruption budget {name} does not allow evicting pods currently"
    return too_many_requests(_VIOLATES, cause=cause)
