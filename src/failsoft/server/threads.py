"""One Slack thread for each incident: its first message edited in place, questions and what happens below it."""

import time
from datetime import UTC, datetime

from failsoft.clients.slack import SlackPoster
from failsoft.clients.slack.mrkdwn import escaped, moment
from failsoft.errors import PermanentError, UnavailableError
from failsoft.runbooks.views import Entry, IncidentCard, MessageRef, QuestionCard
from failsoft.server.cards import approval_view, decision_view, incident_view
from failsoft.server.channels import Channels
from failsoft.slack import Rendered, approval_request, approval_result, incident_message

__all__ = ["SlackThreads"]


class SlackThreads:
    """Tells people about incidents in Slack; implements the runbooks' `Announcer`.

    A message whose posting was interrupted, by a lost answer or by our own end, is looked for before it is posted
    again; where the app lacks the scope to look (`channels:history`), it is posted again.

    Args:
        poster: the bot's mouth.
        channels: knows the ids of channels.
    """

    def __init__(self, poster: SlackPoster, channels: Channels) -> None:
        self._poster = poster
        self._channels = channels
        self._began = time.time()
        self._doubtful: set[str] = set()

    async def incident(self, card: IncidentCard, at: MessageRef | None) -> MessageRef:
        """As the port says."""
        message = incident_message(incident_view(card))
        if at is not None:
            return await self._edit(at, message)
        channel = await self._channels.id_of(card.channel)
        return await self._post(MessageRef(channel, ""), message, f"incident-{card.number}", card.opened_at)

    async def entry(self, card: IncidentCard, entry: Entry, thread: MessageRef) -> None:  # noqa: ARG002  # the port gives it
        """As the port says."""
        text = f"{moment(datetime.fromtimestamp(entry.at, UTC))}  {escaped(entry.text, lines=True)}"
        await self._post(thread, Rendered(text, ()), f"entry-{entry.number}", entry.at)

    async def question(
        self, card: IncidentCard, question: QuestionCard, thread: MessageRef, at: MessageRef | None
    ) -> MessageRef:
        """As the port says; a question that is decided loses its buttons."""
        approval = approval_view(question, card.team)
        decision = decision_view(question)
        if decision is None:
            message = approval_request(incident_view(card), approval)
        else:
            message = approval_result(approval, decision)
        if at is not None:
            return await self._edit(at, message)
        return await self._post(thread, message, f"question-{question.number}", question.asked_at)

    async def _edit(self, at: MessageRef, message: Rendered) -> MessageRef:
        await self._poster.update(at.channel, at.ts, text=message.text, blocks=message.blocks)
        return at

    async def _post(self, where: MessageRef, message: Rendered, key: str, since: float) -> MessageRef:
        thread = where.ts or None
        if key in self._doubtful or since < self._began:
            found = await self._found(where.channel, key, since, thread)
            if found:
                self._doubtful.discard(key)
                return MessageRef(where.channel, found)
        try:
            posted = await self._poster.post(
                where.channel, text=message.text, blocks=message.blocks, thread_ts=thread, key=key
            )
        except UnavailableError:
            self._doubtful.add(key)
            raise
        self._doubtful.discard(key)
        return MessageRef(posted.channel, posted.ts)

    async def _found(self, channel: str, key: str, since: float, thread: str | None) -> str | None:
        try:
            return await self._poster.find(channel, key, since=since, thread_ts=thread)
        except PermanentError:
            # Without the scope nobody can look; a message twice is better than none.
            return None
