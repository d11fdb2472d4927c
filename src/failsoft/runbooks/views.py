"""What is shown of an incident, as plain values: for Slack, for the command line, for whoever announces."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from failsoft.runbooks.decisions import may_answer
from failsoft.runbooks.interpreter.effects import Effect
from failsoft.runbooks.interpreter.planning import plan_text
from failsoft.runbooks.interpreter.steps import STEP_TYPES
from failsoft.runbooks.pages import links
from failsoft.runbooks.store import approvals, incidents, runs
from failsoft.runbooks.store.approvals import Approval
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.runs import Run
from failsoft.runbooks.store.schema import episodes, timeline
from failsoft.runbooks.store.schema import incidents as incident_table
from failsoft.runbooks.store.schema import runs as run_table
from failsoft.runbooks.subjects import name_of, what
from failsoft.workspace import Workspace
from failsoft.workspace.kinds.inventory import Person

__all__ = [
    "Announcer",
    "Entry",
    "IncidentCard",
    "MessageRef",
    "QuestionCard",
    "RunCard",
    "StepCard",
    "Stray",
    "incident_card",
    "incident_cards",
    "question_card",
    "unclaimed",
]


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands: a channel's id, and its time stamp there."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the timeline; `number` grows, `at` is in seconds since the epoch."""

    number: int
    at: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class QuestionCard:
    """A question, as it stands.

    Attributes:
        number: of the question.
        token: opaque; all that a button may carry.
        plan: the plan in lines; `plan_hash` is what an answer is bound to.
        note: what else is to be known, such as who may not answer and why.
        approvers: who may answer.
        otherwise: what happens when nobody does, `page` or `stop`.
        state: `waiting`, `approved`, `denied`, `expired`, `withdrawn` or `stale`.
        by, at: who decided, and when, in seconds since the epoch; None where nobody did.
        command: how to answer without Slack.
    """

    number: int
    token: str
    text: str
    runbook: str
    plan: str
    plan_hash: str
    note: str
    approvers: tuple[Person, ...]
    otherwise: str
    asked_at: float
    expires_at: float
    state: str
    by: Person | None
    at: float | None
    command: str


@dataclass(frozen=True, slots=True)
class StepCard:
    """One step: `state` is `waiting`, `running`, `done`, `failed`, `skipped`, `in doubt` or `undone`."""

    name: str
    state: str
    said: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class RunCard:
    """A run, step by step; `outcome` is empty while it goes on."""

    id: str
    runbook: str
    mode: str
    state: str
    outcome: str
    requester: str | None
    steps: tuple[StepCard, ...]


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """An incident as it stands.

    Attributes:
        slo: what it is about, an SLO or a failure mode, as `what` says.
        model: empty where its alerts name none.
        channel: the Slack channel of its team, a name with # or an id.
        state: `firing`, `waiting`, `acting`, `verifying`, `recovered`, `paged` or `resolved`.
        title, sentence: as the newest alert's annotations say it.
        run: its newest run, None where no runbook answers.
        question: the question that waits, None where none does.
        links: addresses by their text.
        timeline: oldest first.
    """

    number: int
    slo: str
    model: str
    team: str
    channel: str
    severity: str
    failure_mode: str
    state: str
    title: str
    sentence: str
    opened_at: float
    resolved_at: float | None
    firing: int
    run: RunCard | None
    question: QuestionCard | None
    links: Mapping[str, str]
    timeline: tuple[Entry, ...]
    what: str = "SLO"


@dataclass(frozen=True, slots=True)
class Stray:
    """An alert that belongs to no incident; `note` says why."""

    alertname: str
    status: str
    severity: str
    note: str
    last_seen: float


class Announcer(Protocol):
    """Who tells people about incidents, such as in one Slack thread for each.

    Each method is one message and may be called again with the same content after a crash, or when nobody knows
    whether the last call worked; the numbers in the cards are stable and can serve as keys. Each raises
    `TemporaryError` (tried again) or `PermanentError` (given up).
    """

    async def incident(self, card: IncidentCard, at: MessageRef | None) -> MessageRef:
        """Post the incident's first message, or edit it where it stands; where it now is."""

    async def entry(self, card: IncidentCard, entry: Entry, thread: MessageRef) -> None:
        """Say one entry of the timeline in the thread."""

    async def question(
        self, card: IncidentCard, question: QuestionCard, thread: MessageRef, at: MessageRef | None
    ) -> MessageRef:
        """Put a question into the thread, or edit it where it stands; where it now is."""


def incident_card(connection: sa.Connection, workspace: Workspace, number: int) -> IncidentCard | None:
    """The incident of that number, None where there is none."""
    found = incidents.incident(connection, number)
    if found is None:
        return None
    newest = sa.select(run_table.c.id).where(run_table.c.incident_id == number).order_by(run_table.c.created_at.desc())
    run_id = connection.scalar(newest.limit(1))
    run = runs.read(connection, run_id) if run_id else None
    asked = approvals.waiting(connection, run.id) if run else ()
    entries = _entries(connection, number)
    title, sentence = _told(connection, found)
    team = workspace.teams.get(found.team)
    return IncidentCard(
        number=found.id,
        slo=name_of(found.slo),
        what=what(found.slo),
        model=found.model,
        team=found.team,
        channel=team.spec.slack if team else "",
        severity=found.severity,
        failure_mode=found.failure_mode,
        state=_state(found, run, entries),
        title=title,
        sentence=sentence,
        opened_at=found.opened_at,
        resolved_at=found.resolved_at,
        firing=incidents.firing(connection, number),
        run=_run_card(connection, run) if run else None,
        question=question_card(connection, workspace, asked[0]) if asked else None,
        links=links(workspace, found, run.runbook if run else ""),
        timeline=entries,
    )


def incident_cards(
    connection: sa.Connection, workspace: Workspace, *, resolved: bool = False
) -> tuple[IncidentCard, ...]:
    """The open incidents, and the resolved ones where they are wanted, newest first."""
    wanted = sa.select(incident_table.c.id).order_by(incident_table.c.id.desc())
    numbers = connection.scalars(wanted if resolved else wanted.where(incident_table.c.state == "open"))
    cards = (incident_card(connection, workspace, number) for number in numbers.all())
    return tuple(card for card in cards if card is not None)


def unclaimed(connection: sa.Connection, limit: int = 50) -> tuple[Stray, ...]:
    """The newest alerts that belong to no incident."""
    columns = (episodes.c.alertname, episodes.c.status, episodes.c.severity, episodes.c.note, episodes.c.last_seen)
    found = sa.select(*columns).where(episodes.c.note != "").order_by(episodes.c.id.desc()).limit(limit)
    return tuple(Stray(**row) for row in connection.execute(found).mappings())


def question_card(connection: sa.Connection, workspace: Workspace, asked: Approval) -> QuestionCard:
    """A question as it stands."""
    run = runs.read(connection, asked.run_id)
    effects = {
        int(position): Effect.from_json(effect)
        for position, effect in approvals.plan_effects(connection, asked.plan_id).items()
    }
    team = workspace.teams.get(run.team) if run else None
    people = {person.name: person for person in team.spec.people} if team else {}
    return QuestionCard(
        number=asked.id,
        token=asked.token,
        text=asked.question,
        runbook=run.runbook if run else "",
        plan=plan_text(run.spec, effects) if run else "",
        plan_hash=asked.plan_hash,
        note=asked.note,
        approvers=may_answer(team.spec, asked.who) if team else (),
        otherwise=asked.otherwise,
        asked_at=asked.asked_at,
        expires_at=asked.expires_at,
        state=asked.state,
        by=people.get(asked.decided_by or "", Person(name=asked.decided_by) if asked.decided_by else None),
        at=asked.decided_at,
        command=f"failsoft approve {asked.run_id}",
    )


def _entries(connection: sa.Connection, number: int) -> tuple[Entry, ...]:
    found = sa.select(timeline).where(timeline.c.incident_id == number).order_by(timeline.c.id)
    return tuple(Entry(row.id, row.at, row.kind, row.text) for row in connection.execute(found))


def _told(connection: sa.Connection, found: Incident) -> tuple[str, str]:
    """Title and sentence, from the annotations of the newest alert."""
    newest = sa.select(episodes.c.annotations).where(episodes.c.incident_id == found.id).order_by(episodes.c.id.desc())
    said: Mapping[str, Any] = connection.scalar(newest.limit(1)) or {}
    plain = f"{found.failure_mode.replace('-', ' ')}: {name_of(found.slo)}"
    return str(said.get("summary") or plain), str(said.get("description") or "")


def _state(found: Incident, run: Run | None, entries: tuple[Entry, ...]) -> str:
    if found.state == "resolved":
        return "resolved"
    if run is not None and run.state != "ended":
        step = run.spec.steps[min(run.position, len(run.spec.steps) - 1)]
        acts = run.state == "undoing" or (run.state == "running" and step.choice in STEP_TYPES.actions)
        checks = run.state == "running" and step.verify is not None
        return "waiting" if run.state == "waiting" else "acting" if acts else "verifying" if checks else "firing"
    if any(entry.kind == "page" for entry in entries):
        return "paged"
    return "recovered" if run is not None and run.outcome == "recovered" else "firing"


def _run_card(connection: sa.Connection, run: Run) -> RunCard:
    rows = {(row.phase, row.position): row for row in runs.step_rows(connection, run.id)}
    cards = []
    for position, step in enumerate(run.spec.steps):
        row, undo = rows.get(("do", position)), rows.get(("undo", position))
        name = step.name or step.choice.replace("_", " ")
        if row is None:
            asking = run.state == "waiting" and run.position == position
            cards.append(StepCard(name, "running" if asking else "waiting", "", None))
            continue
        state = {"started": "running", "trying": "running"}.get(row.state, row.state)
        if row.doubt or (row.state == "started" and row.interrupted):
            state = "in doubt"
        if undo is not None and undo.state == "done":
            state = "undone"
        seconds = row.ended_at - row.started_at if row.ended_at else None
        cards.append(StepCard(name, state, (undo or row).said, seconds))
    return RunCard(run.id, run.runbook, run.mode, run.state, run.outcome, run.requester, tuple(cards))
