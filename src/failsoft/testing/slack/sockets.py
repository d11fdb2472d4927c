"""Socket Mode as Slack serves it: one-time tickets, envelopes, acknowledgements, and connections that go away."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

__all__ = ["Envelope", "SocketMode"]

type Json = dict[str, Any]


@dataclass(slots=True)
class Envelope:
    """Something that Slack sent to the app: when it was sent (again), and when it was first acknowledged.

    Times are those of a monotonic clock, in seconds.
    """

    id: str
    payload: Json
    sent_at: list[float] = field(default_factory=list)
    acked_at: list[float] = field(default_factory=list)

    @property
    def ack_seconds(self) -> float | None:
        """Seconds from the first sending to the first acknowledgement; None while there is none."""
        return self.acked_at[0] - self.sent_at[0] if self.acked_at else None


class SocketMode:
    """The connections of the app and the envelopes sent to it.

    Args:
        changed: called after everything that a test may wait for.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._numbers = itertools.count(1)
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._turn = itertools.count()
        self.envelopes: dict[str, Envelope] = {}
        self.connections = 0

    @property
    def connected(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def ticket(self) -> str:
        """A ticket for one connection."""
        ticket = f"ticket-{next(self._numbers)}"
        self._tickets.add(ticket)
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="the ticket was used already, or never given")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self._open.append(socket)
        try:
            await socket.send_json({"type": "hello", "num_connections": self.connected, "debug_info": {}})
            self._changed()
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._acknowledged(json.loads(message.data))
        finally:
            self._open.remove(socket)
            self._changed()
        return socket

    async def send(self, payload: Json) -> Envelope:
        """Send an interaction to one of the connections, as Slack does."""
        envelope = Envelope(f"envelope-{next(self._numbers)}", payload)
        self.envelopes[envelope.id] = envelope
        await self.deliver(envelope)
        return envelope

    async def deliver(self, envelope: Envelope) -> None:
        """Send an envelope, for the first time or again."""
        if not self._open:
            raise ConnectionError("no app is connected: Slack shows the person a warning sign")
        frame = {
            "type": "interactive",
            "envelope_id": envelope.id,
            "payload": envelope.payload,
            "accepts_response_payload": False,
        }
        if envelope.sent_at:
            frame |= {"retry_attempt": len(envelope.sent_at), "retry_reason": "timeout"}
        envelope.sent_at.append(time.monotonic())
        await self._open[next(self._turn) % len(self._open)].send_json(frame)
        self._changed()

    async def disconnect(self, reason: str) -> None:
        """Announce to every connection that it will be closed, and leave the closing to the app."""
        for socket in tuple(self._open):
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})

    def cut(self) -> None:
        """Cut every connection without a word."""
        for socket in tuple(self._open):
            if (transport := socket._req.transport if socket._req else None) is not None:  # noqa: SLF001
                transport.abort()

    async def close(self) -> None:
        """Close every connection."""
        for socket in tuple(self._open):
            await socket.close()

    def _acknowledged(self, frame: Json) -> None:
        envelope = self.envelopes.get(str(frame.get("envelope_id")))
        if envelope is not None:
            envelope.acked_at.append(time.monotonic())
        self._changed()
