"""A run as a list of moments in order: fault, alert, question, answer, action, recovery, undo."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from failsoft.chaos.evidence import Evidence
from failsoft.chaos.incidents import Incident
from failsoft.chaos.recovery import recovery
from failsoft.workspace.kinds.experiment import Expect

__all__ = ["Moment", "MomentKind", "timeline"]

type MomentKind = Literal["fault", "expected", "alert", "person", "action", "good", "undo", "stop"]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, or should have.

    Attributes:
        at: seconds since the epoch.
        kind: what it is, for colours.
        title: in a few words.
        detail: the rest of it.
    """

    at: float
    kind: MomentKind
    title: str
    detail: str = ""


def timeline(expect: Expect, evidence: Evidence) -> tuple[Moment, ...]:
    """All moments of a run, in order of time."""
    moments = [*_faults(evidence), *_alerts(expect, evidence), *_ends(evidence)]
    for incident in evidence.incidents or ():
        moments.extend(_answers(incident))
    return tuple(sorted(moments, key=lambda moment: moment.at))


def _faults(evidence: Evidence) -> Iterator[Moment]:
    times, plan = evidence.times, evidence.plan
    if times.fault is None:
        return
    nodes = ", ".join(node.name for node in plan.nodes)
    yield Moment(times.fault, "fault", "Fault applied", f"cordon, taint and eviction on {nodes}")
    if times.notice_until is not None and times.notice_until <= times.ended:
        yield Moment(times.notice_until, "fault", "Notice over", "what was left on the node was deleted")


def _alerts(expect: Expect, evidence: Evidence) -> Iterator[Moment]:
    fault = evidence.times.fault
    if fault is None:
        return
    if expect.alert is not None:
        by = fault + expect.alert.within.seconds
        detail = f"of SLO {expect.alert.slo}, {expect.alert.within} after the fault"
        yield Moment(by, "expected", "Alert expected by", detail)
    for alert in evidence.alerts or ():
        if alert.since >= fault:
            detail = f"{alert.severity} of SLO {alert.slo}, tier {alert.tier or 'none'}"
            yield Moment(alert.since, "alert", "Alert fired", detail)


def _answers(incident: Incident) -> Iterator[Moment]:
    for ask in incident.asks:
        yield Moment(ask.at, "person", f"Team {ask.team} {ask.how}", f"incident {incident.id}")
        if ask.answered_at is not None:
            who = f"by {ask.by}" if ask.by else f"incident {incident.id}"
            yield Moment(ask.answered_at, "person", ask.answer.capitalize() or "Answered", who)
    for step in incident.steps:
        if step.acts and step.ended_at is not None:
            yield Moment(step.ended_at, "action", f"Runbook: {step.name}", step.detail or step.outcome)


def _ends(evidence: Evidence) -> Iterator[Moment]:
    times = evidence.times
    if evidence.stop is not None:
        yield Moment(evidence.stop.at, "stop", "Stopped", evidence.stop.why)
    found = recovery(evidence.slos, times)
    if found.at is not None and found.broken:
        yield Moment(found.at, "good", "Recovered", f"{', '.join(found.broken)} met again")
    if times.undone is not None:
        detail = "nodes as they were" if evidence.restored.complete else "; ".join(evidence.restored.left)
        yield Moment(times.undone, "undo", "Undone", detail)
