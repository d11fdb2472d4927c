"""Delivering what is in the outbox: pages and messages, each lane in order, again until the other side has it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from failsoft.clients.pager import Link, PageEvent, Pager
from failsoft.errors import PermanentError, TemporaryError
from failsoft.runbooks.store import approvals, incidents, outbox
from failsoft.runbooks.store.database import Database
from failsoft.runbooks.store.outbox import Letter
from failsoft.runbooks.store.schema import incidents as incident_table
from failsoft.runbooks.store.schema import timeline
from failsoft.runbooks.views import (
    Announcer,
    Entry,
    IncidentCard,
    MessageRef,
    QuestionCard,
    incident_card,
    question_card,
)
from failsoft.workspace import Workspace

__all__ = ["Deliverer"]

_log = logging.getLogger(__name__)

_AT_ONCE = 20
_HOLD_S = 60.0
_TIMEOUT_S = 45.0
_LONGEST_DELAY_S = 300.0


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Sends what is due.

    Attributes:
        worker: who sends; what it is sending when its lease ends is sent again by another.
        pagers: by the name of the team.
        announcer: None where nobody is told but by pages.
    """

    database: Database
    worker: str
    workspace: Workspace
    pagers: Mapping[str, Pager]
    announcer: Announcer | None

    async def deliver(self) -> int:
        """Send the first letter of every lane that is due; how many there were. Raises `UnavailableError`."""
        if not await self.database.read(outbox.waiting):
            return 0
        letters = await self.database.commit(lambda c: outbox.due(c, self.worker, _AT_ONCE, _HOLD_S))
        await asyncio.gather(*(self._one(letter) for letter in letters))
        return len(letters)

    async def _one(self, letter: Letter) -> None:
        note: Callable[[sa.Connection], None]
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                posted = await self._send(letter)
            note = partial(_sent, letter=letter, posted=posted)
        except (TemporaryError, TimeoutError) as error:
            delay = max(getattr(error, "delay", 1.0), _backoff(letter))
            _log.warning("a %s could not be sent, again in %.0f s: %s", letter.kind, delay, error)
            note = partial(outbox.postpone, letter=letter, delay=delay, error=str(error))
        except PermanentError as error:
            _log.error("a %s will never be sent: %s", letter.kind, error)  # the text says it all
            note = partial(outbox.bury, letter=letter, error=str(error))
        except Exception as error:  # noqa: BLE001  # see below
            # pagers and announcers are other people's code: a defect there must not stop the other lanes
            _log.exception("a %s broke the one who sends it", letter.kind)
            told = f"{type(error).__name__}: {error}"
            note = partial(outbox.postpone, letter=letter, delay=max(_backoff(letter), 1.0), error=told)
        await self.database.commit(note)

    async def _send(self, letter: Letter) -> MessageRef | None:
        """Send it; where the message now stands, if it is one that is edited later."""
        if letter.kind == "page":
            await self._page(letter.payload)
            return None
        if self.announcer is None:
            return None
        card, thread = await self.database.read(lambda c: self._card(c, letter.payload["incident"]))
        if letter.kind == "incident":
            return await self.announcer.incident(card, thread)
        if thread is None:
            raise PermanentError("the incident's first message was never posted")
        if letter.kind == "ask":
            return await self._ask(self.announcer, card, thread, letter.payload["approval"])
        entry = await self.database.read(lambda c: _entry(c, letter.payload["entry"]))
        await self.announcer.entry(card, entry, thread)
        return None

    async def _page(self, payload: Mapping[str, Any]) -> None:
        pager = self.pagers.get(payload["team"])
        if pager is None:
            raise PermanentError(f"the team {payload['team']} has no pager")
        fields = ("action", "dedup_key", "severity", "summary", "source", "details")
        links = tuple(Link(*link) for link in payload["links"])
        await pager.send(PageEvent(links=links, **{name: payload[name] for name in fields}))

    async def _ask(self, announcer: Announcer, card: IncidentCard, thread: MessageRef, number: int) -> MessageRef:
        def read(connection: sa.Connection) -> tuple[QuestionCard, Mapping[str, Any] | None]:
            asked = approvals.approval(connection, number)
            return question_card(connection, self.workspace, asked), asked.posted

        question, posted = await self.database.read(read)
        return await announcer.question(card, question, thread, MessageRef(**posted) if posted else None)

    def _card(self, connection: sa.Connection, number: int) -> tuple[IncidentCard, MessageRef | None]:
        card = incident_card(connection, self.workspace, number)
        found = incidents.incident(connection, number)
        if card is None or found is None:
            raise PermanentError(f"there is no incident {number}")
        return card, MessageRef(**found.posted) if found.posted else None


def _entry(connection: sa.Connection, number: int) -> Entry:
    row = connection.execute(sa.select(timeline).where(timeline.c.id == number)).one()
    return Entry(row.id, row.at, row.kind, row.text)


def _backoff(letter: Letter) -> float:
    return min(2.0 ** (letter.attempts - 1), _LONGEST_DELAY_S) if letter.attempts else 0.0


def _sent(connection: sa.Connection, letter: Letter, posted: MessageRef | None) -> None:
    """Note the sending and where the message is in one go, so that it is edited and not posted again."""
    outbox.sent(connection, letter)
    if posted is None:
        return
    where = {"channel": posted.channel, "ts": posted.ts}
    if letter.kind == "incident":
        wanted = incident_table.c.id == letter.payload["incident"]
        connection.execute(sa.update(incident_table).where(wanted).values(posted=where))
    else:
        approvals.change_approval(connection, letter.payload["approval"], posted=where)
