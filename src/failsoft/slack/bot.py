"""The bot: it hears the buttons over Socket Mode, acknowledges first, and lets somebody else decide."""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from failsoft.clients.secrets import Secret
from failsoft.clients.slack import SLACK_URL, SlackPoster
from failsoft.errors import FailsoftError, TemporaryError
from failsoft.slack.messages import APPROVE, DENY

__all__ = ["Click", "ClickReply", "Decisions", "SlackBot"]

_log = logging.getLogger(__name__)

_ACTIONS: dict[str, Literal["approve", "deny"]] = {APPROVE: "approve", DENY: "deny"}
_TRIES = 3
_LONGEST_PAUSE = 2.0
_REMEMBERED = 1024
_LAST_ANSWERS = 10.0

_FAILED = (
    "Your answer could *not* be recorded: {why}. Click again in a minute, or answer with `failsoft approve` or"
    " `failsoft deny`."
)


@dataclass(frozen=True, slots=True)
class Click:
    """One click on Approve or Deny. What it says is what Slack says; nothing of it is checked yet.

    Attributes:
        token: the opaque id of the question.
        clicked_at: seconds since the epoch, by Slack's clock.
    """

    action: Literal["approve", "deny"]
    token: str
    user_id: str
    user_name: str
    channel: str
    message_ts: str
    thread_ts: str
    clicked_at: float


@dataclass(frozen=True, slots=True)
class ClickReply:
    """What is said to the person, in Slack's mark-up: to them alone, or to all in the thread."""

    text: str
    ephemeral: bool = True


class Decisions(Protocol):
    """Who decides whether a click counts, and records it."""

    async def decide(self, click: Click) -> ClickReply:
        """Judge and record one click. It may come twice, late, from anybody, and after a restart.

        Raises:
            TemporaryError: it could not be recorded now; it is asked again a few times.
        """


class SlackBot:
    """The bot of one workspace, to be run in the server's event loop.

    >>> import asyncio
    >>> from failsoft.testing import FakeSlack
    >>> class Everything:
    ...     async def decide(self, click):
    ...         return ClickReply(f"{click.user_name} may {click.action} it")
    >>> async def story():
    ...     async with FakeSlack() as slack:
    ...         bot = SlackBot(
    ...             bot_token=Secret(slack.bot_token),
    ...             app_token=Secret(slack.app_token),
    ...             decisions=Everything(),
    ...             base_url=slack.api_url,
    ...         )
    ...         button = {"type": "button", "text": {"type": "plain_text", "text": "Deny"}, "value": "id-1"}
    ...         async with bot.running():
    ...             await slack.wait_connected()
    ...             blocks = [{"type": "actions", "elements": [button | {"action_id": "failsoft.deny"}]}]
    ...             await bot.poster.post("C0INCIDENTS", text="?", blocks=blocks)
    ...             await slack.click("oncall", slack.messages()[0], "Deny")
    ...             await slack.wait_for(lambda: slack.ephemeral("oncall"))
    ...             return slack.ephemeral("oncall")[0].text
    >>> asyncio.run(story())
    'oncall may deny it'

    Args:
        bot_token: xoxb-..., with the scope `chat:write`.
        app_token: xapp-..., with the scope `connections:write`.
        decisions: who decides.
        base_url: Slack's address, or that of a fake.
        ping_interval: seconds between signs of life; a connection without any for four of them is renewed.
    """

    def __init__(
        self,
        *,
        bot_token: Secret,
        app_token: Secret,
        decisions: Decisions,
        base_url: str = SLACK_URL,
        ping_interval: float = 10.0,
    ) -> None:
        self.poster = SlackPoster(bot_token, base_url=base_url)
        self._bot_token = bot_token
        self._app_token = app_token
        self._decisions = decisions
        self._base_url = base_url
        self._ping_interval = ping_interval
        self._seen: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket: Any = None

    async def connected(self) -> bool:
        """Whether clicks can reach us now."""
        return self._socket is not None and bool(await self._socket.is_connected())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the bot in this event loop. It connects, and connects again, by itself, whether Slack answers or not.

        Raises:
            PermanentError: Slack refuses a token.
        """
        from failsoft.slack.socket import SocketConnection

        try:
            await self.poster.identity()
        except TemporaryError as error:
            _log.warning("Slack is not there yet; the bot will connect when it is: %s", error)
        socket = SocketConnection(
            bot_token=self._bot_token,
            app_token=self._app_token,
            base_url=self._base_url,
            ping_interval=self._ping_interval,
            on_action=self._on_action,
        )
        self._socket = socket
        try:
            async with socket.open():
                yield
        finally:
            self._socket = None
            await self._finish()

    def _on_action(self, body: Mapping[str, Any]) -> None:
        """Called after the acknowledgement, in the event loop; must not block."""
        try:
            click = _click(body)
        except (LookupError, TypeError, ValueError):
            _log.warning("an interaction that is no click of ours was ignored")
            return
        if click is None:
            return
        name = (click.action, click.token, click.user_id, click.message_ts, f"{click.clicked_at:.6f}")
        if name in self._seen:
            _log.info("Slack delivered a click of %s again; it was heard already", click.user_id)
            return
        self._seen[name] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        self._spawn(self._answer(click))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, click: Click) -> None:
        try:
            reply = await self._decided(click)
        except FailsoftError as error:
            _log.warning("a click of %s could not be recorded: %s", click.user_id, error)
            reply = ClickReply(_FAILED.format(why="failsoft's database or its engine does not answer"))
        except Exception:  # noqa: BLE001 - see below
            # Decisions are somebody else's code; the person must hear that the answer is lost.
            _log.exception("a click of %s broke the one who decides", click.user_id)
            reply = ClickReply(_FAILED.format(why="failsoft has a defect there"))
        if not reply.text:
            return
        thread = click.thread_ts or None
        try:
            if reply.ephemeral:
                await self.poster.ephemeral(click.channel, click.user_id, text=reply.text, thread_ts=thread)
            else:
                await self.poster.post(click.channel, text=reply.text, thread_ts=thread or click.message_ts)
        except FailsoftError as error:
            _log.warning("%s could not be told about the click: %s", click.user_id, error)

    async def _decided(self, click: Click) -> ClickReply:
        for _ in range(_TRIES - 1):
            try:
                return await self._decisions.decide(click)
            except TemporaryError as error:
                await asyncio.sleep(min(error.delay, _LONGEST_PAUSE))
        return await self._decisions.decide(click)

    async def _finish(self) -> None:
        """Let clicks that were acknowledged be recorded before the loop ends."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=_LAST_ANSWERS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _click(body: Mapping[str, Any]) -> Click | None:
    """The click of a `block_actions` payload; None for another app's or another button's."""
    action = body["actions"][0]
    if action["action_id"] not in _ACTIONS:
        return None
    user, container = body["user"], body["container"]
    return Click(
        action=_ACTIONS[action["action_id"]],
        token=str(action["value"]),
        user_id=str(user["id"]),
        user_name=str(user.get("username") or user.get("name") or user["id"]),
        channel=str(container.get("channel_id") or body["channel"]["id"]),
        message_ts=str(container["message_ts"]),
        thread_ts=str(container.get("thread_ts") or (body.get("message") or {}).get("thread_ts") or ""),
        clicked_at=float(action.get("action_ts") or time.time()),
    )
