"""The validation that failsoft's callers can run into; the messages are the API server's (`pkg/apis/*/validation`)."""

import copy
import json
import re
from typing import Any

from failsoft.testing.kubernetes.answers import invalid
from failsoft.testing.kubernetes.resources import Resource
from failsoft.testing.kubernetes.selectors import selects

__all__ = ["validate", "validate_name", "validate_update"]

type Json = dict[str, Any]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME = 253
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_POD_UPDATES = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_name(resource: Resource, name: str) -> None:
    """Raise the API's 422 on a name that no object may have."""
    kind = resource.kind
    if not name:
        raise invalid(kind.group, kind.name, "", "metadata.name", "Required value: name or generateName is required")
    if len(name) > _LONGEST_NAME or not _SUBDOMAIN.fullmatch(name):
        raise invalid(
            kind.group,
            kind.name,
            name,
            "metadata.name",
            f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
            "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "
            f"regex used for validation is '{_SUBDOMAIN.pattern}')",
        )


def validate(resource: Resource, obj: Json) -> None:
    """Raise the API's 422 on an object that no cluster would take."""
    spec = obj.get("spec") or {}
    match resource.kind.name:
        case "Deployment" | "ReplicaSet":
            _validate_replicated(resource, obj, spec)
        case "Pod":
            _validate_pod_spec(resource, obj, spec, "spec")
        case "Node":
            _validate_taints(resource, obj, spec.get("taints") or [])
        case "PodDisruptionBudget" if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            both = "Invalid value: minAvailable and maxUnavailable cannot be both set"
            raise _refused(resource, obj, "spec", both)
        case _:
            pass


def validate_update(resource: Resource, new: Json, old: Json) -> None:
    """Raise the API's 422 on a change that this resource does not allow."""
    match resource.kind.name:
        case "Deployment" | "ReplicaSet" if new["spec"].get("selector") != old["spec"].get("selector"):
            shown = json.dumps(new["spec"].get("selector"), separators=(",", ":"))
            raise _refused(resource, new, "spec.selector", f"Invalid value: {shown}: field is immutable")
        case "Pod" if _fixed_part(new["spec"], old["spec"]) != old["spec"]:
            raise _refused(resource, new, "spec", _POD_UPDATES)
        case _:
            pass


def _fixed_part(new: Json, old: Json) -> Json:
    """The new spec with everything that may change set back to the old."""
    fixed = copy.deepcopy(new)
    fixed.pop("activeDeadlineSeconds", None)
    if "activeDeadlineSeconds" in old:
        fixed["activeDeadlineSeconds"] = old["activeDeadlineSeconds"]
    before, after = old.get("tolerations") or [], new.get("tolerations") or []
    if all(toleration in after for toleration in before):
        fixed["tolerations"] = before
    for container, was in zip(fixed.get("containers") or (), old.get("containers") or (), strict=False):
        container["image"] = was.get("image")
    return fixed


def _validate_replicated(resource: Resource, obj: Json, spec: Json) -> None:
    if (replicas := spec.get("replicas", 0)) < 0:
        problem = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise _refused(resource, obj, "spec.replicas", problem)
    if not (selector := spec.get("selector")):
        raise _refused(resource, obj, "spec.selector", "Required value")
    labels = spec["template"]["metadata"].get("labels") or {}
    if not selects(selector, labels):
        shown = json.dumps(labels, separators=(",", ":"))
        problem = f"Invalid value: {shown}: `selector` does not match template `labels`"
        raise _refused(resource, obj, "spec.template.metadata.labels", problem)
    _validate_pod_spec(resource, obj, spec["template"]["spec"], "spec.template.spec")


def _validate_pod_spec(resource: Resource, obj: Json, spec: Json, path: str) -> None:
    if not spec.get("containers"):
        raise _refused(resource, obj, f"{path}.containers", "Required value")


def _validate_taints(resource: Resource, obj: Json, taints: list[Json]) -> None:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        effect = taint.get("effect", "")
        if effect not in _EFFECTS:
            problem = f'Unsupported value: "{effect}": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'
            raise _refused(resource, obj, f"metadata.taints[{index}].effect", problem)
        if (taint["key"], effect) in seen:
            shown = {"Key": taint["key"], "Value": taint.get("value", ""), "Effect": effect}
            value = json.dumps(shown | {"TimeAdded": taint.get("timeAdded")}, separators=(",", ":"))
            problem = f"Duplicate value: {value}: taints must be unique by key and effect pair"
            raise _refused(resource, obj, f"metadata.taints[{index}]", problem)
        seen.add((taint["key"], effect))


def _refused(resource: Resource, obj: Json, field: str, problem: str) -> Exception:
    name = obj["metadata"].get("name") or obj["metadata"].get("generateName", "")
    return invalid(resource.kind.group, resource.kind.name, name, field, problem)
