"""Runs: how far each one is, who drives it, what it has locked, and the intent and the result of each of its steps."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from failsoft.runbooks.port import HandedOverError
from failsoft.runbooks.store import leases
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.incidents import Incident, insert_or_ignore, lock_incident
from failsoft.runbooks.store.schema import locks, runs, steps, wakes
from failsoft.workspace.kinds import RunbookSpec

__all__ = [
    "Run",
    "StepRow",
    "add",
    "change",
    "claim",
    "hold",
    "lock_run",
    "lock_targets",
    "read",
    "release",
    "release_targets",
    "step",
    "step_rows",
    "wake",
    "write_step",
]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a runbook.

    Attributes:
        spec: the runbook as it was when the run began.
        requester: who started it, or the experiment that it answers, by hand; None where nobody did.
        state: `queued`, `running`, `waiting`, `undoing` or `ended`.
        phase, position: the step that comes next; in the phase `undo`, positions go down.
        fence: grows whenever somebody else takes over.
        claims: how often it was taken over since it last got on.
        topic: what it waits on.
    """

    id: str
    incident_id: int
    runbook: str
    spec: RunbookSpec
    mode: str
    slo: str
    model: str
    team: str
    requester: str | None
    state: str
    outcome: str
    phase: str
    position: int
    page_after_undo: bool
    created_at: float
    ended_at: float | None
    owner: str | None
    fence: int
    handed_at: float | None
    claims: int
    topic: str | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """What is known of one step.

    Attributes:
        state: `trying`, `started` (its intent is written, its result is not), `done`, `skipped` or `failed`.
        effect: what is changed, as `Effect.as_json` gives it; None for a step that changes nothing.
        tries: how often it was tried to look; attempts: how often to change the world.
        interrupted: in how many of the attempts nobody knew what had come of it.
        doubt: the other side did not answer: it may have done it.
    """

    run_id: str
    phase: str
    position: int
    kind: str
    state: str
    effect: Mapping[str, Any] | None
    said: str
    tries: int
    attempts: int
    interrupted: int
    doubt: bool
    started_at: float
    ended_at: float | None


def add(
    connection: sa.Connection, incident: Incident, runbook: str, spec: RunbookSpec, *, requester: str | None = None
) -> str:
    """Add a run, which a worker will find; its id."""
    run_id = f"run-{secrets.token_hex(5)}"
    connection.execute(
        sa.insert(runs).values(
            id=run_id,
            incident_id=incident.id,
            runbook=runbook,
            spec=spec.model_dump(mode="json", by_alias=True, exclude_none=True),
            mode=spec.mode,
            slo=incident.slo,
            model=incident.model,
            team=incident.team,
            requester=requester,
            created_at=now(connection),
        )
    )
    return run_id


def read(connection: sa.Connection, run_id: str) -> Run | None:
    """The run of that id."""
    row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().first()
    return None if row is None else _run(row)


def lock_run(connection: sa.Connection, run_id: str) -> tuple[Run, Incident]:
    """The run and its incident, locked until the transaction ends.

    The incident comes first, here and wherever alerts are taken in, so that no two transactions wait for each other.
    """
    number = connection.execute(sa.select(runs.c.incident_id).where(runs.c.id == run_id)).scalar_one()
    incident = lock_incident(connection, number)
    held = sa.select(runs).where(runs.c.id == run_id).with_for_update(key_share=True)
    return _run(connection.execute(held).mappings().one()), incident


def hold(connection: sa.Connection, run_id: str, fence: int) -> tuple[Run, Incident]:
    """The same for the one who drives it. Raises `HandedOverError` when somebody else took over."""
    run, incident = lock_run(connection, run_id)
    if run.fence != fence:
        raise HandedOverError(f"{run_id} was taken over")
    return run, incident


def claim(connection: sa.Connection, run_id: str, worker: str) -> Run:
    """Take the run over for a worker. Raises `HandedOverError` where the worker holds no lease."""
    run, _ = lock_run(connection, run_id)
    if run.state == "ended":
        return run
    if not leases.holds(connection, worker):
        raise HandedOverError(f"{worker} holds no lease")
    change(connection, run_id, owner=worker, fence=run.fence + 1, claims=run.claims + 1)
    taken = read(connection, run_id)
    assert taken is not None  # noqa: S101  # it was locked above
    return taken


def release(connection: sa.Connection, run_id: str, worker: str, fence: int) -> None:
    """The worker drives the run no more under that fence: it is free at once."""
    held = (runs.c.id == run_id, runs.c.owner == worker, runs.c.fence == fence, runs.c.state != "ended")
    connection.execute(sa.update(runs).where(*held).values(owner=None, handed_at=None))


def change(connection: sa.Connection, run_id: str, **values: object) -> None:
    """Change columns of the run."""
    connection.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))


def wake(connection: sa.Connection, run_id: str, topic: str) -> None:
    """Leave a wake-up, which a worker delivers after the commit: so a decision and its wake-up are one."""
    connection.execute(sa.insert(wakes).values(run_id=run_id, topic=topic, at=now(connection)))


def lock_targets(connection: sa.Connection, run: Run, keys: tuple[str, ...]) -> str | None:
    """Lock all targets for the run, or none; the run that holds one of them, None on success."""
    for key in sorted(keys):
        holder = _lock(connection, run, key)
        if holder != run.id:
            connection.execute(sa.delete(locks).where(locks.c.run_id == run.id))
            return holder
    return None


def _lock(connection: sa.Connection, run: Run, key: str) -> str:
    """Who holds the lock after we tried to take it."""
    while True:
        mine = insert_or_ignore(connection, locks).values(key=key, run_id=run.id, at=now(connection))
        connection.execute(mine)
        holder: str | None = connection.scalar(sa.select(locks.c.run_id).where(locks.c.key == key))
        if holder is not None:
            return holder


def release_targets(connection: sa.Connection, run: Run) -> None:
    """Release what the run has locked, and wake the runs that wait for a lock."""
    if connection.execute(sa.delete(locks).where(locks.c.run_id == run.id)).rowcount:
        queued = sa.select(runs.c.id, runs.c.topic).where(runs.c.state == "queued", runs.c.topic.is_not(None))
        for other in connection.execute(queued).all():
            wake(connection, other.id, other.topic)


def step(connection: sa.Connection, run_id: str, phase: str, position: int) -> StepRow | None:
    """What is known of a step."""
    wanted = (steps.c.run_id == run_id, steps.c.phase == phase, steps.c.position == position)
    row = connection.execute(sa.select(steps).where(*wanted)).mappings().first()
    return None if row is None else StepRow(**row)


def step_rows(connection: sa.Connection, run_id: str) -> tuple[StepRow, ...]:
    """What is known of all steps, in the order in which they began."""
    found = sa.select(steps).where(steps.c.run_id == run_id).order_by(steps.c.phase, steps.c.position)
    rows = [StepRow(**row) for row in connection.execute(found).mappings()]
    done = [row for row in rows if row.phase == "do"]
    return tuple(done + [row for row in reversed(rows) if row.phase == "undo"])


def write_step(
    connection: sa.Connection, run_id: str, phase: str, position: int, *, began: float | None = None, **values: object
) -> None:
    """Add or change what is known of a step; `began` is when it did, for one of which nothing was known (else now)."""
    wanted = (steps.c.run_id == run_id, steps.c.phase == phase, steps.c.position == position)
    if connection.execute(sa.update(steps).where(*wanted).values(**values)).rowcount == 0:
        first = {
            "run_id": run_id,
            "phase": phase,
            "position": position,
            "started_at": now(connection) if began is None else began,
        }
        connection.execute(sa.insert(steps).values(**(first | values)))


def _run(row: sa.RowMapping) -> Run:
    return Run(**(dict(row) | {"spec": RunbookSpec.model_validate(row["spec"])}))
