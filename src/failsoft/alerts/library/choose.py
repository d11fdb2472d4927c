"""Which AlertRules of a workspace are compiled, under which alertname, and who hears them."""

from typing import NamedTuple

from failsoft.alerts.library import codes
from failsoft.findings import Finding
from failsoft.workspace.kinds import AlertRuleSpec
from failsoft.workspace.model import Document, Workspace

__all__ = ["Chosen", "alert_name", "chosen", "owners"]

_RESERVED = "Failsoft"


class Chosen(NamedTuple):
    """An alert that is compiled."""

    name: str
    document: Document[AlertRuleSpec]
    owner: str


def alert_name(rule: str) -> str:
    """The alertname of an AlertRule.

    >>> alert_name("gpu-fell-off-bus")
    'GpuFellOffBus'
    """
    return "".join(part[:1].upper() + part[1:] for part in rule.split("-"))


def chosen(workspace: Workspace) -> tuple[tuple[Chosen, ...], tuple[Finding, ...]]:
    """The alerts that are compiled, in the order of their names, and what is wrong with the others.

    A shipped AlertRule without an owner is left out in silence: who names no owner of the fleet wants none of them.
    """
    config = workspace.config.alerts
    taken: dict[str, Document[AlertRuleSpec]] = {}
    found: list[Chosen] = []
    findings: list[Finding] = []
    for document in workspace.alert_rules.values():
        if not document.spec.enabled or document.name in config.off:
            continue
        owner = document.spec.owner or config.owner
        name = alert_name(document.name)
        if owner is None:
            findings += [] if document.shipped else [_nobody(document)]
        elif name.startswith(_RESERVED) or not name[0].isalpha() or name in taken:
            findings.append(_taken(document, name, taken.get(name)))
        elif owner in workspace.teams:
            found.append(Chosen(name, taken.setdefault(name, document), owner))
    return tuple(found), tuple(findings)


def owners(workspace: Workspace) -> frozenset[str]:
    """The teams that may hear alerts that are no SLO's: their owners, and those of the Models behind them."""
    heard = chosen(workspace)[0]
    found = {one.owner for one in heard}
    if any(one.document.spec.about != "fleet" for one in heard):
        found |= {model.spec.owner for model in workspace.models.values()}
    return frozenset(found)


def _nobody(document: Document[AlertRuleSpec]) -> Finding:
    message = f"nobody hears the alert {document.name}, so it is not compiled"
    hint = "add owner: to it, or spec.alerts.owner to the document of kind Workspace"
    return Finding(codes.NO_OWNER, message, document.at("metadata", "name"), "the name of a document Team", hint)


def _taken(document: Document[AlertRuleSpec], name: str, other: Document[AlertRuleSpec] | None) -> Finding:
    message = f"{document.name} makes the alertname {name}"
    place = document.at("metadata", "name")
    if other is None:
        expected = "a name that begins with a letter, and not with failsoft-, which is ours"
        return Finding(codes.NAME_TAKEN, message, place, expected)
    hint = f"{other.name} at {other.at('metadata', 'name')} makes the same"
    return Finding(codes.NAME_TAKEN, message, place, "a name that makes an alertname of its own", hint)
