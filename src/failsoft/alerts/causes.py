"""Causes that make the alerts about their symptoms superfluous, as rules of inhibition."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from failsoft.alerts import codes
from failsoft.findings import Finding
from failsoft.slo.promql import quoted
from failsoft.workspace.answering import modes_of
from failsoft.workspace.decode import nearest
from failsoft.workspace.model import Workspace

__all__ = ["explained"]


def explained(workspace: Workspace) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Rules by which a cause silences its symptoms in the same model; a ticket never silences a page.

    A cause whose alerts name no model would silence nothing, and a failure mode that no alert has neither: both are
    told.
    """
    rules = []
    for explains in workspace.config.alertmanager.explains:
        cause = [f"failure_mode={quoted(explains.cause)}", 'model!=""']
        symptoms = f"failure_mode=~{quoted('|'.join(explains.symptoms))}"
        for source, targets in (("page", "page|ticket"), ("ticket", "ticket")):
            severity = f"severity={quoted(source)}"
            milder = f"severity=~{quoted(targets)}"
            rule = {"source_matchers": [*cause, severity], "target_matchers": [symptoms, milder], "equal": ["model"]}
            rules.append(rule)
    return rules, [*_idle(workspace), *_circles(workspace)]


def _circles(workspace: Workspace) -> Iterator[Finding]:
    """Causes that are symptoms of their own symptoms: Alertmanager lets what is silenced silence others."""
    explains = workspace.config.alertmanager.explains
    silenced: dict[str, set[str]] = {}
    for one in explains:
        silenced.setdefault(one.cause, set()).update(one.symptoms)
    for index, one in enumerate(explains):
        for at, symptom in enumerate(one.symptoms):
            if one.cause in _reached(silenced, symptom):
                message = f"{one.cause} silences {symptom}, which in turn silences {one.cause}: nobody hears either"
                place = workspace.config_at("spec", "alertmanager", "explains", index, "symptoms", at)
                yield Finding(codes.SILENT_CIRCLE, message, place, "a symptom that is no cause of its cause")


def _reached(silenced: Mapping[str, Iterable[str]], first: str) -> set[str]:
    found, waiting = {first}, [first]
    while waiting:
        new = set(silenced.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _idle(workspace: Workspace) -> Iterator[Finding]:
    of_slos = {mode for slo in workspace.slos.values() for mode in modes_of(slo)}
    rules = [rule.spec for rule in workspace.alert_rules.values()]
    of_models = of_slos | {rule.failure_mode for rule in rules if rule.about != "fleet"}
    known = of_models | {rule.failure_mode for rule in rules}
    for index, explains in enumerate(workspace.config.alertmanager.explains):
        path = ("spec", "alertmanager", "explains", index)
        named = [(explains.cause, ("cause",)), *((one, ("symptoms", at)) for at, one in enumerate(explains.symptoms))]
        for mode, where in named:
            place = workspace.config_at(*path, *where)
            if mode not in known:
                message = f"no alert stands for {mode}, so this silences nothing"
                yield Finding(
                    codes.IDLE_CAUSE, message, place, "the failure mode of an alert", nearest(mode, sorted(known))
                )
            elif mode not in of_models:
                message = f"the alerts of {mode} name no model, so this silences nothing"
                hint = "name what the cause does to a model, such as capacity-lost"
                yield Finding(codes.IDLE_CAUSE, message, place, "alerts that name a model", hint)
