"""Who is alive: each worker renews a lease, and what one whose lease ran out had in hand is free for the others."""

import os
import socket

import sqlalchemy as sa

from failsoft.runbooks.store import outbox
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import leases, runs

__all__ = ["alive", "any_free", "hand_out", "heartbeat", "holds", "left", "reap", "release"]


def heartbeat(connection: sa.Connection, worker: str, lease: float) -> None:
    """Renew the worker's lease for so many seconds, or take a new one where it was reaped."""
    moment = now(connection)
    held = sa.update(leases).where(leases.c.worker == worker).values(expires_at=moment + lease)
    if connection.execute(held).rowcount == 0:
        connection.execute(
            sa.insert(leases).values(
                worker=worker, host=socket.gethostname(), pid=os.getpid(), since=moment, expires_at=moment + lease
            )
        )


def holds(connection: sa.Connection, worker: str) -> bool:
    """Whether the worker's lease runs."""
    seconds = left(connection, worker)
    return seconds is not None and seconds > 0


def left(connection: sa.Connection, worker: str) -> float | None:
    """Seconds for which the worker's lease runs still, less than 0 when it ran out; None where it holds none."""
    expires = connection.scalar(sa.select(leases.c.expires_at).where(leases.c.worker == worker))
    return None if expires is None else expires - now(connection)


def alive(connection: sa.Connection) -> int:
    """How many workers hold a lease."""
    moment = now(connection)
    return connection.scalar(sa.select(sa.func.count()).where(leases.c.expires_at > moment)) or 0


def reap(connection: sa.Connection) -> tuple[str, ...]:
    """End the leases that ran out and free their runs, in one go; the workers that are gone.

    Of several who reap at once, one gets each lease. Freeing moves the fence on, so that a worker which was only
    paused can write nothing more about its runs.
    """
    gone = connection.scalars(
        sa.delete(leases).where(leases.c.expires_at <= now(connection)).returning(leases.c.worker)
    )
    dead = tuple(gone)
    if dead:
        _free(connection, dead)
    return dead


def release(connection: sa.Connection, worker: str) -> None:
    """Give the lease back on a clean exit; its runs are free at once."""
    connection.execute(sa.delete(leases).where(leases.c.worker == worker))
    _free(connection, (worker,))


def any_free(connection: sa.Connection, patience: float) -> bool:
    """Whether there is a run to hand out; looking takes no lock."""
    return connection.scalar(sa.select(runs.c.id).where(_to_hand_out(connection, patience)).limit(1)) is not None


def hand_out(connection: sa.Connection, patience: float) -> tuple[str, ...]:
    """The runs that nobody drives and that nobody was told to drive within `patience` seconds; the caller has to.

    Of several who ask at once, one gets each run. Should the caller die before it acts, they are handed out again
    later: so a run whose start was lost in a crash is found again, whatever was lost.
    """
    taken = sa.update(runs).where(_to_hand_out(connection, patience)).values(handed_at=now(connection))
    found = connection.execute(taken.returning(runs.c.id, runs.c.created_at))
    return tuple(row.id for row in sorted(found, key=lambda row: row.created_at))


def _to_hand_out(connection: sa.Connection, patience: float) -> sa.ColumnElement[bool]:
    lost = sa.or_(runs.c.handed_at.is_(None), runs.c.handed_at < now(connection) - patience)
    return sa.and_(runs.c.state != "ended", runs.c.owner.is_(None), lost)


def _free(connection: sa.Connection, workers: tuple[str, ...]) -> None:
    connection.execute(
        sa.update(runs)
        .where(runs.c.owner.in_(workers), runs.c.state != "ended")
        .values(owner=None, handed_at=None, fence=runs.c.fence + 1)
    )
    outbox.unclaim(connection, workers)
