"""Incidents and the episodes of alerts that belong to them: rows in, rows out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from failsoft.clients.pager import dedup_key
from failsoft.runbooks.store import outbox, timeline
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import episodes, incidents, runs, wakes

__all__ = [
    "Incident",
    "ease",
    "firing",
    "incident",
    "insert_or_ignore",
    "lock_incident",
    "open_incident",
    "page_key",
    "reopen",
    "resolve",
    "stands_for",
    "worsen",
]


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident.

    Attributes:
        state: `open` or `resolved`.
        origin: `alert`, or `hand` for one that a person opened by starting a runbook.
        severity: `page` or `ticket`: the worst of its alerts that fire, and once it is resolved of all it had.
        failure_mode: what the alert stood for that was answered last.
        posted: where its first message is, as the announcer gave it back.
    """

    id: int
    slo: str
    model: str
    team: str
    state: str
    origin: str
    severity: str
    failure_mode: str
    opened_at: float
    resolved_at: float | None
    posted: Mapping[str, Any] | None


def incident(connection: sa.Connection, number: int) -> Incident | None:
    """The incident of that number."""
    row = connection.execute(sa.select(incidents).where(incidents.c.id == number)).mappings().first()
    return None if row is None else Incident(**row)


def lock_incident(connection: sa.Connection, number: int) -> Incident:
    """The incident, locked until the transaction ends; take it before its runs are locked."""
    held = sa.select(incidents).where(incidents.c.id == number).with_for_update(key_share=True)
    return Incident(**connection.execute(held).mappings().one())


def open_incident(connection: sa.Connection, **values: str) -> tuple[Incident, bool]:
    """The open incident of (slo, model), locked, opened where there was none; and whether it is new.

    Args:
        connection: the transaction.
        **values: slo, model, team, origin, severity and failure_mode.
    """
    wanted = sa.and_(
        incidents.c.slo == values["slo"], incidents.c.model == values["model"], incidents.c.state == "open"
    )
    held = sa.select(incidents).where(wanted).with_for_update(key_share=True)
    while (row := connection.execute(held).mappings().first()) is None:
        moment = now(connection)
        # Two transactions may open it at the same time: the unique index lets one, and the other finds it here.
        adding = insert_or_ignore(connection, incidents).values(**values, state="open", opened_at=moment)
        added = connection.execute(adding.returning(incidents)).mappings().first()
        if added is not None:
            return Incident(**added), True
    return Incident(**row), False


def reopen(connection: sa.Connection, slo: str, model: str, began: float, severity: str) -> bool:
    """Open the last incident of (slo, model) again where an alert that began during it is told of only now.

    So it is with a slower tier: while the faster one fires, Alertmanager holds it back.

    Args:
        connection: the transaction.
        slo: its SLO.
        model: its model.
        began: when the alert began, seconds since the epoch.
        severity: of the alert, which alone of the incident's fires now.
    """
    of_both = (incidents.c.slo == slo, incidents.c.model == model)
    last = connection.execute(sa.select(incidents).where(*of_both).order_by(incidents.c.id.desc()).limit(1)).first()
    if last is None or last.state != "resolved" or last.resolved_at < began:
        return False
    again = sa.update(incidents).where(incidents.c.id == last.id, incidents.c.state == "resolved")
    try:
        with connection.begin_nested():
            values = {"state": "open", "resolved_at": None, "severity": severity}
            return bool(connection.execute(again.values(values)).rowcount)
    except sa.exc.IntegrityError:
        return False  # another transaction has just opened the next one, and that is the one to join


def worsen(connection: sa.Connection, found: Incident, severity: str) -> bool:
    """A ticket that becomes a page; whether it did."""
    if found.severity == "page" or severity != "page":
        return False
    connection.execute(sa.update(incidents).where(incidents.c.id == found.id).values(severity=severity))
    return True


def stands_for(connection: sa.Connection, found: Incident, mode: str) -> None:
    """The failure mode that is answered from now on."""
    connection.execute(sa.update(incidents).where(incidents.c.id == found.id).values(failure_mode=mode))


def ease(connection: sa.Connection, found: Incident) -> None:
    """A page that is only a ticket from now on."""
    connection.execute(sa.update(incidents).where(incidents.c.id == found.id).values(severity="ticket"))


def firing(connection: sa.Connection, number: int, *, urgent: bool = False) -> int:
    """How many of the incident's episodes fire, or of those that page."""
    counted = sa.select(sa.func.count()).where(episodes.c.incident_id == number, episodes.c.status == "firing")
    return connection.scalar(counted.where(episodes.c.severity != "ticket") if urgent else counted) or 0


def resolve(connection: sa.Connection, found: Incident, text: str, *, page_too: bool = True) -> None:
    """Close the incident, resolve its page, and wake what waits for an answer that nobody needs any more."""
    moment = now(connection)
    urgent = sa.exists().where(episodes.c.incident_id == found.id, episodes.c.severity != "ticket")
    worst = sa.case((urgent, "page"), else_=incidents.c.severity)
    closed = sa.update(incidents).where(incidents.c.id == found.id)
    connection.execute(closed.values(state="resolved", resolved_at=moment, severity=worst))
    if page_too:
        outbox.put_resolve(connection, page_key(found))
    timeline.tell(connection, "resolved", text, incident=found.id)
    waiting = sa.select(runs.c.id, runs.c.topic).where(
        runs.c.incident_id == found.id, runs.c.state != "ended", runs.c.topic.is_not(None)
    )
    for run in connection.execute(waiting).all():
        connection.execute(sa.insert(wakes).values(run_id=run.id, topic=run.topic, at=moment))


def page_key(found: Incident) -> str:
    """The dedup key of the incident's page: its number alone would come again with a new database."""
    return dedup_key(found.slo, f"{found.model}|{found.id}|{found.opened_at!r}")


def insert_or_ignore(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that does nothing where the row is there already, in the words of the database."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert

        return insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects.postgresql import insert as insert_pg

    return insert_pg(table).on_conflict_do_nothing()
