"""The timeline: everything that happened, in order, never changed; and what of it is told in the incident's thread."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from failsoft.runbooks.store import outbox
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import timeline

__all__ = ["tell"]


def tell(  # noqa: PLR0913  # one entry has so many parts
    connection: sa.Connection,
    kind: str,
    text: str,
    *,
    incident: int | None,
    run: str | None = None,
    data: Mapping[str, Any] | None = None,
    aloud: bool = True,
) -> None:
    """Add an entry; `aloud` says it in the thread too, where there is an incident.

    The incident's first message is brought up to date either way, for an entry means that something changed.
    """
    added = connection.execute(
        sa.insert(timeline)
        .values(at=now(connection), incident_id=incident, run_id=run, kind=kind, text=text, data=data)
        .returning(timeline.c.id)
    )
    entry = added.scalar_one()
    if incident is not None:
        outbox.put_incident(connection, incident)
        if aloud:
            outbox.put_entry(connection, incident, entry)
