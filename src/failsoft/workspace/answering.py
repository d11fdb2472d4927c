"""Which alerts a runbook answers: the failure modes that the alerts of SLOs and of the library carry."""

from typing import Any

from failsoft.workspace.kinds import SLOSpec
from failsoft.workspace.model import Document, Workspace

__all__ = [
    "LIBRARY_LABEL",
    "STALE_FAILURE_MODE",
    "VANISHED_FAILURE_MODE",
    "answers",
    "answers_mode",
    "library_modes",
    "modes_of",
]

STALE_FAILURE_MODE = "drift-evaluation-stale"
"""What the alert about a stale or dead drift evaluation stands for: it says nothing about the drift itself."""

VANISHED_FAILURE_MODE = "metrics-vanished"
"""What the alert about series that are there no more stands for: it says nothing about the requests themselves."""

LIBRARY_LABEL = "alert_rule"
"""The label of every alert that is no SLO's: the name of its AlertRule."""


def modes_of(slo: Document[SLOSpec]) -> tuple[str, ...]:
    """The failure modes that the SLO's alerts can carry, what it stands for first."""
    own = slo.spec.stands_for
    blind = VANISHED_FAILURE_MODE if slo.spec.indicator.drift is None else STALE_FAILURE_MODE
    return (own,) if own == blind else (own, blind)


def library_modes(workspace: Workspace) -> dict[str, str]:
    """The AlertRules that somebody hears, and the team of each where no Model says better."""
    config = workspace.config.alerts
    heard = {
        rule.name: rule.spec.owner or config.owner
        for rule in workspace.alert_rules.values()
        if rule.spec.enabled and rule.name not in config.off
    }
    return {name: owner for name, owner in heard.items() if owner is not None and owner in workspace.teams}


def answers_mode(runbook: Document[Any], mode: str, model: str) -> bool:
    """Whether the runbook answers alerts that are no SLO's: it has to name their failure mode, and no SLO."""
    match = runbook.spec.answers
    return mode in match.failure_modes and not match.slos and (not match.models or model in match.models)


def answers(runbook: Document[Any], slo: Document[Any], mode: str = "") -> bool:
    """Whether the runbook answers the alerts of the SLO that carry a failure mode; without one, any of its alerts."""
    match = runbook.spec.answers
    modes, slos, models = match.failure_modes, match.slos, match.models
    return (
        bool(modes or slos or models)
        and (not modes or any(one in modes for one in ([mode] if mode else modes_of(slo))))
        and (not slos or slo.name in slos)
        and (not models or slo.spec.model in models)
    )
