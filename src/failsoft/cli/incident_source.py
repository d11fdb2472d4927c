"""The incidents that `failsoft serve` keeps, as an experiment looks at them; two loops that do not know each other."""

from typing import Any

import sqlalchemy as sa
from pydantic.alias_generators import to_camel

from failsoft.chaos.incidents import Ask, Incident, StepSeen
from failsoft.runbooks.store import schema
from failsoft.runbooks.store.engine import database_url, is_sqlite, open_engine, reading
from failsoft.runbooks.store.migrations import migrated
from failsoft.workspace import Workspace

__all__ = ["StoredIncidents", "stored_incidents"]

_ACTS = frozenset({"scale", "shift_traffic"})


def stored_incidents(workspace: Workspace, url: str = "") -> "StoredIncidents | None":
    """The incidents in the workspace's database, or in that of a URL; None where nothing was ever served there.

    Raises:
        UnavailableError: the database does not answer.
        UsageError: the URL is none of a database that failsoft knows.
    """
    engine = open_engine(url or database_url(workspace))
    if is_sqlite(engine):
        from pathlib import Path

        if not Path(engine.url.database or "").is_file():
            return None
    return StoredIncidents(engine) if migrated(engine) else None


class StoredIncidents:
    """Incidents read from the tables of `failsoft serve`; nothing is written."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def incidents(self, model: str, *, since: float) -> tuple[Incident, ...]:
        """Those of a model that were opened since, oldest first. Raises `UnavailableError`."""
        table = schema.incidents
        wanted = sa.select(table).where(table.c.model == model, table.c.opened_at >= since).order_by(table.c.opened_at)
        with reading(self._engine) as connection:
            return tuple(_incident(connection, row) for row in connection.execute(wanted).all())


def _incident(connection: sa.Connection, row: sa.Row[Any]) -> Incident:
    runs = connection.execute(
        sa.select(schema.runs).where(schema.runs.c.incident_id == row.id).order_by(schema.runs.c.created_at)
    ).all()
    asks = [ask for run in runs for ask in _asks(connection, run)]
    pages = sa.select(schema.timeline.c.at).where(
        schema.timeline.c.incident_id == row.id, schema.timeline.c.kind == "page"
    )
    asks += [Ask(row.team, "paged", at) for at in connection.scalars(pages)]
    return Incident(
        id=str(row.id),
        slo=row.slo,
        model=row.model,
        team=row.team,
        opened_at=row.opened_at,
        closed_at=row.resolved_at,
        runbook=runs[0].runbook if runs else "",
        steps=tuple(step for run in runs for step in _steps(connection, run)),
        asks=tuple(sorted(asks, key=lambda ask: ask.at)),
    )


def _steps(connection: sa.Connection, run: sa.Row[Any]) -> list[StepSeen]:
    table = schema.steps
    # the last phase by name is the undo, which comes after all that was done
    wanted = sa.select(table).where(table.c.run_id == run.id).order_by(table.c.phase, table.c.position)
    declared = run.spec.get("steps", [])
    return [
        StepSeen(
            name=_name(declared, step.position, step.kind) + (" (undo)" if step.phase == "undo" else ""),
            type=to_camel(step.kind),
            acts=step.kind in _ACTS,
            started_at=step.started_at,
            ended_at=None if step.ended_at is None else max(step.started_at, step.ended_at),
            outcome=step.state,
            detail=step.said.splitlines()[0] if step.said else "",
        )
        for step in connection.execute(wanted).all()
    ]


def _name(declared: list[dict[str, Any]], position: int, kind: str) -> str:
    named = declared[position].get("name") if 0 <= position < len(declared) else None
    return str(named or to_camel(kind))


def _asks(connection: sa.Connection, run: sa.Row[Any]) -> list[Ask]:
    table = schema.approvals
    wanted = sa.select(table).where(table.c.run_id == run.id).order_by(table.c.asked_at)
    return [
        Ask(
            team=run.team,
            how="asked",
            at=asked.asked_at,
            answer="" if asked.state == "waiting" else asked.state,
            by=asked.decided_by or "",
            answered_at=asked.decided_at,
        )
        for asked in connection.execute(wanted).all()
    ]
