"""The connection under the bot: slack-bolt's asynchronous Socket Mode, unmodified, opened and closed in one loop."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from failsoft.clients.secrets import Secret
from failsoft.clients.slack.connection import connect, proxy_for
from failsoft.clients.slack.failures import translated
from failsoft.errors import PermanentError

__all__ = ["SocketConnection"]

_log = logging.getLogger(__name__)
_FIRST_TRY = 10.0
_CLOSING = 5.0
_ANYTHING = re.compile(".*", re.DOTALL)

type Ack = Callable[[], Awaitable[Any]]


class SocketConnection:
    """Interactions, acknowledged as they arrive and then handed to `on_action`, which must not block."""

    def __init__(
        self,
        *,
        bot_token: Secret,
        app_token: Secret,
        base_url: str,
        ping_interval: float,
        on_action: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._bot_token = bot_token
        self._app_token = app_token
        self._base_url = base_url
        self._ping_interval = ping_interval
        self._on_action = on_action
        self._client: Any = None

    async def is_connected(self) -> bool:
        """Whether the web socket is open and alive."""
        return self._client is not None and bool(await self._client.is_connected())

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the connection up until the end of the block. Raises PermanentError when the app token is refused."""
        handler = self._handler()
        self._client = handler.client
        background: list[asyncio.Task[Any]] = []
        try:
            await self._first_address()
            background = [asyncio.create_task(handler.connect_async()), asyncio.create_task(self._watch())]
            yield
        finally:
            await self._close(handler, background)

    def _handler(self) -> Any:
        # At INFO: at DEBUG the SDK writes whole payloads, with people's names, into the log.
        logger = logging.getLogger("failsoft.slack.sdk")
        logger.setLevel(logging.INFO)
        client = connect(None, base_url=self._base_url)
        bot_token, on_action = self._bot_token.reveal(), self._on_action

        # Functions, not methods: Bolt chooses the arguments by their names, and would give a `self` too.
        async def authorize() -> AuthorizeResult:
            # One workspace, one token. Bolt's own way asks Slack (auth.test) before the first acknowledgement, which a
            # slow or rate limited Slack would make late.
            return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=bot_token)

        async def acknowledge(ack: Ack, body: Mapping[str, Any]) -> None:
            await ack()
            on_action(body)

        app = AsyncApp(
            name="failsoft", logger=logger, client=client, authorize=authorize, request_verification_enabled=False
        )
        app.action(_ANYTHING)(acknowledge)
        app.event(_ANYTHING)(_ignored)
        handler = AsyncSocketModeHandler(
            app, self._app_token.reveal(), logger=logger, proxy=client.proxy, ping_interval=self._ping_interval
        )
        handler.client.proxy = proxy_for(self._base_url)
        return handler

    async def _first_address(self) -> None:
        """Ask for the first address here, so that a refused token is seen at the start and not only in the log."""
        try:
            async with asyncio.timeout(_FIRST_TRY):
                self._client.wss_uri = await self._client.issue_new_wss_url()
        except Exception as error:  # noqa: BLE001 - the SDK raises its own and aiohttp's errors
            ours = translated(error, "opening the Socket Mode connection")
            if isinstance(ours, PermanentError):
                raise ours from None
            _log.warning("%s; trying on", ours)

    async def _watch(self) -> None:
        """Without a connection, have a new address fetched: one works once, and the SDK tries the same one for ever."""
        while True:
            await asyncio.sleep(self._ping_interval)
            if not await self._client.is_connected():
                self._client.wss_uri = None

    async def _close(self, handler: Any, background: list[asyncio.Task[Any]]) -> None:
        client = handler.client
        for task in background:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await handler.close_async()
        if not client.aiohttp_client_session.closed:
            await client.aiohttp_client_session.close()
        # The SDK cancels its tasks without awaiting them; unawaited they would outlive the loop's orderly end.
        own = (client.message_processor, client.current_session_monitor, client.message_receiver)
        left = [task for task in own if task is not None]
        for unawaited in left:
            unawaited.cancel()
        await asyncio.gather(*background, *left, return_exceptions=True)
        self._client = None


async def _ignored(body: Mapping[str, Any]) -> None:
    _log.debug("an event of type %s was ignored", (body.get("event") or {}).get("type"))
