"""One turn of a run: what its handlers share, how they write only while the run is theirs, and how a run ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from failsoft.errors import FailsoftError, TemporaryError
from failsoft.runbooks.interpreter.context import StepContext, World
from failsoft.runbooks.interpreter.steps import StepTypes
from failsoft.runbooks.pages import page
from failsoft.runbooks.port import Ended, HandedOverError, Pause
from failsoft.runbooks.store import approvals, incidents, leases, outbox, runs, timeline
from failsoft.runbooks.store.engine import now, transaction
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.runs import Run, StepRow
from failsoft.runbooks.store.settings import killed

__all__ = ["GO_ON", "Turn", "acted", "finish", "next_step"]

GO_ON = Pause(0, "")
"""The next piece can be done at once."""

_LONGEST_DELAY_S = 30.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of `advance`, from the run as it was when the turn began.

    Attributes:
        worker: who drives the run now.
        fence: what nobody else may have moved on.
        began: when, seconds since the epoch by the database's clock; a step that is new in this turn began then.
    """

    engine: sa.Engine
    types: StepTypes
    world: World
    worker: str
    fence: int
    run: Run
    incident: Incident
    context: StepContext
    began: float

    @contextmanager
    def held(self) -> Iterator[tuple[sa.Connection, Run, Incident]]:
        """A transaction with the run locked. Raises `HandedOverError` when it is no longer ours."""
        with transaction(self.engine) as connection:
            run, incident = runs.hold(connection, self.run.id, self.fence)
            yield connection, run, incident

    def say(self, connection: sa.Connection, kind: str, text: str, *, aloud: bool = True) -> None:
        """Add to the timeline."""
        timeline.tell(connection, kind, text, incident=self.run.incident_id, run=self.run.id, aloud=aloud)

    def name(self, position: int) -> str:
        """How people know a step: by its own name, or by its number and type."""
        step = self.run.spec.steps[position]
        return step.name or f"step {position + 1} ({_camel(step.choice)})"

    def guard(self, connection: sa.Connection, run: Run, incident: Incident) -> Ended | None:
        """The last look before a change of the world: is the worker alive, and may anything still be changed?

        It shares the transaction with the intent, so nothing lies between the look and the call but the call itself.
        """
        if not leases.holds(connection, self.worker):
            raise HandedOverError(f"the lease of {self.worker} ran out")
        switch = killed(connection, run.runbook)
        if switch is not None:
            return self.stopped(connection, run, incident, str(switch))
        if run.phase == "do" and incident.state == "resolved" and not acted(connection, run):
            return self.end(connection, run, incident, "resolved", "The alert resolved before anything was changed")
        return None

    def stopped(self, connection: sa.Connection, run: Run, incident: Incident, why: str) -> Ended:
        """End the run because of a kill switch; a person is paged where failsoft leaves something urgent or changed."""
        left = changed(connection, run)
        told = f"{why}; {left}" if left else why
        urgent = bool(left) or (incident.state == "open" and incident.severity == "page")
        return self.end(connection, run, incident, "stopped", f"Stopped: {told}", page_for=told if urgent else "")

    def end(  # noqa: PLR0913  # what an end has
        self,
        connection: sa.Connection,
        run: Run,
        incident: Incident,
        outcome: str,
        text: str,
        *,
        page_for: str = "",
    ) -> Ended:
        """End the run."""
        return finish(connection, self.world, run, incident, outcome, text, page_for=page_for)

    def retry(self, position: int, kind: str, error: TemporaryError, limit: int) -> Pause | None:
        """Try a step again later, up to `limit` times; None when that was the last."""
        with self.held() as (connection, run, _):
            row = runs.step(connection, run.id, run.phase, position)
            tries = (row.tries if row else 0) + 1
            if tries >= limit:
                return None
            # what was begun stays begun: only its own handler may say that it is not
            state = "trying" if row is None else row.state
            runs.write_step(
                connection,
                run.id,
                run.phase,
                position,
                began=self.began,
                kind=kind,
                state=state,
                tries=tries,
                said=str(error),
            )
            topic = f"{run.id}/retry"
            runs.change(connection, run.id, topic=topic)
        return Pause(min(error.delay * 2 ** (tries - 1), _LONGEST_DELAY_S), topic)

    def fail(self, position: int, error: FailsoftError | str) -> Ended:
        """End the run because a step cannot be done; a person has to."""
        text = f"{self.name(position)} failed: {error}"
        with self.held() as (connection, run, incident):
            runs.write_step(
                connection,
                run.id,
                run.phase,
                position,
                began=self.began,
                kind=run.spec.steps[position].choice,
                state="failed",
                said=str(error),
                ended_at=now(connection),
            )
            left = changed(connection, run)
            told = f"{text}; {left}" if left else text
            return self.end(connection, run, incident, "failed", told, page_for=told)


def finish(  # noqa: PLR0913, PLR0917  # what an end has
    connection: sa.Connection,
    world: World,
    run: Run,
    incident: Incident,
    outcome: str,
    text: str,
    *,
    page_for: str = "",
) -> Ended:
    """End the run: questions are withdrawn, locks released, the end told, and a page sent where `page_for` says why."""
    runs.change(connection, run.id, state="ended", outcome=outcome, ended_at=now(connection), topic=None)
    for question in approvals.waiting(connection, run.id):
        approvals.change_approval(connection, question.id, state="withdrawn", decided_at=now(connection))
        outbox.put_ask(connection, incident.id, question.id)
    runs.release_targets(connection, run)
    timeline.tell(
        connection,
        "ended",
        f"Runbook {run.runbook}: {text}",
        incident=incident.id,
        run=run.id,
        data={"outcome": outcome},
    )
    if page_for:
        page(connection, world.workspace, incident, page_for, run=run.id, runbook=run.runbook)
    if incident.origin == "hand" and incident.state == "open":
        # a person who was paged has not been helped by the end of the run
        incidents.resolve(connection, incident, "The runbook that was started by hand has ended", page_too=not page_for)
    return Ended(outcome)


def next_step(connection: sa.Connection, run: Run, *, state: str = "running") -> None:
    """Go on to the next step."""
    runs.change(connection, run.id, position=run.position + 1, state=state, claims=0)


def acted(connection: sa.Connection, run: Run) -> tuple[StepRow, ...]:
    """The steps that have changed the world, or may have, in order."""
    rows = runs.step_rows(connection, run.id)
    return tuple(
        row
        for row in rows
        if row.phase == "do"
        and row.effect is not None
        and (row.state in {"started", "done"} or row.doubt)
        and row.effect["before"] != row.effect["after"]
    )


def changed(connection: sa.Connection, run: Run) -> str:
    """What of the run's changes is still in force, in words; empty when nothing is."""
    undone = {row.position for row in runs.step_rows(connection, run.id) if row.phase == "undo" and row.state == "done"}
    left = [
        str(row.effect["text"]) + (" (perhaps)" if row.doubt or row.state == "started" else "")
        for row in acted(connection, run)
        if row.effect and row.position not in undone
    ]
    return "what it did stays: " + "; ".join(left) if left else ""


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
