"""Who may answer a question, and which answer counts. Every click is recorded, with what the person was told."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import sqlalchemy as sa

from failsoft.runbooks.store import approvals, outbox, runs, timeline
from failsoft.runbooks.store.approvals import Approval
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.runs import Run
from failsoft.runbooks.store.settings import killed
from failsoft.workspace import Workspace
from failsoft.workspace.kinds import TeamSpec
from failsoft.workspace.kinds.inventory import Person

__all__ = ["Answer", "Reason", "Verdict", "Via", "decide", "may_answer"]

type Verdict = Literal["approve", "deny"]
type Via = Literal["slack", "cli"]


class Reason(StrEnum):
    """Why a click does not count."""

    NOT_ALLOWED = "not allowed"
    REQUESTER = "requester"
    EXPIRED = "expired"
    STALE_PLAN = "stale plan"
    DECIDED = "decided"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a click.

    Attributes:
        reason: why it does not count, None when it does.
        text: the same in a sentence, for the person.
        approval: the question as it stands now, None where nobody knows it.
    """

    reason: Reason | None
    text: str
    approval: Approval | None = None

    @property
    def counts(self) -> bool:
        """Whether the click decides."""
        return self.reason is None


def decide(  # noqa: PLR0913  # a click has so many parts
    connection: sa.Connection, workspace: Workspace, token: str, verdict: Verdict, *, user: str, via: Via
) -> Answer:
    """Judge a click and record it, within the caller's transaction; one that counts leaves a wake-up for the run.

    Args:
        connection: the transaction.
        workspace: who is in which team now, not when the question was asked.
        token: what the button carried.
        verdict: what the person wants.
        user: a Slack user id (`slack`), or the name of a person (`cli`).
        via: where the click came from.
    """
    found = approvals.by_token(connection, token)
    if found is None:
        text = "failsoft does not know this question: it may be from another installation, or too old."
        return _recorded(connection, Answer(Reason.UNKNOWN, text), token, verdict, user, via, None)
    run, incident = runs.lock_run(connection, found.run_id)
    asked = approvals.approval(connection, found.id)
    team = workspace.teams.get(run.team)
    person = _person(team.spec, user, via) if team is not None else None
    refusal = _refusal(connection, run, incident, asked, verdict, person, team.spec if team else None)
    if refusal is not None or person is None:
        answer = refusal or Answer(Reason.NOT_ALLOWED, "you are nobody whom the workspace knows.", asked)
        return _recorded(connection, answer, token, verdict, user, via, person)
    state = "approved" if verdict == "approve" else "denied"
    approvals.change_approval(connection, asked.id, state=state, decided_by=person.name, decided_at=now(connection))
    runs.wake(connection, run.id, asked.topic)
    outbox.put_ask(connection, incident.id, asked.id)
    told = f"{person.name} {state} the plan {asked.plan_hash[:12]}" + (" with failsoft's command" * (via == "cli"))
    timeline.tell(connection, state, told, incident=incident.id, run=run.id, aloud=False)
    text = f"Recorded: you {state} the plan {asked.plan_hash[:12]}."
    answer = Answer(None, text, approvals.approval(connection, asked.id))
    return _recorded(connection, answer, token, verdict, user, via, person)


def may_answer(team: TeamSpec, who: str) -> tuple[Person, ...]:
    """The people of a team whom a question for `oncall` or `people` is for."""
    if who == "people" or not team.oncall:
        return team.people
    return tuple(person for person in team.people if person.name in team.oncall)


def _refusal(  # noqa: PLR0911, PLR0913, PLR0917  # one line for each rule, and all that the rules look at
    connection: sa.Connection,
    run: Run,
    incident: Incident,
    asked: Approval,
    verdict: Verdict,
    person: Person | None,
    team: TeamSpec | None,
) -> Answer | None:
    """The first rule that the click breaks."""
    if person is None or team is None or person not in may_answer(team, asked.who):
        names = ", ".join(one.name for one in may_answer(team, asked.who)) if team else "nobody"
        return Answer(Reason.NOT_ALLOWED, f"you are not one of those who may answer this: {names}.", asked)
    if verdict == "approve" and run.requester is not None and person.name == run.requester:
        return Answer(Reason.REQUESTER, "you started this yourself, so somebody else has to answer.", asked)
    switch = killed(connection, run.runbook)
    if verdict == "approve" and switch is not None:
        return Answer(Reason.STOPPED, f"{switch}.", asked)
    if asked.state == "stale":
        return Answer(Reason.STALE_PLAN, "the plan has changed since it was shown; there is a new question.", asked)
    # A no wins over a yes as long as nothing was done with the yes.
    denies = asked.state == "approved" and verdict == "deny" and asked.used_at is None
    if asked.state in {"approved", "denied"} and not denies:
        return Answer(Reason.DECIDED, f"this was {asked.state} by {asked.decided_by} already.", asked)
    if asked.state == "withdrawn" or run.state == "ended" or incident.state == "resolved":
        expired = asked.state == "expired"
        return _expired(asked) if expired else Answer(Reason.CANCELLED, "nobody needs an answer any more.", asked)
    if asked.state == "expired" or (asked.state == "waiting" and asked.expires_at <= now(connection)):
        return _expired(asked)
    return None


def _expired(asked: Approval) -> Answer:
    return Answer(Reason.EXPIRED, "the time to answer is over.", asked)


def _person(team: TeamSpec, user: str, via: Via) -> Person | None:
    if not user:
        return None
    return next((one for one in team.people if user == (one.slack if via == "slack" else one.name)), None)


def _recorded(  # noqa: PLR0913, PLR0917  # one row
    connection: sa.Connection,
    answer: Answer,
    token: str,
    verdict: Verdict,
    user: str,
    via: Via,
    person: Person | None,
) -> Answer:
    approvals.record_click(
        connection,
        approval_id=answer.approval.id if answer.approval else None,
        token=token[:200],
        verdict=verdict,
        via=via,
        user=user[:200],
        person=person.name if person else None,
        honoured=answer.counts,
        reply=answer.text,
    )
    return answer
