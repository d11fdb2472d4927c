"""Slack channels by name: messages can be posted to a name, but only be edited and found by the channel's id."""

import re
from typing import Any

from failsoft.clients.secrets import Secret
from failsoft.clients.slack.connection import connect
from failsoft.clients.slack.failures import translated
from failsoft.errors import NotFoundError

__all__ = ["Channels"]

_ID = re.compile(r"[CDG][A-Z0-9]+")
_PAGE = 999
_PAGES = 100


class Channels:
    """The ids of channels, each looked up once.

    Args:
        token: the bot token; with a name of a channel it needs the scopes `channels:read` and, for private channels,
            `groups:read`.
        base_url: Slack's address, or that of a fake.
    """

    def __init__(self, token: Secret, *, base_url: str) -> None:
        self._client = connect(token, base_url=base_url)
        self._known: dict[str, str] = {}

    async def id_of(self, channel: str) -> str:
        """The id of a channel given as `#name`, `name` or id: names have no capitals, ids begin with one.

        Raises:
            NotFoundError: the bot sees no channel of that name.
            FailsoftError: Slack did not answer, or refused.
        """
        if _ID.fullmatch(channel):
            return channel
        name = channel.removeprefix("#")
        if name not in self._known:
            await self._look(name)
        if name not in self._known:
            raise NotFoundError(f"the bot sees no Slack channel {channel}: invite it there, or write the channel's id")
        return self._known[name]

    async def _look(self, name: str) -> None:
        cursor = ""
        for _ in range(_PAGES):
            page = await self._page(cursor)
            self._known |= {str(found["name"]): str(found["id"]) for found in page.get("channels") or ()}
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if name in self._known or not cursor:
                return

    async def _page(self, cursor: str) -> dict[str, Any]:
        more = {"cursor": cursor} if cursor else {}
        try:
            answer = await self._client.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=_PAGE, **more
            )
        except Exception as error:  # noqa: BLE001 - the SDK raises its own and aiohttp's errors
            raise translated(error, "looking for channels") from None
        return dict(answer.data) if isinstance(answer.data, dict) else {}
