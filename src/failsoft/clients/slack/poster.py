"""What failsoft says in Slack: posting, updating in place, and telling one person."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from failsoft.clients.secrets import Secret
from failsoft.clients.slack.failures import translated
from failsoft.clients.slack.limits import Block, fitted
from failsoft.clients.slack.mrkdwn import cut
from failsoft.errors import FailsoftError, MissingPartError

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

__all__ = ["SLACK_URL", "Identity", "Posted", "SlackPoster"]

SLACK_URL = "https://slack.com/api/"

_FALLBACK = 3000
_EVENT = "failsoft_message"
# A clock that is a little ahead must not hide a message that was just posted.
_SLACK_CLOCK = 120.0
_PAGES = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is: its ids in the workspace, and the workspace's name."""

    user_id: str
    bot_id: str
    team_id: str
    team: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that was posted.

    Attributes:
        channel: the id of the channel it is in, also where a name was given: only with it can it be edited.
        ts: its name within the channel.
    """

    channel: str
    ts: str


class SlackPoster:
    """The bot's mouth. Texts and blocks are cut to Slack's limits here; whoever makes them escapes outside text.

    Every method raises `TemporaryError` for a rate limit (with Slack's own delay), `UnavailableError` when Slack does
    not answer, and `PermanentError` with what to do when it refuses.

    Args:
        token: the bot token (xoxb-...). Scopes: `chat:write`; for `find` also `channels:history` or `groups:history`.
        base_url: Slack's address, or that of a fake.
        timeout: seconds for one request.
        patience: the longest rate limit pause, in seconds, that is waited out instead of raised.
    """

    def __init__(
        self, token: Secret, *, base_url: str = SLACK_URL, timeout: float = 10.0, patience: float = 3.0
    ) -> None:
        try:
            from failsoft.clients.slack.connection import connect
        except ImportError as error:
            raise MissingPartError("Slack needs more parts: pip install 'failsoft[slack]'") from error
        self._client: AsyncWebClient = connect(token, base_url=base_url, timeout=timeout, patience=patience)

    async def identity(self) -> Identity:
        """Who the bot is, which also proves its token."""
        answer = await self._told("asking who the bot is", self._client.auth_test)
        fields = ("user_id", "bot_id", "team_id", "team")
        return Identity(*(str(answer.get(name) or "") for name in fields))

    async def post(
        self,
        channel: str,
        *,
        text: str,
        blocks: Sequence[Block] = (),
        thread_ts: str | None = None,
        key: str | None = None,
    ) -> Posted:
        """Post a message, in a thread if given. Returns where it is.

        When it raises `UnavailableError` the message may have been posted all the same: `find` tells, given a key.

        Args:
            channel: the channel's id, or its name.
            text: for the notification, and for who cannot see blocks.
            blocks: what is shown.
            thread_ts: the message whose thread it belongs to.
            key: our own name for this message, kept with it where nobody sees it.
        """
        more: dict[str, Any] = {} if thread_ts is None else {"thread_ts": thread_ts}
        if key is not None:
            more["metadata"] = {"event_type": _EVENT, "event_payload": {"key": key}}
        answer = await self._told(
            f"posting to {channel}",
            lambda: self._client.chat_postMessage(
                channel=channel, unfurl_links=False, unfurl_media=False, **_content(text, blocks), **more
            ),
        )
        return Posted(str(answer["channel"]), str(answer["ts"]))

    async def update(self, channel: str, ts: str, *, text: str, blocks: Sequence[Block] = ()) -> None:
        """Replace a message in place. Raises `NotFoundError` when it is gone."""
        content = _content(text, blocks)
        await self._told(
            f"updating {ts} in {channel}", lambda: self._client.chat_update(channel=channel, ts=ts, **content)
        )

    async def ephemeral(self, channel: str, user: str, *, text: str, thread_ts: str | None = None) -> None:
        """Say something to one person only, where they are looking."""
        await self._told(
            f"telling {user} in {channel}",
            lambda: self._client.chat_postEphemeral(
                channel=channel, user=user, thread_ts=thread_ts, **_content(text, ())
            ),
        )

    async def find(self, channel: str, key: str, *, since: float, thread_ts: str | None = None) -> str | None:
        """The `ts` of the message that was posted with this key, or None: for a post whose answer was lost.

        Args:
            channel: the channel's id.
            key: the key given to `post`.
            since: seconds since the epoch, the earliest time at which it can have been posted.
            thread_ts: the thread to look in; without it, the channel's top level.
        """
        given: dict[str, Any] = {"channel": channel, "oldest": f"{since - _SLACK_CLOCK:.6f}", "limit": 200}
        given["include_all_metadata"] = True
        cursor = ""
        for _ in range(_PAGES):
            page = given | ({"cursor": cursor} if cursor else {})
            answer = await self._told(f"reading {channel}", partial(self._read, thread_ts, page))
            for message in answer.get("messages") or []:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == _EVENT and metadata.get("event_payload", {}).get("key") == key:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return None

    async def _read(self, thread_ts: str | None, given: dict[str, Any]) -> "AsyncSlackResponse":
        if thread_ts is None:
            return await self._client.conversations_history(**given)
        return await self._client.conversations_replies(ts=thread_ts, **given)

    async def _told(self, doing: str, call: Callable[[], Awaitable["AsyncSlackResponse"]]) -> "AsyncSlackResponse":
        try:
            return await call()
        except FailsoftError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK raises its own, aiohttp's and, for odd bodies, any errors
            raise translated(error, doing) from None


def _content(text: str, blocks: Sequence[Block]) -> dict[str, Any]:
    # No name, URL or channel in the text is turned into a mention or a link behind our back.
    content: dict[str, Any] = {"text": cut(text, _FALLBACK), "parse": "none", "link_names": False}
    if blocks:
        content["blocks"] = fitted(blocks)
    return content
