"""The fake's workspace: channels, people and the messages as they stand, without any network."""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from failsoft.testing.slack.blocks import visible_text

__all__ = ["BOT_USER", "Button", "Call", "Message", "SlackSays", "Workspace"]

type Json = dict[str, Any]

BOT_USER = "U0FAILSOFT"


class SlackSays(Exception):  # noqa: N818 - it is Slack's answer, not a failure of the fake
    """Slack's answer `{"ok": false, "error": ...}`, with more keys where Slack adds some."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer: Json = {"ok": False, "error": error, **more}


@dataclass(frozen=True, slots=True)
class Button:
    """A button that a message shows."""

    label: str
    action_id: str
    value: str
    style: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands now.

    Attributes:
        ts: its name within the channel.
        thread_ts: the message that opened its thread; "" at the top level.
        edits: how often it was updated.
        only_for: the person who alone sees it, for an ephemeral message.
    """

    channel: str
    ts: str
    text: str
    blocks: tuple[Json, ...] = ()
    thread_ts: str = ""
    user: str = BOT_USER
    edits: int = 0
    only_for: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def visible(self) -> str:
        """All that a person can read in it, as written in Slack's mark-up."""
        return visible_text(self.blocks) if self.blocks else self.text

    @property
    def buttons(self) -> tuple[Button, ...]:
        """Its buttons, in order."""
        elements = [
            element for block in self.blocks for element in (*block.get("elements", ()), block.get("accessory") or {})
        ]
        return tuple(
            Button(
                label=element["text"]["text"],
                action_id=element.get("action_id", ""),
                value=element.get("value", ""),
                style=element.get("style", ""),
                url=element.get("url", ""),
            )
            for element in elements
            if element.get("type") == "button"
        )

    def button(self, action: str) -> Button:
        """The button with this action id or this label.

        Raises:
            LookupError: there is none, so nobody can click it.
        """
        for button in self.buttons:
            if action in {button.action_id, button.label}:
                return button
        shown = ", ".join(button.label for button in self.buttons) or "none"
        raise LookupError(f"message {self.ts} shows no button {action!r}; its buttons: {shown}")

    def document(self) -> Json:
        """As Slack sends it."""
        document: Json = {"type": "message", "user": self.user, "bot_id": "B0FAILSOFT", "ts": self.ts}
        document |= {"text": self.text, "blocks": list(self.blocks)}
        if self.thread_ts:
            document["thread_ts"] = self.thread_ts
        if self.edits:
            document["edited"] = {"user": self.user, "ts": self.ts}
        if self.metadata:
            document["metadata"] = dict(self.metadata)
        return document


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API: the method, its arguments without the token, and the answer."""

    method: str
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any]
    status: int
    at: float


class Workspace:
    """Channels, people and messages. `channels` and `users` are names by id."""

    def __init__(self, channels: Mapping[str, str], users: Mapping[str, str]) -> None:
        self.channels = dict(channels)
        self.users = dict(users) | {BOT_USER: "failsoft"}
        self.calls: list[Call] = []
        self._messages: dict[tuple[str, str], Message] = {}
        self._ephemeral: list[Message] = []
        self._ticks = itertools.count(1)

    def channel(self, wanted: object, *, by_name: bool = False) -> str:
        """The id of a channel given by id, or by name where Slack takes a name."""
        if wanted in self.channels:
            return str(wanted)
        if by_name:
            for identifier, name in self.channels.items():
                if wanted in {name, f"#{name}"}:
                    return identifier
        raise SlackSays("channel_not_found")

    def user(self, wanted: object) -> str:
        """The id of a person."""
        if wanted not in self.users:
            raise SlackSays("user_not_found")
        return str(wanted)

    def add(self, message: Message) -> Message:
        """Post a message; its `ts` is given here."""
        if message.thread_ts and (message.channel, message.thread_ts) not in self._messages:
            raise SlackSays("thread_not_found")
        posted = replace(message, ts=self._timestamp())
        if posted.only_for:
            self._ephemeral.append(posted)
        else:
            self._messages[posted.channel, posted.ts] = posted
        return posted

    def edit(self, channel: str, ts: str, *, text: str | None, blocks: Sequence[Json] | None) -> Message:
        """Update a message in place. What is not given stays."""
        message = self.find(channel, ts)
        if message.user != BOT_USER:
            raise SlackSays("cant_update_message")
        text = message.text if text is None else text
        blocks = message.blocks if blocks is None else tuple(blocks)
        edited = replace(message, text=text, blocks=tuple(blocks), edits=message.edits + 1)
        self._messages[channel, ts] = edited
        return edited

    def find(self, channel: str, ts: str) -> Message:
        """One message."""
        try:
            return self._messages[channel, ts]
        except KeyError:
            raise SlackSays("message_not_found") from None

    def messages(self, channel: str | None = None) -> tuple[Message, ...]:
        """The messages as they stand, oldest first, without ephemeral ones."""
        return tuple(message for message in tuple(self._messages.values()) if channel in {None, message.channel})

    def ephemeral(self, user: str | None = None) -> tuple[Message, ...]:
        """The ephemeral messages, oldest first: all, or what one person saw."""
        return tuple(message for message in tuple(self._ephemeral) if user in {None, message.only_for})

    def _timestamp(self) -> str:
        # Slack's form: seconds, a dot, and six digits that make it unique within the channel.
        return f"{time.time():.0f}.{next(self._ticks):06d}"
