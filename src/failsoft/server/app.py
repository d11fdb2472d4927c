"""The web application: webhook, metrics, health, readiness."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from failsoft.alerts.alertmanager import WEBHOOK_PATH
from failsoft.clients.secrets import Secret
from failsoft.errors import FailsoftError
from failsoft.runbooks.stats import Stats
from failsoft.server.metrics import Metrics
from failsoft.server.webhook import Intake, Limits, Webhook

__all__ = ["Backend", "create_app"]

_STATS_WITHIN = 1.5


@dataclass(frozen=True, slots=True)
class Backend:
    """What the application stands on.

    Attributes:
        intake: who commits deliveries.
        stats: what the database holds; raises `FailsoftError` where it does not answer.
        unready: why no work can be done yet, in words; empty where it can.
        secret: gives the webhook's shared secret; None lets everybody in.
        limits: what one delivery may cost.
    """

    intake: Intake
    stats: Callable[[], Awaitable[Stats]]
    unready: Callable[[], str]
    secret: Callable[[], Secret] | None = None
    limits: Limits | None = None


def create_app(backend: Backend, metrics: Metrics) -> Starlette:
    """The application; it holds no state beside `metrics`."""
    webhook = Webhook(backend.intake, secret=backend.secret, observer=metrics, limits=backend.limits)

    async def show_metrics(request: Request) -> Response:
        try:
            async with asyncio.timeout(_STATS_WITHIN):
                metrics.database.stats = await backend.stats()
        except (FailsoftError, TimeoutError):
            metrics.database.stats = None
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), media_type=content_type)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        why = backend.unready()
        return PlainTextResponse(why + "\n", 503) if why else PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route(WEBHOOK_PATH, webhook.answer, methods=["POST"]),
            Route("/metrics", show_metrics, methods=["GET"]),
            Route("/healthz", healthy, methods=["GET"]),
            Route("/readyz", ready, methods=["GET"]),
        ]
    )
