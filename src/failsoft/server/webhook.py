"""POST /webhook/alertmanager: 200 only for what is committed, 503 where a retry can help, 4xx only for garbage.

Alertmanager sends again after 5xx and broken connections, and never after 4xx: a 4xx loses alerts. So everything that
may pass, a slow sender and a secret that cannot be read included, is answered 503.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from failsoft.clients.secrets import Secret
from failsoft.errors import FailsoftError, PermanentError, TemporaryError
from failsoft.runbooks.alerts import Delivery, parse

__all__ = ["Intake", "Limits", "Observer", "Webhook"]

_log = logging.getLogger(__name__)


class Intake(Protocol):
    """Who takes a delivery in."""

    async def receive(self, delivery: Delivery) -> object:
        """Commit the delivery durably, then return. It may come twice, and in any order.

        Cancelled when the sender has waited long enough; the commit may still happen then.
        Raises `TemporaryError` where it could not be committed now.
        """


class Observer(Protocol):
    """Who counts what the webhook answers."""

    def answered(self, status: int, seconds: float, alerts: int) -> None:
        """One request was answered with the HTTP status after so many seconds; so many alerts were committed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one delivery may cost.

    Attributes:
        body: bytes; Alertmanager itself has no limit, a group of 1,000 alerts has about 1 MB.
        reading: seconds for the whole body to arrive.
        commit: seconds for the intake; with `reading` out of the way it keeps the answer within 2 seconds.
    """

    body: int = 8 * 1024 * 1024
    reading: float = 10.0
    commit: float = 1.6


class Webhook:
    """The endpoint; `answer` is its handler.

    Args:
        intake: who commits.
        secret: gives the shared secret, which may change while we run; None lets everybody in.
        observer: who counts.
        limits: what one delivery may cost.
    """

    def __init__(
        self,
        intake: Intake,
        *,
        secret: Callable[[], Secret] | None,
        observer: Observer,
        limits: Limits | None = None,
    ) -> None:
        self._intake = intake
        self._secret = secret
        self._observer = observer
        self._limits = limits or Limits()

    async def answer(self, request: Request) -> Response:
        """Answer one POST."""
        started = time.monotonic()
        answer, alerts = await self._answer(request)
        self._observer.answered(answer.status_code, time.monotonic() - started, alerts)
        return answer

    async def _answer(self, request: Request) -> tuple[Response, int]:
        refusal = self._refused(request)
        if refusal is not None:
            return refusal, 0
        body = await self._body(request)
        if isinstance(body, Response):
            return body, 0
        try:
            delivery = parse(body)
        except PermanentError as error:
            _log.warning("a webhook was refused: %s", error)
            return _said(400, str(error)), 0
        return await self._committed(delivery)

    def _refused(self, request: Request) -> Response | None:
        if self._secret is None:
            return None
        try:
            expected = f"Bearer {self._secret().reveal()}".encode()
        except PermanentError as error:
            _log.error("webhooks cannot be let in: %s", error)
            return _said(503, "the webhook's secret cannot be read here")
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        if hmac.compare_digest(given, expected):
            return None
        _log.warning("a webhook from %s did not show the secret", request.client.host if request.client else "nowhere")
        return _said(
            401, "the Authorization header does not carry the webhook's secret", {"WWW-Authenticate": "Bearer"}
        )

    async def _body(self, request: Request) -> bytes | Response:
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._limits.body:
            return self._too_large()
        read = bytearray()
        try:
            async with asyncio.timeout(self._limits.reading):
                async for chunk in request.stream():
                    read += chunk
                    if len(read) > self._limits.body:
                        return self._too_large()
        except TimeoutError:
            return _said(503, f"the body did not arrive within {self._limits.reading:g} s", {"Connection": "close"})
        except ClientDisconnect:
            return _said(503, "the sender hung up")
        return bytes(read)

    def _too_large(self) -> Response:
        _log.warning("a webhook of more than %d bytes was refused", self._limits.body)
        return _said(413, f"more than {self._limits.body} bytes", {"Connection": "close"})

    async def _committed(self, delivery: Delivery) -> tuple[Response, int]:
        try:
            async with asyncio.timeout(self._limits.commit):
                await self._intake.receive(delivery)
        except TimeoutError:
            return _unavailable(f"not committed within {self._limits.commit:g} s", 1.0)
        except TemporaryError as error:
            return _unavailable(str(error), error.delay)
        except FailsoftError as error:
            # Whatever our own house refuses is our fault or passes; the sender did nothing wrong.
            return _unavailable(str(error), 5.0)
        except Exception:  # noqa: BLE001 - a defect of the intake, somebody else's code, must not lose the alert
            _log.exception("the intake broke on a delivery of %d alerts", len(delivery.alerts))
            return _unavailable("failsoft has a defect there", 5.0)
        return _said(200, "committed"), len(delivery.alerts)


def _unavailable(why: str, delay: float) -> tuple[Response, int]:
    _log.warning("a delivery was not committed: %s", why)
    return _said(503, "not committed; send it again", {"Retry-After": str(max(1, round(delay)))}), 0


def _said(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"status": status, "message": message}, status, headers=headers)
