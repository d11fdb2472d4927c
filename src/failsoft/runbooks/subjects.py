"""What an incident is about: an SLO, or a failure mode of which alerts that are no SLO's tell.

In the database the subject stands where an SLO's name does; no SLO can have a name with a colon.
"""

from dataclasses import dataclass

from failsoft.runbooks.choose import choose_for_mode
from failsoft.workspace import Workspace
from failsoft.workspace.answering import LIBRARY_LABEL, library_modes, modes_of

__all__ = ["Claim", "claim", "modes", "name_of", "of_mode", "what"]

_MODE = "mode:"


@dataclass(frozen=True, slots=True)
class Claim:
    """The incident that an alert belongs to.

    Attributes:
        subject: what it is about.
        model: the Model; empty where the alert names none.
        team: whose it is.
        mode: what this alert stands for.
    """

    subject: str
    model: str
    team: str
    mode: str


def of_mode(mode: str) -> str:
    """The subject of a failure mode."""
    return _MODE + mode


def name_of(subject: str) -> str:
    """The subject for people: the name of the SLO, or the failure mode.

    >>> name_of(of_mode("engine-hung")), name_of("chat-ttft")
    ('engine-hung', 'chat-ttft')
    """
    return subject.removeprefix(_MODE)


def what(subject: str) -> str:
    """What kind of thing it is, in words."""
    return "failure mode" if subject.startswith(_MODE) else "SLO"


def modes(workspace: Workspace, subject: str) -> tuple[str, ...]:
    """The failure modes that the alerts of an incident can carry, what it stands for first."""
    return (name_of(subject),) if subject.startswith(_MODE) else modes_of(workspace.slos[subject])


def claim(workspace: Workspace, labels: dict[str, str]) -> Claim | str:
    """The incident that an alert with these labels belongs to, or why it belongs to none.

    What a label says is only compared with what is declared: the failure mode of an alert of the library is that of its
    document, whatever its label says.
    """
    if labels.get(LIBRARY_LABEL) and not labels.get("slo"):
        return _of_library(workspace, labels[LIBRARY_LABEL], labels.get("model", ""))
    slo, model = labels.get("slo", ""), labels.get("model", "")
    if not slo or not model:
        return "it has no label " + ("slo" if not slo else "model")
    declared = workspace.slos.get(slo)
    if declared is None:
        return f"there is no SLO {slo[:80]!r} in the workspace"
    if declared.spec.model != model or model not in workspace.models:
        return f"the SLO {slo} is not one of the model {model[:80]!r}"
    known, said = modes_of(declared), labels.get("failure_mode", "")
    return Claim(slo, model, workspace.models[model].spec.owner, said if said in known else known[0])


def _of_library(workspace: Workspace, rule: str, model: str) -> Claim | str:
    document = workspace.alert_rules.get(rule)
    owner = library_modes(workspace).get(rule)
    if document is None or owner is None:
        return f"there is no alert {rule[:80]!r} in the workspace"
    mode = document.spec.failure_mode
    known = workspace.models.get(model)
    if choose_for_mode(workspace, mode, known) is None:
        return f"no runbook answers {mode}"
    return Claim(of_mode(mode), known.name if known else "", known.spec.owner if known else owner, mode)
