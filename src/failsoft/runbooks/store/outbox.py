"""What is still to be told to the outside world, written in the transaction that made it true, sent afterwards.

Rows of one lane go out in order, one at a time; lanes know nothing of each other, so that pages never wait for Slack.
A row may be sent twice (when a worker dies between sending and noting it), never not at all.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from failsoft.clients.pager import PageEvent
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import outbox

__all__ = [
    "Letter",
    "bury",
    "due",
    "keep_page",
    "page_payload",
    "postpone",
    "put_ask",
    "put_entry",
    "put_incident",
    "put_page",
    "put_resolve",
    "sent",
    "unclaim",
    "waiting",
]


@dataclass(frozen=True, slots=True)
class Letter:
    """A row that this worker has to send now."""

    id: int
    lane: str
    kind: str
    payload: dict[str, Any]
    attempts: int


def put_page(connection: sa.Connection, team: str, event: PageEvent) -> None:
    """Page a team."""
    _put(connection, f"page/{event.dedup_key}", "page", page_payload(team, event))


def put_resolve(connection: sa.Connection, key: str) -> None:
    """Resolve what was paged under that dedup key, if anything was."""
    lane = f"page/{key}"
    last = connection.scalar(
        sa.select(outbox.c.payload).where(outbox.c.lane == lane).order_by(outbox.c.id.desc()).limit(1)
    )
    if last is not None and last["action"] != "resolve":
        _put(connection, lane, "page", last | {"action": "resolve"})


def keep_page(connection: sa.Connection, key: str) -> bool:
    """Take a resolve back that was not sent yet; False where it was, and the pager has forgotten what was paged."""
    newest = sa.select(outbox.c.id, outbox.c.payload).where(outbox.c.lane == f"page/{key}").order_by(outbox.c.id.desc())
    last = connection.execute(newest.limit(1)).first()
    if last is None or last.payload["action"] != "resolve":
        return True
    unsent = (outbox.c.id == last.id, outbox.c.state == "pending", outbox.c.claimed_until.is_(None))
    return bool(connection.execute(sa.delete(outbox).where(*unsent)).rowcount)


def put_incident(connection: sa.Connection, incident: int) -> None:
    """Bring the incident's first message up to date; one waiting row says it for all changes before it is sent."""
    lane = f"slack/{incident}"
    waiting = sa.select(outbox.c.id).where(
        outbox.c.lane == lane,
        outbox.c.kind == "incident",
        outbox.c.state == "pending",
        outbox.c.claimed_until.is_(None),
    )
    if connection.scalar(waiting.limit(1)) is None:
        _put(connection, lane, "incident", {"incident": incident})


def put_entry(connection: sa.Connection, incident: int, entry: int) -> None:
    """Say an entry of the timeline in the incident's thread."""
    _put(connection, f"slack/{incident}", "entry", {"incident": incident, "entry": entry})


def put_ask(connection: sa.Connection, incident: int, approval: int) -> None:
    """Put a question into the thread, or bring it up to date where it stands there."""
    _put(connection, f"slack/{incident}", "ask", {"incident": incident, "approval": approval})


def page_payload(team: str, event: PageEvent) -> dict[str, Any]:
    """A page as JSON."""
    return {
        "team": team,
        "action": event.action,
        "dedup_key": event.dedup_key,
        "severity": event.severity,
        "summary": event.summary,
        "source": event.source,
        "links": [[link.href, link.text] for link in event.links],
        "details": dict(event.details),
    }


def due(connection: sa.Connection, worker: str, limit: int, hold: float) -> tuple[Letter, ...]:
    """The first row of each lane where it is time to try, claimed by a worker, at most for `hold` seconds."""
    moment = now(connection)
    pending = outbox.alias("pending")
    heads = sa.select(sa.func.min(pending.c.id)).where(pending.c.state == "pending").group_by(pending.c.lane)
    free = sa.or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until < moment)
    ready = (
        sa.select(outbox)
        .where(outbox.c.id.in_(heads), outbox.c.next_try <= moment, free)
        .order_by(outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(ready).all()
    if rows:
        connection.execute(
            sa.update(outbox)
            .where(outbox.c.id.in_([row.id for row in rows]))
            .values(claimed_by=worker, claimed_until=moment + hold)
        )
    return tuple(Letter(row.id, row.lane, row.kind, row.payload, row.attempts) for row in rows)


def waiting(connection: sa.Connection) -> bool:
    """Whether there is anything to try now; looking takes no lock."""
    moment = now(connection)
    free = sa.or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until < moment)
    wanted = sa.select(outbox.c.id).where(outbox.c.state == "pending", outbox.c.next_try <= moment, free)
    return connection.scalar(wanted.limit(1)) is not None


def unclaim(connection: sa.Connection, workers: tuple[str, ...]) -> None:
    """What these workers were sending may have been sent or not: it is sent again."""
    sending = sa.and_(outbox.c.claimed_by.in_(workers), outbox.c.state == "pending")
    connection.execute(sa.update(outbox).where(sending).values(claimed_by=None, claimed_until=None))


def sent(connection: sa.Connection, letter: Letter) -> None:
    """The other side has it."""
    _note(connection, letter, state="sent", sent_at=now(connection))


def postpone(connection: sa.Connection, letter: Letter, delay: float, error: str) -> None:
    """Try again after so many seconds."""
    _note(connection, letter, next_try=now(connection) + delay, error=error)


def bury(connection: sa.Connection, letter: Letter, error: str) -> None:
    """It will never be accepted."""
    _note(connection, letter, state="dead", error=error)


def _put(connection: sa.Connection, lane: str, kind: str, payload: dict[str, Any]) -> None:
    moment = now(connection)
    connection.execute(sa.insert(outbox).values(lane=lane, kind=kind, payload=payload, at=moment, next_try=moment))


def _note(connection: sa.Connection, letter: Letter, **values: object) -> None:
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == letter.id)
        .values(attempts=outbox.c.attempts + 1, claimed_by=None, claimed_until=None, **values)
    )
