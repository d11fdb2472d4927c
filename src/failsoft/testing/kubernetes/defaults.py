"""What the API server fills in: defaults of specs and first states, as `pkg/apis/*/v1/defaults.go` and admission do."""

from typing import Any

from failsoft.testing.kubernetes import clock
from failsoft.testing.kubernetes.resources import Resource

__all__ = ["fill_in", "first_state"]

type Json = dict[str, Any]

_PATIENCE_S = 300


def fill_in(resource: Resource, obj: Json) -> None:
    """Fill the defaults of a spec in, in place; the same on create and on update."""
    if resource.kind.name == "ConfigMap":
        _drop_empty(obj, "data", "binaryData")
    _drop_empty(obj["metadata"], "labels", "annotations", "finalizers", "ownerReferences")
    if default := _DEFAULTS.get(resource.kind.name):
        default(obj.setdefault("spec", {}))


def first_state(resource: Resource, obj: Json) -> None:
    """What a new object of this resource begins with, in place; a status that the caller sent is dropped."""
    match resource.kind.name:
        case "Pod":
            _admit_pod(obj)
            obj["status"] = {"phase": "Pending", "qosClass": _qos(obj["spec"])}
        case "Node":
            _admit_node(obj)
            for condition in obj.setdefault("status", {}).get("conditions") or ():
                condition.setdefault("lastHeartbeatTime", None)
                condition.setdefault("lastTransitionTime", None)
        case "Namespace":
            meta = obj["metadata"]
            meta["labels"] = {"kubernetes.io/metadata.name": meta["name"]} | (meta.get("labels") or {})
            obj["spec"] = {"finalizers": ["kubernetes"]}
            obj["status"] = {"phase": "Active"}
        case "ReplicaSet":
            obj["status"] = {"replicas": 0}
        case "PodDisruptionBudget":
            obj["status"] = {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0}
        case "CustomResourceDefinition":
            obj["status"] = _accepted(obj)
        case _ if resource.status and resource.custom:
            obj.pop("status", None)
        case _ if resource.status:
            obj["status"] = {}
        case _:
            pass


def _admit_pod(obj: Json) -> None:
    """What the admission plugins Priority and DefaultTolerationSeconds add to pods, but not to templates."""
    spec = obj["spec"]
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec.setdefault("enableServiceLinks", True)
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(t.get("key") in {None, "", key} and t.get("effect") in {None, "", "NoExecute"} for t in tolerations):
            patience = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _PATIENCE_S}
            tolerations.append(patience)


def _admit_node(obj: Json) -> None:
    """What TaintNodesByCondition adds: a new node takes no pods until its Ready condition was seen."""
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    spec = obj.setdefault("spec", {})
    if taint["key"] not in {existing["key"] for existing in spec.get("taints") or ()}:
        spec["taints"] = [*(spec.get("taints") or ()), taint]


def _accepted(obj: Json) -> Json:
    names, now = obj["spec"]["names"], clock.stamp(clock.now())
    kinds = {"listKind": f"{names['kind']}List", "singular": names["kind"].lower()}
    said = (
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    )
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}
        for kind, reason, message in said
    ]
    stored = [version["name"] for version in obj["spec"]["versions"] if version.get("storage")]
    return {"conditions": conditions, "acceptedNames": kinds | names, "storedVersions": stored}


def _qos(spec: Json) -> str:
    resources = [container.get("resources") or {} for container in spec.get("containers") or ()]
    asked = [
        value
        for resource in resources
        for amounts in resource.values()
        for name, value in amounts.items()
        if name in {"cpu", "memory"}
    ]
    if not asked:
        return "BestEffort"
    full = all(
        {"cpu", "memory"} <= set(r.get("limits") or ())
        and all((r.get("requests") or r["limits"]).get(n) == r["limits"][n] for n in ("cpu", "memory"))
        for r in resources
    )
    return "Guaranteed" if full else "Burstable"


def _default_pod_spec(spec: Json) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    for container in spec.get("containers") or ():
        image = container.get("image", "")
        latest = ":" not in image.rsplit("/", 1)[-1] or image.endswith(":latest")
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("resources", {})
        for port in container.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _default_pod(spec: Json) -> None:
    """A pod's requests default to its limits; a template's are left open."""
    _default_pod_spec(spec)
    for container in spec.get("containers") or ():
        if limits := container["resources"].get("limits"):
            container["resources"]["requests"] = limits | (container["resources"].get("requests") or {})


def _default_template(spec: Json) -> None:
    spec.setdefault("replicas", 1)
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _default_pod_spec(template.setdefault("spec", {}))


def _default_deployment(spec: Json) -> None:
    _default_template(spec)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")


def _default_node(spec: Json) -> None:
    _drop_empty(spec, "taints", "unschedulable")


def _drop_empty(part: Json, *fields: str) -> None:
    """Zero values that the API's own types leave out when written (`omitempty`)."""
    for field in fields:
        if field in part and not part[field]:
            del part[field]


_DEFAULTS = {
    "Node": _default_node,
    "Pod": _default_pod,
    "Deployment": _default_deployment,
    "ReplicaSet": _default_template,
}
