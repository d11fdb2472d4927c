"""Two Alertmanager configurations as one: ours becomes a branch of theirs, and nothing of theirs changes."""

import re
from collections.abc import Iterable, Iterator

import yaml

from failsoft.alerts import codes
from failsoft.alerts.routing.read import read_configuration, single_node
from failsoft.findings import Finding
from failsoft.slo.promql import quoted
from failsoft.workspace.tree import SourceFile, SourceOrigin

__all__ = ["merged"]

_NAMED = ("receivers", "time_intervals")
_LISTS = ("receivers", "time_intervals", "inhibit_rules")


def merged(base: SourceFile, ours: str, alerts: Iterable[str], *, comment: str) -> tuple[str, tuple[Finding, ...]]:
    """The text of `base` with everything of `ours` in it, or an empty text and what stands in the way.

    Our root route becomes the first branch of theirs, for our alerts alone, so that none of their routes can take one
    of ours away, nor the other way round. Receivers, time intervals and inhibition rules of ours are added after
    theirs. Every scalar of theirs is written as it was; comments are lost.

    Args:
        base: the other configuration.
        ours: a whole configuration.
        alerts: the names of our alerts.
        comment: the first line, a comment.
    """
    node, findings = single_node(base)
    if node is None:
        return "", findings
    configuration, findings = read_configuration(base)
    if configuration is None:
        return "", findings
    theirs, mine = _composed(base.text), _composed(ours)
    collisions = tuple(_collisions(theirs, mine, SourceOrigin(base, node)))
    if collisions:
        return "", collisions
    branch = _value(mine, "route")
    _entries(_value(theirs, "route"), "routes")[:0] = [_branch(branch, sorted(set(alerts)))]
    for key in _LISTS:
        added = _value(mine, key)
        if added.value:
            _entries(theirs, key)[len(_entries(theirs, key)) :] = added.value
    text = yaml.serialize(theirs, Dumper=yaml.CSafeDumper, width=10_000, allow_unicode=True)
    return f"{comment}\n{text}", ()


def _composed(text: str) -> yaml.MappingNode:
    # nodes, not values: a scalar goes out as it came in, and Alertmanager reads what it read before
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise TypeError("an Alertmanager configuration is one mapping")
    return node


def _value(node: yaml.MappingNode, key: str) -> yaml.CollectionNode:
    for name, value in node.value:
        if name.value == key and isinstance(value, yaml.CollectionNode):
            return value
    return yaml.SequenceNode("tag:yaml.org,2002:seq", [], flow_style=False)


def _entries(node: yaml.Node, key: str) -> list[yaml.Node]:
    """The list under a key, made where there is none yet."""
    for index, (name, value) in enumerate(node.value):
        if name.value == key:
            if isinstance(value, yaml.SequenceNode):
                entries: list[yaml.Node] = value.value
                return entries
            del node.value[index]  # written as `key:` and nothing
            break
    made: list[yaml.Node] = []
    node.value.append((_scalar(key), yaml.SequenceNode("tag:yaml.org,2002:seq", made, flow_style=False)))
    return made


def _scalar(text: str, style: str | None = None) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


def _branch(route: yaml.CollectionNode, alerts: list[str]) -> yaml.MappingNode:
    names = "|".join(re.sub(r"[^a-zA-Z0-9_]", lambda match: f"\\{match[0]}", name) for name in alerts)
    matchers = yaml.SequenceNode(
        "tag:yaml.org,2002:seq", [_scalar(f"alertname=~{quoted(names)}", style="'")], flow_style=True
    )
    first, *rest = route.value
    return yaml.MappingNode("tag:yaml.org,2002:map", [first, (_scalar("matchers"), matchers), *rest], flow_style=False)


def _collisions(theirs: yaml.MappingNode, ours: yaml.MappingNode, origin: SourceOrigin) -> Iterator[Finding]:
    for key in _NAMED:
        mine = set(_names(_value(ours, key)))
        for index, name in enumerate(_names(_value(theirs, key))):
            if name in mine:
                what = key.removesuffix("s").replace("_", " ")
                message = f"there is a {what} {name!r} here already, and failsoft makes one of that name"
                hint = (
                    "rename it here; or, if this file is one that failsoft wrote, name the one that it was merged into"
                )
                place = origin.place(key, index, "name")
                yield Finding(codes.ROUTE_COLLISION, message, place, "names of their own", hint)


def _names(entries: yaml.CollectionNode) -> list[str]:
    return [
        next((value.value for key, value in entry.value if key.value == "name"), "")
        for entry in entries.value
        if isinstance(entry, yaml.MappingNode)
    ]
