"""The kill switch, one for everything and one for each runbook, in the database."""

from dataclasses import dataclass

import sqlalchemy as sa

from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import runs, settings, wakes

__all__ = ["Killed", "kill", "killed", "kills", "revive"]


@dataclass(frozen=True, slots=True)
class Killed:
    """A kill switch that is on; `runbook` is empty for the one that stops everything."""

    runbook: str
    by: str
    at: float

    def __str__(self) -> str:
        what = f"of the runbook {self.runbook}" if self.runbook else "of all runbooks"
        return f"{self.by} turned the kill switch {what} on"


def killed(connection: sa.Connection, runbook: str) -> Killed | None:
    """The kill switch that stops this runbook now, if any."""
    return next((one for one in kills(connection) if one.runbook in {"", runbook}), None)


def kills(connection: sa.Connection) -> tuple[Killed, ...]:
    """All kill switches that are on, the one that stops everything first."""
    rows = connection.execute(
        sa.select(settings).where(settings.c.key.startswith("kill/", autoescape=True)).order_by(settings.c.key)
    )
    return tuple(Killed(row.value["runbook"], row.by, row.at) for row in rows if row.value["on"])


def kill(connection: sa.Connection, runbook: str, by: str) -> None:
    """Turn a kill switch on, and wake every run that it stops."""
    _set(connection, runbook, by, on=True)
    moment = now(connection)
    for run in connection.execute(sa.select(runs).where(runs.c.state != "ended")):
        if run.topic and runbook in {"", run.runbook}:
            connection.execute(sa.insert(wakes).values(run_id=run.id, topic=run.topic, at=moment))


def revive(connection: sa.Connection, runbook: str, by: str) -> None:
    """Turn a kill switch off again; what it stopped stays stopped."""
    _set(connection, runbook, by, on=False)


def _set(connection: sa.Connection, runbook: str, by: str, *, on: bool) -> None:
    key = f"kill/{runbook}"
    values = {"value": {"runbook": runbook, "on": on}, "by": by, "at": now(connection)}
    if connection.execute(sa.update(settings).where(settings.c.key == key).values(values)).rowcount == 0:
        connection.execute(sa.insert(settings).values(key=key, **values))
