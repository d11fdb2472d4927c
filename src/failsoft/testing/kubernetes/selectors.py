"""Label and field selectors, as strings in queries and as objects in specs."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from failsoft.testing.kubernetes.answers import bad_request

__all__ = ["field_selector", "label_selector", "matches_expressions", "selects"]

type Json = dict[str, Any]
type Labels = Mapping[str, str]

_REQUIREMENT = re.compile(
    r"""\s*(?:
        (?P<absent>!\s*)?(?P<only>[\w./-]+)\s*$
      | (?P<key>[\w./-]+)\s*(?P<op>==|=|!=)\s*(?P<value>[\w.-]*)\s*$
      | (?P<set_key>[\w./-]+)\s+(?P<set_op>in|notin)\s+\((?P<values>[^()]*)\)\s*$
    )""",
    re.VERBOSE,
)
_FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset({"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "status.phase", "status.podIP"}),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "events": frozenset(
        {f"involvedObject.{field}" for field in ("kind", "namespace", "name", "uid", "apiVersion")}
        | {"reason", "reportingComponent", "source", "type"}
    ),
}


def label_selector(text: str) -> Callable[[Json], bool]:
    """A predicate on objects; raises the API's 400 on a selector that it cannot read."""
    tests = [_requirement(part) for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    return lambda obj: all(test(obj.get("metadata", {}).get("labels") or {}) for test in tests)


def _requirement(part: str) -> Callable[[Labels], bool]:
    found = _REQUIREMENT.match(part)
    if found is None:
        raise bad_request(f"unable to parse requirement: found '{part.strip()}'")
    if only := found["only"]:
        return (lambda labels: only not in labels) if found["absent"] else (lambda labels: only in labels)
    if key := found["key"]:
        equal, value = found["op"] != "!=", found["value"]
        return lambda labels: (labels.get(key) == value) is equal
    set_key, inside = found["set_key"], found["set_op"] == "in"
    values = {value.strip() for value in found["values"].split(",")}
    return lambda labels: (labels.get(set_key) in values) is inside


def field_selector(text: str, plural: str) -> Callable[[Json], bool]:
    """A predicate on objects of a resource; raises the API's 400 on fields that it does not index."""
    tests: list[tuple[str, str, bool]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = re.fullmatch(r"([\w.]+)\s*(==|=|!=)\s*(.*)", part)
        if found is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        path, equal, value = found[1], found[2] != "!=", found[3]
        if path not in _FIELDS.get(plural, frozenset()) | {"metadata.name", "metadata.namespace"}:
            raise bad_request(f"field label not supported: {path}")
        tests.append((path, value, equal))
    return lambda obj: all((_field(obj, path) == value) is equal for path, value, equal in tests)


def _field(obj: Json, path: str) -> str:
    value: Any = obj
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if path == "source" and isinstance(value, dict):
        value = value.get("component") or obj.get("reportingComponent")
    if path == "spec.unschedulable":
        value = value is True
    return str(value).lower() if isinstance(value, bool) else str(value or "")


def selects(selector: Json | None, labels: Labels) -> bool:
    """Whether a `LabelSelector` object selects these labels; none selects nothing, an empty one everything."""
    if selector is None:
        return False
    exact = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exact and matches_expressions(selector.get("matchExpressions") or (), labels)


def matches_expressions(expressions: Any, labels: Labels) -> bool:
    """Whether labels satisfy `matchExpressions`, of a label selector or of node affinity."""
    return all(_expression(labels, str(e["key"]), str(e["operator"]), e.get("values") or []) for e in expressions)


def _expression(labels: Labels, key: str, operator: str, values: list[str]) -> bool:
    value = labels.get(key)
    holds = {
        "In": lambda: value in values,
        "NotIn": lambda: value not in values,
        "Exists": lambda: value is not None,
        "DoesNotExist": lambda: value is None,
        "Gt": lambda: value is not None and int(value) > int(values[0]),
        "Lt": lambda: value is not None and int(value) < int(values[0]),
    }
    return operator in holds and holds[operator]()
