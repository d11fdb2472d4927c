"""Causes that make the alerts about their symptoms superfluous, as rules of inhibition."""

from collections.abc import Iterator
from typing import Any

from failsoft.alerts import codes
from failsoft.findings import Finding
from failsoft.slo.promql import quoted
from failsoft.workspace.decode import nearest
from failsoft.workspace.model import Workspace
from failsoft.workspace.references import modes_of

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
    return rules, list(_idle(workspace))


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
