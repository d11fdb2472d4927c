"""The interpreter: which piece of a run comes next, and who may do it.

Modes. `observe`: looks and tells; asks nobody, changes nothing, pages nobody. `suggest`: shows the plan and leaves it
to people; `verify`, `notify` and `page` work, so it pages when people do not recover the SLO either. `approve`: asks
before it changes anything, also where the runbook forgot the step. `auto`: changes without asking; its plan is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from failsoft.errors import FailsoftError, PermanentError, TemporaryError, UnavailableError
from failsoft.runbooks.interpreter.acting import act, undo
from failsoft.runbooks.interpreter.asking import approve_step
from failsoft.runbooks.interpreter.checking import verify_step
from failsoft.runbooks.interpreter.context import StepContext, World
from failsoft.runbooks.interpreter.steps import STEP_TYPES, StepTypes
from failsoft.runbooks.interpreter.turn import GO_ON, Turn, acted, finish, next_step
from failsoft.runbooks.pages import page
from failsoft.runbooks.port import Ended, Pause
from failsoft.runbooks.store import runs
from failsoft.runbooks.store.engine import now, reading, transaction
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.runs import Run
from failsoft.runbooks.store.schema import episodes
from failsoft.runbooks.store.settings import killed
from failsoft.runbooks.store.timeline import tell
from failsoft.workspace.kinds.runbook import Page

__all__ = ["Interpreter"]

_CLAIMS = 10
_READING_TRIES = 3
_LOCK_LOOK_S = 30.0


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Carries runs out for one worker; implements the engine's `Driver`, `release` apart.

    Attributes:
        worker: this worker's unique name, as in its lease.
    """

    engine: sa.Engine
    world: World
    worker: str
    types: StepTypes = field(default=STEP_TYPES)

    def claim(self, run_id: str) -> int | None:
        """As `Driver` says. A run that kills its worker again and again is ended, and a person paged."""
        with transaction(self.engine) as connection:
            run = runs.claim(connection, run_id, self.worker)
            if run.state == "ended":
                return None
            if run.claims > _CLAIMS:
                _, incident = runs.lock_run(connection, run_id)
                text = f"given up: it was taken over {run.claims} times without getting on"
                finish(connection, self.world, run, incident, "failed", text, page_for=text)
                return None
            return run.fence

    def advance(self, run_id: str, fence: int) -> Pause | Ended:
        """As `Driver` says."""
        try:
            turn = self._turn(run_id, fence)
            return self._next(turn) if isinstance(turn, Turn) else turn
        except UnavailableError:
            # Errors of the cluster and of Prometheus are handled where they are called: this is our own database.
            return Pause(1.0, f"{run_id}/retry")
        except Exception as error:  # noqa: BLE001  # step types are anybody's: a defect in one must not strand the run
            return self._broken(run_id, fence, error)

    def _turn(self, run_id: str, fence: int) -> Turn | Pause | Ended:
        """The turn, or what is to be done before any step is."""
        requester = self._requester(run_id)
        with transaction(self.engine) as connection:
            run, incident = runs.hold(connection, run_id, fence)
            if run.state == "ended":
                return Ended(run.outcome)
            try:
                context = StepContext.of(self.world, run, incident, _alert(connection, incident))
            except PermanentError as error:
                return finish(connection, self.world, run, incident, "failed", str(error), page_for=str(error))
            turn = Turn(
                self.engine, self.types, self.world, self.worker, fence, run, incident, context, now(connection)
            )
            return self._ending(connection, turn) or (
                self._begin(connection, run, incident, requester) if run.state == "queued" else turn
            )

    def _ending(self, connection: sa.Connection, turn: Turn) -> Ended | None:
        """Whether the run ends here, before its next step."""
        run, incident = turn.run, turn.incident
        switch = killed(connection, run.runbook)
        if switch is not None:
            return turn.stopped(connection, run, incident, str(switch))
        if run.phase == "do" and incident.state == "resolved" and not acted(connection, run):
            text = "the alert resolved by itself, and nothing was changed"
            return turn.end(connection, run, incident, "resolved", text)
        if run.phase == "do" and run.position >= len(run.spec.steps):
            return self._over(connection, turn, incident)
        return None

    def _requester(self, run_id: str) -> str | TemporaryError | None:
        """Who runs an experiment on the model by hand, asked once, while the run is new; or that nobody can tell."""
        with reading(self.engine) as connection:
            run = runs.read(connection, run_id)
        if run is None or run.state != "queued" or run.requester is not None:
            return None
        try:
            return self.world.experimenter(run.model)
        except TemporaryError as error:
            return error

    def _begin(
        self, connection: sa.Connection, run: Run, incident: Incident, requester: str | TemporaryError | None
    ) -> Pause:
        other = runs.lock_targets(connection, run, _targets(run, self.world))
        if other is not None:
            topic = f"{run.id}/lock"
            if run.topic != topic:
                text = f"Runbook {run.runbook} waits: {other} works on {run.model}"
                tell(connection, "queued", text, incident=incident.id, run=run.id)
            runs.change(connection, run.id, topic=topic)
            return Pause(_LOCK_LOOK_S, topic)
        if isinstance(requester, TemporaryError):
            text = f"Nobody knows whether an experiment is under way on {run.model}: {requester}"
            tell(connection, "unknown", text, incident=incident.id, run=run.id)
            requester = None
        runs.change(connection, run.id, state="running", topic=None, requester=run.requester or requester)
        by = run.requester or requester
        why = f", started by {by}" if by else ""
        tell(connection, "began", f"Runbook {run.runbook} begins ({run.mode}){why}", incident=incident.id, run=run.id)
        return GO_ON

    def _over(self, connection: sa.Connection, turn: Turn, incident: Incident) -> Ended:
        run = turn.run
        rows = runs.step_rows(connection, run.id)
        verified = any(row.kind == "verify" and row.state == "done" for row in rows)
        failed = [turn.name(row.position) for row in rows if row.phase == "do" and row.state == "failed"]
        more = f"; {len(failed)} of {len(run.spec.steps)} steps failed: {', '.join(failed)}" if failed else ""
        if run.mode == "observe":
            return turn.end(connection, run, incident, "observed", f"observed, nothing was changed{more}")
        if any(row.state == "skipped" for row in rows) and not verified:
            return turn.end(connection, run, incident, "suggested", f"suggested, nothing was changed{more}")
        if verified:
            return turn.end(connection, run, incident, "recovered", f"the SLO holds again{more}")
        if failed:
            return turn.end(connection, run, incident, "incomplete", f"ended{more}")
        return turn.end(connection, run, incident, "done", "all steps are done")

    def _next(self, turn: Turn) -> Pause | Ended:
        position = turn.run.position
        step = turn.run.spec.steps[position]
        if turn.run.phase == "undo":
            return undo(turn, position)
        if step.choice in self.types.actions:
            return act(turn, position)
        if step.approve is not None:
            return approve_step(turn, position, step.approve)
        if step.verify is not None:
            return verify_step(turn, position, step.verify)
        if step.page is not None:
            return _page(turn, position, step.page)
        return self._read(turn, position)

    def _read(self, turn: Turn, position: int) -> Pause:
        """A step that only looks or speaks: evidence, which never stops a run."""
        step = turn.run.spec.steps[position]
        state = "done"
        try:
            said = self.types.readings[step.choice](turn.context, step.chosen)
        except TemporaryError as error:
            again = turn.retry(position, step.choice, error, _READING_TRIES)
            if again is not None:
                return again
            said, state = f"{turn.name(position)} got no answer: {error}", "failed"
        except PermanentError as error:
            said, state = f"{turn.name(position)} failed: {error}", "failed"
        with turn.held() as (connection, run, _):
            _note(connection, turn, position, step.choice, state, said)
            turn.say(connection, step.choice, said)
            next_step(connection, run)
        return GO_ON

    def _broken(self, run_id: str, fence: int, error: Exception) -> Pause | Ended:
        text = f"failsoft has a defect there: {type(error).__name__}: {error}"
        try:
            with transaction(self.engine) as connection:
                run, incident = runs.hold(connection, run_id, fence)
                return finish(connection, self.world, run, incident, "failed", text, page_for=text)
        except FailsoftError:
            return Pause(1.0, f"{run_id}/retry")


def _page(turn: Turn, position: int, spec: Page) -> Pause:
    with turn.held() as (connection, run, incident):
        if run.mode == "observe":
            _note(connection, turn, position, "page", "skipped", "observe: nobody is paged")
        else:
            _note(connection, turn, position, "page", "done", "")
            why = spec.summary or "the runbook asks for a person"
            page(connection, turn.world.workspace, incident, why, run=run.id, runbook=run.runbook)
        next_step(connection, run)
    return GO_ON


def _note(  # noqa: PLR0913, PLR0917  # one row
    connection: sa.Connection, turn: Turn, position: int, kind: str, state: str, said: str
) -> None:
    runs.write_step(
        connection,
        turn.run.id,
        "do",
        position,
        began=turn.began,
        kind=kind,
        state=state,
        said=said,
        ended_at=now(connection),
    )


def _targets(run: Run, world: World) -> tuple[str, ...]:
    """What the run locks: its model, and the fallback where a step touches it."""
    model = world.workspace.models.get(run.model)
    if model is None:
        return ()
    fallback = model.spec.fallback
    touched = any(
        step.shift_traffic is not None or (step.scale is not None and step.scale.model == "fallback")
        for step in run.spec.steps
    )
    return (f"model/{run.model}",) + ((f"model/{fallback}",) if fallback and touched else ())


def _alert(connection: sa.Connection, incident: Incident) -> Mapping[str, str]:
    """The labels of the incident's newest alert that fires, else of its newest."""
    found = (
        sa.select(episodes.c.labels)
        .where(episodes.c.incident_id == incident.id)
        .order_by(sa.case((episodes.c.status == "firing", 0), else_=1), episodes.c.id.desc())
    )
    labels: Mapping[str, str] | None = connection.scalar(found.limit(1))
    return labels or {}
