"""The fake as something to start: the Web API, Socket Mode, and what a test or a demo does with them."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from failsoft.testing.serving import Fault, Faults, Served, cut_connection
from failsoft.testing.slack.admin import admin_routes
from failsoft.testing.slack.clicks import click_payload
from failsoft.testing.slack.methods import METHODS
from failsoft.testing.slack.sockets import Envelope, SocketMode
from failsoft.testing.slack.workspace import Call, Message, SlackSays, Workspace

__all__ = ["FakeSlack"]

type Json = dict[str, Any]

_CHANNELS = {"C0INCIDENTS": "incidents"}
_USERS = {"U0ONCALL": "oncall", "U0OTHER": "other", "U0STRANGER": "stranger"}


class FakeSlack(Served):
    """A Slack workspace on a real socket: the Web API under `/api/` and Socket Mode, for an unmodified slack-bolt.

    It keeps messages, judges their blocks as Slack does (limits, unknown keys), checks tokens, hands out Socket Mode
    addresses that work once, and lets a test click buttons. What it does not do: scopes, Enterprise Grid, files,
    modals, slash commands, the Events API, rate limits of its own (see `fail_next`), blocks other than section, header,
    context, actions with buttons, and divider.

    >>> import asyncio
    >>> from slack_sdk.web.async_client import AsyncWebClient
    >>> async def story():
    ...     async with FakeSlack() as slack:
    ...         client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    ...         await client.chat_postMessage(channel="#incidents", text="users wait")
    ...         return [message.text for message in slack.messages()]
    >>> asyncio.run(story())
    ['users wait']

    Args:
        bot_token: the token that the Web API accepts.
        app_token: the token that `apps.connections.open` accepts.
        channels: names of channels by id.
        users: names of people by id.
        port: the port on 127.0.0.1; a free one by default.
        record: a file to which every call of the Web API is appended as one JSON line.
    """

    def __init__(  # noqa: PLR0913 - each has a default, and a test names the one it needs
        self,
        *,
        bot_token: str = "xoxb-fake",  # noqa: S107 - the fake has no secrets
        app_token: str = "xapp-fake",  # noqa: S107
        channels: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
        port: int = 0,
        record: Path | None = None,
    ) -> None:
        super().__init__(port=port)
        self.bot_token, self.app_token = bot_token, app_token
        self._workspace = Workspace(channels or _CHANNELS, users or _USERS)
        self._sockets = SocketMode(self._changed)
        self._faults = Faults()
        self._record = record

    @property
    def api_url(self) -> str:
        """The `base_url` for a Slack client."""
        return f"{self.url}/api/"

    # What is there.

    def messages(self, channel: str | None = None) -> tuple[Message, ...]:
        """The messages of a channel (or of all) as they stand after all updates, oldest first; no ephemeral ones."""
        return self._workspace.messages(channel)

    def ephemeral(self, user: str | None = None) -> tuple[Message, ...]:
        """The ephemeral messages so far: all, or those that one person saw."""
        return self._workspace.ephemeral(None if user is None else self.user_id(user))

    def thread(self, message: Message) -> tuple[Message, ...]:
        """The replies in the thread of a message, oldest first."""
        return tuple(reply for reply in self.messages(message.channel) if reply.thread_ts == message.ts)

    def calls(self, method: str | None = None) -> tuple[Call, ...]:
        """The calls of the Web API so far, oldest first."""
        return tuple(call for call in tuple(self._workspace.calls) if method in {None, call.method})

    @property
    def channels(self) -> Mapping[str, str]:
        """Names of channels by id."""
        return self._workspace.channels

    @property
    def users(self) -> Mapping[str, str]:
        """Names of people by id."""
        return self._workspace.users

    @property
    def connections(self) -> int:
        """How many Socket Mode connections were ever made."""
        return self._sockets.connections

    @property
    def connected(self) -> int:
        """How many Socket Mode connections are open now."""
        return self._sockets.connected

    @property
    def envelopes(self) -> tuple[Envelope, ...]:
        """What was sent over Socket Mode so far."""
        return tuple(self._sockets.envelopes.values())

    def user_id(self, user: str) -> str:
        """The id of a person given by id or by name."""
        for identifier, name in self._workspace.users.items():
            if user in {identifier, name}:
                return identifier
        raise LookupError(f"nobody here is called {user!r}")

    def summary(self) -> str:
        """What has happened so far, for the text of a failed wait."""
        calls = ", ".join(f"{call.method} {call.answer.get('error', 'ok')}" for call in self.calls()[-8:]) or "none"
        return f"{self.connected} connected; {len(self.messages())} messages; last calls: {calls}"

    # What a person, or Slack, does.

    async def click(self, user: str, message: Message, action: str) -> Envelope:
        """Let a person click a button, given by its action id or its label.

        The message is clicked as it is given: an old state of it is what a person with a slow phone sees.

        Raises:
            LookupError: the message shows no such button, or there is no such person.
            ConnectionError: no app is connected.
        """
        button, user = message.button(action), self.user_id(user)
        place, person = (message.channel, self.channels[message.channel]), (user, self.users[user])
        payload = click_payload(message, button, person=person, place=place)
        payload["response_url"] = f"{self.url}/response/{message.ts}"
        return await self._there(self._sockets.send(payload))

    async def duplicate_envelope(self, envelope: Envelope) -> None:
        """Send an envelope once more, as Slack does when it saw no acknowledgement in time."""
        await self._there(self._sockets.deliver(envelope))

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell the app that its connections are about to be closed, as Slack does every few hours."""
        await self._there(self._sockets.disconnect(reason))

    def cut_connections(self) -> None:
        """Cut all Socket Mode connections without a word."""
        self._act(self._sockets.cut)

    def fail_next(  # noqa: PLR0913 - the ways in which a call can fail
        self,
        method: str,
        status: int | None = None,
        *,
        error: str = "",
        retry_after: int | None = None,
        delay: float = 0.0,
        times: int = 1,
    ) -> None:
        """Let the next calls of a method fail: with an HTTP status, or with an error in Slack's form.

        The method `link` is the handshake of Socket Mode. A delay alone makes the answer late.
        """
        fault = Fault(status=status, error=error, retry_after=retry_after, delay=delay, times=times)
        self._act(lambda: self._faults.add(method, fault))

    def drop_reply(self, method: str, *, times: int = 1) -> None:
        """Do what the next calls of a method ask for, then cut the connection without an answer."""
        self._act(lambda: self._faults.add(method, Fault(drop_reply=True, times=times)))

    async def wait_connected(self, *, within: float = 10.0) -> None:
        """Wait until an app is connected over Socket Mode."""
        await self.wait_for(lambda: self.connected > 0, within=within)

    async def assert_acked_within(self, seconds: float, *envelopes: Envelope) -> None:
        """Assert that the envelopes (all so far by default) were acknowledged within so many seconds; waits for it."""
        asked = envelopes or self.envelopes
        await self.wait_for(lambda: all(envelope.acked_at for envelope in asked), within=seconds)
        slow = {envelope.id: took for envelope in asked if (took := envelope.ack_seconds or 0.0) > seconds}
        assert not slow, f"acknowledged too late: {slow}"  # noqa: S101 - its purpose

    # How it answers.

    def application(self) -> web.Application:
        """The application that is served."""
        application = web.Application()
        application.router.add_route("*", "/api/{method}", self._handle)
        application.router.add_get("/link", self._link)
        application.router.add_post("/response/{id}", self._response)
        application.router.add_routes(admin_routes(self))
        application.on_shutdown.append(lambda _: self._sockets.close())
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(arguments.pop("token", ""))
        fault = self._faults.take(method) or Fault()
        if fault.delay:
            await asyncio.sleep(fault.delay)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.status is not None or fault.error:
            error = fault.error or ("ratelimited" if fault.status == web.HTTPTooManyRequests.status_code else "fault")
            answer, status = {"ok": False, "error": error}, fault.status or 200
        else:
            answer, status = self._answer(method, token, arguments), 200
        self._note(Call(method, arguments, answer, status, time.time()))
        return (
            cut_connection(request) if fault.drop_reply else web.json_response(answer, status=status, headers=headers)
        )

    def _answer(self, method: str, token: str, arguments: Json) -> Json:
        try:
            self._check_token(method, token)
            if method == "apps.connections.open":
                return {"ok": True, "url": f"ws://127.0.0.1:{self._port}/link?ticket={self._sockets.ticket()}"}
            return {"ok": True} | METHODS.get(method, _unknown)(self._workspace, arguments)
        except SlackSays as says:
            return says.answer

    def _check_token(self, method: str, token: str) -> None:
        if not token:
            raise SlackSays("not_authed")
        wanted, form = (self.app_token, "xapp-") if method.startswith("apps.") else (self.bot_token, "xoxb-")
        if not token.startswith(form):
            raise SlackSays("not_allowed_token_type")
        if token != wanted:
            raise SlackSays("invalid_auth")

    def _note(self, call: Call) -> None:
        self._workspace.calls.append(call)
        if self._record is not None:
            line = {"at": call.at, "method": call.method, "arguments": call.arguments, "answer": call.answer}
            with self._record.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
        self._changed()

    async def _link(self, request: web.Request) -> web.StreamResponse:
        if (fault := self._faults.take("link")) is not None:
            return web.Response(status=fault.status or 503)
        return await self._sockets.handle(request)

    async def _response(self, request: web.Request) -> web.StreamResponse:
        self._note(Call("response_url", await _arguments(request), {"ok": True}, 200, time.time()))
        return web.json_response({"ok": True})


def _unknown(_: Workspace, __: Mapping[str, Any]) -> Json:
    raise SlackSays("unknown_method")


async def _arguments(request: web.Request) -> Json:
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await request.json()
    else:
        arguments |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    return arguments
