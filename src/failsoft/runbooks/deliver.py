"""Delivering what is in the outbox: pages and messages, each lane in order, again until the other side has it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from failsoft.clients.pager import Link, PageEvent, Pager
from failsoft.errors import PermanentError, TemporaryError
from failsoft.runbooks.store import approvals, incidents, outbox
from failsoft.runbooks.store.engine import reading, transaction
from failsoft.runbooks.store.outbox import Letter
from failsoft.runbooks.store.schema import incidents as incident_table
from failsoft.runbooks.store.schema import timeline
from failsoft.runbooks.views import Announcer, Entry, IncidentCard, MessageRef, incident_card, question_card
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
        pagers: by the name of the team.
        announcer: None where nobody is told but by pages.
    """

    engine: sa.Engine
    workspace: Workspace
    pagers: Mapping[str, Pager]
    announcer: Announcer | None

    async def deliver(self) -> int:
        """Send the first letter of every lane that is due; how many there were. Raises `UnavailableError`."""
        letters = await asyncio.to_thread(self._due)
        await asyncio.gather(*(self._one(letter) for letter in letters))
        return len(letters)

    def _due(self) -> tuple[Letter, ...]:
        with reading(self.engine) as connection:
            if not outbox.waiting(connection):
                return ()
        with transaction(self.engine) as connection:
            return outbox.due(connection, _AT_ONCE, _HOLD_S)

    async def _one(self, letter: Letter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._send(letter)
        except (TemporaryError, TimeoutError) as error:
            delay = getattr(error, "delay", 1.0)
            delay = max(delay, min(2.0**letter.attempts, _LONGEST_DELAY_S)) if letter.attempts else delay
            _log.warning("a %s could not be sent, again in %.0f s: %s", letter.kind, delay, error)
            await asyncio.to_thread(self._note, outbox.postpone, letter, delay, str(error))
        except PermanentError as error:
            _log.error("a %s will never be sent: %s", letter.kind, error)  # the text says it all
            await asyncio.to_thread(self._note, outbox.bury, letter, str(error))
        except Exception as error:  # noqa: BLE001  # see below
            # pagers and announcers are other people's code: a defect there must not stop the other lanes
            _log.exception("a %s broke the one who sends it", letter.kind)
            delay = min(2.0**letter.attempts, _LONGEST_DELAY_S)
            await asyncio.to_thread(self._note, outbox.postpone, letter, delay, f"{type(error).__name__}: {error}")

    async def _send(self, letter: Letter) -> None:
        if letter.kind == "page":
            await self._page(letter.payload)
            await asyncio.to_thread(self._note, outbox.sent, letter)
            return
        if self.announcer is None:
            await asyncio.to_thread(self._note, outbox.sent, letter)
            return
        card, thread = await asyncio.to_thread(self._card, letter.payload["incident"])
        posted = None
        if letter.kind == "incident":
            posted = await self.announcer.incident(card, thread)
        elif thread is None:
            raise PermanentError("the incident's first message was never posted")
        elif letter.kind == "entry":
            await self.announcer.entry(card, await asyncio.to_thread(self._entry, letter.payload["entry"]), thread)
        else:
            posted = await self._ask(self.announcer, card, thread, letter.payload["approval"])
        await asyncio.to_thread(self._posted, letter, posted)

    async def _page(self, payload: Mapping[str, Any]) -> None:
        pager = self.pagers.get(payload["team"])
        if pager is None:
            raise PermanentError(f"the team {payload['team']} has no pager")
        fields = ("action", "dedup_key", "severity", "summary", "source", "details")
        links = tuple(Link(*link) for link in payload["links"])
        await pager.send(PageEvent(links=links, **{name: payload[name] for name in fields}))

    async def _ask(self, announcer: Announcer, card: IncidentCard, thread: MessageRef, number: int) -> MessageRef:
        def read() -> Any:
            with reading(self.engine) as connection:
                asked = approvals.approval(connection, number)
                return question_card(connection, self.workspace, asked), asked.posted

        question, posted = await asyncio.to_thread(read)
        return await announcer.question(card, question, thread, MessageRef(**posted) if posted else None)

    def _card(self, number: int) -> tuple[IncidentCard, MessageRef | None]:
        with reading(self.engine) as connection:
            card = incident_card(connection, self.workspace, number)
            found = incidents.incident(connection, number)
        if card is None or found is None:
            raise PermanentError(f"there is no incident {number}")
        return card, MessageRef(**found.posted) if found.posted else None

    def _entry(self, number: int) -> Entry:
        with reading(self.engine) as connection:
            row = connection.execute(sa.select(timeline).where(timeline.c.id == number)).one()
        return Entry(row.id, row.at, row.kind, row.text)

    def _posted(self, letter: Letter, posted: MessageRef | None) -> None:
        """Note the sending and where the message is in one go, so that it is edited and not posted again."""
        with transaction(self.engine) as connection:
            outbox.sent(connection, letter)
            if posted is None:
                return
            where = {"channel": posted.channel, "ts": posted.ts}
            if letter.kind == "incident":
                wanted = incident_table.c.id == letter.payload["incident"]
                connection.execute(sa.update(incident_table).where(wanted).values(posted=where))
            else:
                approvals.change_approval(connection, letter.payload["approval"], posted=where)

    def _note(self, note: Any, letter: Letter, *more: Any) -> None:
        with transaction(self.engine) as connection:
            note(connection, letter, *more)
