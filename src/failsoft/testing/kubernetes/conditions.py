"""Reading and writing `status.conditions`."""

from typing import Any

from failsoft.testing.kubernetes import clock

__all__ = ["condition", "is_ready", "with_condition"]

type Json = dict[str, Any]


def condition(obj: Json, kind: str) -> Json | None:
    """The object's condition of a type, or None."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found["type"] == kind), None)


def is_ready(obj: Json) -> bool:
    """Whether a pod or node is Ready."""
    found = condition(obj, "Ready")
    return found is not None and found["status"] == "True"


def with_condition(status: Json, kind: str, value: str, details: Json) -> Json:
    """A status with one condition set; its transition time moves only when its value changes."""
    conditions = status.get("conditions") or []
    old = next((found for found in conditions if found["type"] == kind), None)
    since = old["lastTransitionTime"] if old and old["status"] == value else clock.stamp(clock.now())
    new = {"type": kind, "status": value, "lastTransitionTime": since} | details
    if old == new:
        return status
    replaced = [new if found is old else found for found in conditions] if old else [*conditions, new]
    return status | {"conditions": replaced}
