"""The fake's own HTTP interface under `/_fake/`: for a demo in another process that looks at messages and clicks."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from failsoft.testing.slack.page import channel_page
from failsoft.testing.slack.stage import SlackStage
from failsoft.testing.slack.workspace import Message

__all__ = ["admin_routes", "told"]

type Json = dict[str, Any]


def told(message: Message) -> Json:
    """A message as JSON."""
    return {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.user,
        "text": message.text,
        "visible": message.visible,
        "blocks": list(message.blocks),
        "edits": message.edits,
        "only_for": message.only_for,
        "buttons": [
            {"label": button.label, "action_id": button.action_id, "value": button.value} for button in message.buttons
        ],
    }


def admin_routes(slack: SlackStage) -> list[web.RouteDef]:
    """The routes, for one fake."""
    admin = _Admin(slack)
    return [
        web.get("/_fake/messages", admin.messages),
        web.get("/_fake/ephemeral", admin.ephemeral),
        web.get("/_fake/status", admin.status),
        web.get("/_fake/wait/message", admin.wait_message),
        web.get("/_fake/wait/ephemeral", admin.wait_ephemeral),
        web.get("/_fake/wait/connected", admin.wait_connected),
        web.get("/_fake/page", admin.page),
        web.post("/_fake/click", admin.click),
        web.post("/_fake/disconnect", admin.disconnect),
        web.post("/_fake/fail", admin.fail),
    ]


class _Admin:
    def __init__(self, slack: SlackStage) -> None:
        self._slack = slack

    async def messages(self, request: web.Request) -> web.Response:
        return web.json_response([told(message) for message in self._slack.messages(request.query.get("channel"))])

    async def ephemeral(self, request: web.Request) -> web.Response:
        return web.json_response([told(message) for message in self._slack.ephemeral(request.query.get("user"))])

    async def status(self, _: web.Request) -> web.Response:
        envelopes = [
            {"id": envelope.id, "ack_seconds": envelope.ack_seconds, "sent": len(envelope.sent_at)}
            for envelope in self._slack.envelopes
        ]
        calls = [{"method": call.method, "error": call.answer.get("error", "")} for call in self._slack.calls()]
        status = {"connected": self._slack.connected, "connections": self._slack.connections}
        return web.json_response(status | {"envelopes": envelopes, "calls": calls})

    async def wait_message(self, request: web.Request) -> web.Response:
        """Wait for the newest message with a button (`action`) and a text (`text`), at most `within` seconds."""
        action, text = request.query.get("action", ""), request.query.get("text", "")

        def found() -> Message | None:
            for message in reversed(self._slack.messages(request.query.get("channel"))):
                if text in message.visible and (not action or _shows(message, action)):
                    return message
            return None

        return await self._waited(request, lambda: (message := found()) and told(message))

    async def wait_ephemeral(self, request: web.Request) -> web.Response:
        """Wait until `user` (or anybody) was told something alone; gives all of it."""
        user = request.query.get("user")
        return await self._waited(request, lambda: [told(message) for message in self._slack.ephemeral(user)])

    async def wait_connected(self, request: web.Request) -> web.Response:
        """Wait until an app is connected over Socket Mode."""
        return await self._waited(request, lambda: self._slack.connected)

    async def _waited(self, request: web.Request, predicate: Callable[[], object]) -> web.Response:
        try:
            return web.json_response(
                await self._slack.wait_for(predicate, within=float(request.query.get("within", "30")))
            )
        except TimeoutError as error:
            return web.json_response({"error": str(error)}, status=408)

    async def click(self, request: web.Request) -> web.Response:
        """Let `user` click `action` on the message `ts`, or on the newest one that shows it."""
        wanted: Json = await request.json()
        action, ts = wanted["action"], wanted.get("ts")
        for message in reversed(self._slack.messages(wanted.get("channel"))):
            if ts in {None, message.ts} and _shows(message, action):
                break
        else:
            return web.json_response({"error": f"no message shows a button {action!r}"}, status=404)
        try:
            envelope = await self._slack.click(wanted["user"], message, action)
            await self._slack.wait_for(lambda: envelope.acked_at, within=float(wanted.get("within", 3.0)))
        except (LookupError, ConnectionError, TimeoutError) as error:
            return web.json_response({"error": str(error)}, status=409)
        return web.json_response({"envelope": envelope.id, "ack_seconds": envelope.ack_seconds, "ts": message.ts})

    async def disconnect(self, _: web.Request) -> web.Response:
        await self._slack.disconnect()
        return web.json_response({})

    async def fail(self, request: web.Request) -> web.Response:
        """The arguments of `fail_next`, as JSON."""
        self._slack.fail_next(**await request.json())
        return web.json_response({})

    async def page(self, request: web.Request) -> web.Response:
        slack = self._slack
        channel = request.query.get("channel") or next(iter(slack.channels))
        shown = (*slack.messages(channel), *(item for item in slack.ephemeral() if item.channel == channel))
        page = channel_page(slack.channels.get(channel, channel), shown, slack.users)
        return web.Response(text=page, content_type="text/html")


def _shows(message: Message, action: str) -> bool:
    return any(action in {button.action_id, button.label} for button in message.buttons)
