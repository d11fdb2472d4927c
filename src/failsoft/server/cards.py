"""From the runbooks' cards to Slack's views: pure, and the only place that knows both."""

from datetime import UTC, datetime
from typing import get_args

from failsoft.runbooks.views import IncidentCard, QuestionCard
from failsoft.slack import (
    ApprovalView,
    DecisionView,
    IncidentState,
    IncidentView,
    LinkView,
    Outcome,
    PlanView,
    TimelineEntry,
)
from failsoft.slack.views import Mode

__all__ = ["approval_view", "decision_view", "incident_view"]

_OUTCOMES = {
    "approved": Outcome.APPROVED,
    "denied": Outcome.DENIED,
    "expired": Outcome.EXPIRED,
    "withdrawn": Outcome.CANCELLED,
    "stale": Outcome.CANCELLED,
}
_NOTES = {"stale": "the plan has changed since; look for a new question below"}


def incident_view(card: IncidentCard) -> IncidentView:
    """An incident as its first message shows it."""
    mode = card.run.mode if card.run is not None else "observe"
    return IncidentView(
        title=card.title,
        slo=card.slo,
        model=card.model,
        team=card.team,
        severity=card.severity,
        state=IncidentState(card.state),
        sentence=card.sentence,
        mode=_mode(mode),
        opened_at=_moment(card.opened_at),
        links=tuple(LinkView(label, url) for label, url in card.links.items()),
        timeline=tuple(TimelineEntry(_moment(entry.at), entry.text) for entry in card.timeline),
        approval=approval_view(card.question, card.team) if card.question is not None else None,
        command=f"failsoft incidents show {card.number}",
        what=card.what,
    )


def approval_view(question: QuestionCard, team: str) -> ApprovalView:
    """A question, with those who may answer mentioned where Slack knows them."""
    otherwise = f"the team {team} is paged" if question.otherwise == "page" else "nothing is done"
    text = "\n".join(part for part in (question.text, question.plan, question.note) if part)
    return ApprovalView(
        token=question.token,
        plan=PlanView(question.runbook, text, question.plan_hash),
        expires_at=_moment(question.expires_at),
        approvers=tuple(person.slack or person.name for person in question.approvers),
        otherwise=otherwise,
        command=question.command,
    )


def decision_view(question: QuestionCard) -> DecisionView | None:
    """How a question ended; None while it waits."""
    outcome = _OUTCOMES.get(question.state)
    if outcome is None:
        return None
    by = (question.by.slack or question.by.name) if question.by is not None else ""
    at = question.at if question.at is not None else question.expires_at
    return DecisionView(outcome, _moment(at), by, _NOTES.get(question.state, ""))


def _mode(text: str) -> Mode:
    known: dict[str, Mode] = {name: name for name in get_args(Mode)}
    return known.get(text, "observe")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
