"""Numbers about the runbooks, for `/metrics` and for whoever watches the watcher."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from failsoft.runbooks.store import leases, settings
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import approvals, clicks, deliveries, episodes, incidents, outbox, runs, steps

__all__ = ["Stats", "stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """The state of everything, and totals since the database was made.

    Attributes:
        incidents: by state, `open` and `resolved`.
        open_incidents: those that are open, by model.
        runs: by state, with the outcome in place of `ended`.
        questions: by state.
        clicks: honoured and refused.
        letters: by kind and state.
        oldest_letter: seconds for which the oldest letter has been waiting; 0 when none is.
        undriven: the age in seconds of the oldest run that nobody drives; 0 when there is none.
        interrupted: attempts to change something of which nobody knew what came of them.
        unclaimed: episodes that belong to no incident.
        workers: that hold a lease.
        lease_age: seconds since the worker that was asked about renewed its lease; None where it holds none.
        kill_switches: that are on.
    """

    deliveries: int
    incidents: Mapping[str, int]
    open_incidents: Mapping[str, int]
    runs: Mapping[str, int]
    questions: Mapping[str, int]
    clicks: Mapping[str, int]
    letters: Mapping[tuple[str, str], int]
    oldest_letter: float
    undriven: float
    interrupted: int
    unclaimed: int
    workers: int
    lease_age: float | None
    kill_switches: int


def stats(connection: sa.Connection, worker: str, lease: float) -> Stats:
    """Count.

    Args:
        connection: one that only looks.
        worker: the name of the worker whose lease is asked about.
        lease: seconds for which it takes its lease.
    """
    moment = now(connection)
    ending = sa.case((runs.c.state == "ended", runs.c.outcome), else_=runs.c.state)
    letters = connection.execute(
        sa.select(outbox.c.kind, outbox.c.state, sa.func.count()).group_by(outbox.c.kind, outbox.c.state)
    )
    oldest = connection.scalar(sa.select(sa.func.min(outbox.c.at)).where(outbox.c.state == "pending"))
    free = sa.select(sa.func.min(runs.c.created_at)).where(runs.c.state != "ended", runs.c.owner.is_(None))
    undriven = connection.scalar(free)
    left = leases.left(connection, worker)
    return Stats(
        deliveries=_count(connection, sa.select(sa.func.count()).select_from(deliveries)),
        incidents=_by(connection, incidents.c.state),
        open_incidents=_by(connection, incidents.c.model, incidents.c.state == "open"),
        runs=_by(connection, ending),
        questions=_by(connection, approvals.c.state),
        clicks=_by(connection, sa.case((clicks.c.honoured, "honoured"), else_="refused")),
        letters={(kind, state): count for kind, state, count in letters},
        oldest_letter=max(moment - oldest, 0) if oldest else 0.0,
        undriven=max(moment - undriven, 0) if undriven else 0.0,
        interrupted=_count(connection, sa.select(sa.func.coalesce(sa.func.sum(steps.c.interrupted), 0))),
        unclaimed=_count(connection, sa.select(sa.func.count()).where(episodes.c.note != "")),
        workers=leases.alive(connection),
        lease_age=None if left is None else max(lease - left, 0.0),
        kill_switches=len(settings.kills(connection)),
    )


def _by(connection: sa.Connection, what: sa.ColumnElement[str], *those: sa.ColumnElement[bool]) -> dict[str, int]:
    rows = connection.execute(sa.select(what.label("what"), sa.func.count()).where(*those).group_by("what"))
    return {str(key): int(count) for key, count in rows}


def _count(connection: sa.Connection, query: sa.Select[int]) -> int:
    return int(connection.scalar(query) or 0)
