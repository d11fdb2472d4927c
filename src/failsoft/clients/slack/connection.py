"""How a connection to Slack's Web API is made: the SDK's client with retries and proxies as failsoft wants them."""

import urllib.request
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientConnectorError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.http_retry.builtin_interval_calculators import FixedValueRetryIntervalCalculator
from slack_sdk.web.async_client import AsyncWebClient

from failsoft.clients.secrets import Secret
from failsoft.clients.web import retry_after

__all__ = ["connect", "proxy_for"]

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def connect(token: Secret | None, *, base_url: str, timeout: float = 10.0, patience: float = 3.0) -> AsyncWebClient:
    """A client of the Web API.

    It retries where nothing was sent (no connection), and a 429 where Slack asks for at most `patience` seconds. It
    does not retry a request whose answer was lost, since the message may be there: see `SlackPoster.find`.

    Args:
        token: the token for each call; None where it comes with the call.
        base_url: Slack's address, or that of a fake.
        timeout: seconds for one request.
        patience: the longest pause that is waited out in here.
    """
    client = AsyncWebClient(
        None if token is None else token.reveal(),
        base_url=base_url,
        timeout=max(1, round(timeout)),
        retry_handlers=[
            AsyncConnectionErrorRetryHandler(2, FixedValueRetryIntervalCalculator(0.3), [ClientConnectorError]),
            _PatientRateLimitHandler(patience),
        ],
    )
    client.proxy = proxy_for(base_url)
    return client


def proxy_for(url: str) -> str | None:
    """The proxy for an address, from the environment. The SDK itself would ignore NO_PROXY."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return urllib.request.getproxies().get(scheme)


class _PatientRateLimitHandler(AsyncRateLimitErrorRetryHandler):
    """The SDK's handler sleeps as long as Slack says; a longer pause belongs to the caller, who knows what is due."""

    def __init__(self, patience: float) -> None:
        super().__init__(max_retry_count=2)
        self._patience = patience

    async def _can_retry_async(self, **given: Any) -> bool:
        if not await super()._can_retry_async(**given):
            return False
        headers = {key: value[0] for key, value in given["response"].headers.items()}
        return retry_after(headers, otherwise=1.0) <= self._patience
