"""The fake pager as something to start."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from failsoft.testing.pager.desk import Delivery, Desk, PagedAlert, event_errors
from failsoft.testing.serving import Fault, Faults, Served, cut_connection

__all__ = ["FakePager"]

_EVENTS = "/v2/enqueue"
_WEBHOOK = "/webhook"
_LARGEST = 512 * 1024


class FakePager(Served):
    """PagerDuty's Events API v2 on a real socket, and beside it a generic webhook that takes any JSON.

    It checks events as PagerDuty does, opens, acknowledges and resolves alerts by dedup key, and opens a new alert when
    a key is triggered again after its resolution. It does not do: change events, incidents, escalation, rate limits of
    its own (see `fail_next`).

    >>> import asyncio
    >>> from failsoft.clients.pager import PagerDuty, PageEvent
    >>> from failsoft.clients.secrets import Secret
    >>> async def story():
    ...     async with FakePager() as fake:
    ...         pager = PagerDuty(Secret("k" * 32), url=fake.events_url)
    ...         await pager.send(PageEvent("trigger", "key-1", "critical", "users wait", "chat"))
    ...         await pager.send(PageEvent("resolve", "key-1", "critical", "users wait", "chat"))
    ...         return [(alert.summary, alert.state) for alert in fake.alerts()]
    >>> asyncio.run(story())
    [('users wait', 'resolved')]

    Args:
        routing_keys: the keys that it knows; any of 32 characters by default.
        port: the port on 127.0.0.1; a free one by default.
    """

    def __init__(self, *, routing_keys: Iterable[str] | None = None, port: int = 0) -> None:
        super().__init__(port=port)
        self._known = None if routing_keys is None else frozenset(routing_keys)
        self._desk = Desk()
        self._faults = Faults()
        self._deliveries: list[Delivery] = []

    @property
    def events_url(self) -> str:
        """Where events go."""
        return self.url + _EVENTS

    @property
    def webhook_url(self) -> str:
        """Where the generic webhook is."""
        return self.url + _WEBHOOK

    def alerts(self, *, state: str | None = None) -> tuple[PagedAlert, ...]:
        """The alerts as they stand, oldest first: all, or those in one state."""
        return tuple(alert for alert in tuple(self._desk.alerts) if state in {None, alert.state})

    def deliveries(self, *, action: str | None = None) -> tuple[Delivery, ...]:
        """Every request that came, refused ones included: all, or those with one `event_action` (`action`)."""
        return tuple(item for item in tuple(self._deliveries) if action in {None, _action(item.body)})

    @property
    def posts(self) -> tuple[Any, ...]:
        """The JSON documents that the webhook accepted, oldest first."""
        return tuple(
            item.body
            for item in tuple(self._deliveries)
            if item.path == _WEBHOOK and item.status < 300  # noqa: PLR2004
        )

    def fail_next(self, status: int, *, retry_after: int | None = None, delay: float = 0.0, times: int = 1) -> None:
        """Refuse the next requests with an HTTP status, such as 429; nothing of them takes effect."""
        self._act(lambda: self._faults.add("", Fault(status=status, retry_after=retry_after, delay=delay, times=times)))

    def drop_reply(self, *, times: int = 1) -> None:
        """Accept the next requests, then cut the connection without an answer."""
        self._act(lambda: self._faults.add("", Fault(drop_reply=True, times=times)))

    def summary(self) -> str:
        """What has happened so far, for the text of a failed wait."""
        return (
            f"{len(self._deliveries)} deliveries; alerts: {[(alert.summary, alert.state) for alert in self.alerts()]}"
        )

    def application(self) -> web.Application:
        """The application that is served."""
        application = web.Application(client_max_size=4 * _LARGEST)
        application.router.add_post(_EVENTS, self._handle)
        application.router.add_post(_WEBHOOK, self._handle)
        application.router.add_get("/_fake/alerts", self._told_alerts)
        application.router.add_get("/_fake/deliveries", self._told_deliveries)
        application.router.add_post("/_fake/fail", self._told_to_fail)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        fault = self._faults.take("") or Fault()
        if fault.delay:
            await asyncio.sleep(fault.delay)
        body = _parsed(raw)
        if fault.status is not None:
            answer, status = {"status": "throttle exceeded" if fault.status == 429 else "fault"}, fault.status  # noqa: PLR2004
        elif request.path == _WEBHOOK:
            answer, status = ({}, 200) if body is not None else ({"error": "no JSON"}, 400)
        else:
            answer, status = self._enqueue(raw, body)
        self._deliveries.append(Delivery(request.path, body, status, dict(request.headers)))
        self._changed()
        if fault.drop_reply:
            return cut_connection(request)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return web.json_response(answer, status=status, headers=headers)

    def _enqueue(self, raw: bytes, body: object) -> tuple[dict[str, Any], int]:
        if len(raw) > _LARGEST:
            return {"status": "payload too large"}, 413
        if errors := event_errors(body, self._known):
            return {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}, 400
        assert isinstance(body, dict)  # noqa: S101 - event_errors says so
        return {"status": "success", "message": "Event processed", "dedup_key": self._desk.take(body)}, 202

    async def _told_alerts(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(alert) for alert in self.alerts()])

    async def _told_deliveries(self, _: web.Request) -> web.Response:
        listed = [{"path": item.path, "body": item.body, "status": item.status} for item in self._deliveries]
        return web.json_response(listed)

    async def _told_to_fail(self, request: web.Request) -> web.Response:
        """The arguments of `fail_next`, as JSON."""
        self.fail_next(**await request.json())
        return web.json_response({})


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _action(body: object) -> object:
    return (body.get("event_action") or body.get("action")) if isinstance(body, dict) else None
