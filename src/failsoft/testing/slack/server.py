"""The fake as something to start: the Web API and Socket Mode over HTTP."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from failsoft.testing.serving import Fault, cut_connection
from failsoft.testing.slack.admin import admin_routes
from failsoft.testing.slack.methods import METHODS
from failsoft.testing.slack.stage import SlackStage
from failsoft.testing.slack.workspace import Call, SlackSays, Workspace

__all__ = ["FakeSlack"]

type Json = dict[str, Any]

_CHANNELS = {"C0INCIDENTS": "incidents"}
_USERS = {"U0ONCALL": "oncall", "U0OTHER": "other", "U0STRANGER": "stranger"}


class FakeSlack(SlackStage):
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
        super().__init__(Workspace(channels or _CHANNELS, users or _USERS), port=port)
        self.bot_token, self.app_token = bot_token, app_token
        self._record = record

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
