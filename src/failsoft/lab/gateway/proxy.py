"""The gateway's HTTP face: streams each request through to a pod, and tries another one before the first byte."""

import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict

from failsoft.lab.gateway.metrics import GatewayMetrics
from failsoft.lab.gateway.routing import Backend, Endpoint, RetryBudget, Table

__all__ = ["Gateway"]

_MAX_TRIES = 3
_CONNECT_S = 1.0
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade"})


@dataclass(slots=True)
class _Exchange:
    """One client's request on its way."""

    request: web.Request
    body: bytes
    asked: str
    begun: float
    backend: str = ""
    sent: str = ""
    status: int = 0
    broken: bool = False
    tried: set[str] = field(default_factory=set)


class Gateway:
    """Reads `table` for every request; whoever follows the cluster replaces it."""

    def __init__(self, route: str, seed: int = 0) -> None:
        self.table = Table()
        self._metrics = GatewayMetrics(route)
        self._budget = RetryBudget()
        self._random = random.Random(seed)  # noqa: S311 (which backend, not a secret)
        self._in_flight: Counter[str] = Counter()
        self._session: ClientSession

    def app(self) -> web.Application:
        """To be served with `handler_cancellation`, so that a client that hangs up ends its request at the engine."""
        app = web.Application(client_max_size=2**24)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics", self._scrape)
        app.router.add_route("*", "/v1/{tail:.*}", self._proxy)
        app.cleanup_ctx.append(self._connect)
        return app

    async def _connect(self, _app: web.Application) -> AsyncIterator[None]:
        timeout = ClientTimeout(total=None, sock_connect=_CONNECT_S)
        async with ClientSession(
            connector=TCPConnector(limit=0), timeout=timeout, auto_decompress=False, trust_env=False
        ) as self._session:
            yield

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _scrape(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(), headers={"Content-Type": _TEXT})

    async def _proxy(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        exchange = _Exchange(request, body, _model(body), time.monotonic())
        self._budget.earn()
        try:
            return await self._answer(exchange)
        finally:
            self._metrics.ended(
                exchange.backend,
                # 499: nginx's and Envoy's word for a client that hung up before it was answered.
                exchange.status or 499,
                asked=exchange.asked,
                sent=exchange.sent,
                seconds=time.monotonic() - exchange.begun,
                broken=exchange.broken,
            )

    async def _answer(self, exchange: _Exchange) -> web.StreamResponse:
        backend = self.table.pick(self._random.random())
        exchange.backend = backend.name if backend else ""
        refusal = "none is ready"
        while backend and (endpoint := self._least_busy(backend, exchange.tried)):
            if exchange.tried and not self._may_retry(exchange, backend, refusal):
                break
            exchange.tried.add(endpoint.pod)
            self._in_flight[endpoint.pod] += 1
            try:
                outcome = await self._try(exchange, endpoint)
            finally:
                self._in_flight[endpoint.pod] -= 1
            if isinstance(outcome, web.StreamResponse):
                return outcome
            refusal = outcome
        exchange.status = HTTPStatus.SERVICE_UNAVAILABLE
        message = f"no pod took the request: {refusal}"
        error = {"message": message, "type": "ServiceUnavailableError", "param": None, "code": exchange.status}
        return web.json_response({"error": error}, status=exchange.status, headers={"Retry-After": "1"})

    async def _try(self, exchange: _Exchange, endpoint: Endpoint) -> web.StreamResponse | str:
        """The answer, or why the pod did not take the request."""
        request = exchange.request
        exchange.sent = endpoint.model if self.table.serves(exchange.asked) else exchange.asked
        try:
            upstream = await self._session.request(
                request.method,
                f"http://127.0.0.1:{endpoint.port}{request.rel_url}",
                data=_with_model(exchange.body, exchange.asked, exchange.sent),
                headers=_passed_on(request.headers),
                allow_redirects=False,
            )
        except (ClientError, TimeoutError):
            # Without a status line the engine has not queued it: vLLM sends its 200 when it does.
            return "no connection"
        async with upstream:
            if upstream.status == HTTPStatus.SERVICE_UNAVAILABLE:
                return "503"
            return await self._relay(exchange, upstream)

    def _may_retry(self, exchange: _Exchange, backend: Backend, reason: str) -> bool:
        may = len(exchange.tried) < _MAX_TRIES and self._budget.spend()
        if may:
            self._metrics.retried(backend.name, reason)
        return may

    async def _relay(self, exchange: _Exchange, upstream: ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(status=upstream.status, headers=_passed_on(upstream.headers))
        exchange.status = upstream.status
        first = upstream.status == HTTPStatus.OK
        try:
            await response.prepare(exchange.request)
            async for chunk in upstream.content.iter_any():
                if first:
                    seconds = time.monotonic() - exchange.begun
                    self._metrics.first_bytes(asked=exchange.asked, sent=exchange.sent, seconds=seconds)
                    first = False
                await response.write(chunk)
            await response.write_eof()
        except ConnectionResetError:
            pass  # from writing: the client hung up, and leaving `upstream` hangs up on the engine
        except ClientError:
            # From reading: the engine went away, and the client must not take what it has for a whole answer.
            exchange.broken = True
            if exchange.request.transport is not None:
                exchange.request.transport.abort()
        return response

    def _least_busy(self, backend: Backend, tried: set[str]) -> Endpoint | None:
        choices = [endpoint for endpoint in backend.endpoints if endpoint.pod not in tried]
        return min(choices, key=lambda each: (self._in_flight[each.pod], self._random.random()), default=None)


def _model(body: bytes) -> str:
    """The model that a body asks for; empty when it is no such body."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    model = document.get("model") if isinstance(document, dict) else None
    return model if isinstance(model, str) else ""


def _with_model(body: bytes, asked: str, sent: str) -> bytes:
    if asked == sent:
        return body
    document: dict[str, Any] = json.loads(body)
    return json.dumps({**document, "model": sent}).encode()


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)
