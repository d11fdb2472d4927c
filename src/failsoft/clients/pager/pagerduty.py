"""Paging through PagerDuty's Events API v2 (https://developer.pagerduty.com/docs/events-api-v2/overview)."""

import json
from http import HTTPStatus
from typing import Any

from failsoft.clients.pager.port import PageEvent, shortened
from failsoft.clients.secrets import Secret
from failsoft.clients.web import Answer, Server
from failsoft.errors import PermanentError, UnavailableError

__all__ = ["PAGERDUTY_URL", "PagerDuty"]

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"

# PagerDuty's own limits: summary 1024 characters, dedup key 255, body 512 KB.
_SUMMARY = 1024
_DEDUP_KEY = 255
_BODY = 512 * 1024
# PagerDuty's advice for a 429 without Retry-After: "retrying 3 times with each request being 30 seconds apart".
_PAUSE = 30.0


class PagerDuty:
    """A pager that sends to one PagerDuty integration; implements the port `Pager`.

    Args:
        routing_key: the integration's key (32 characters).
        url: where events go; another one for PagerDuty's EU region, or for a test.
        timeout: seconds for one event.
    """

    def __init__(self, routing_key: Secret, *, url: str = PAGERDUTY_URL, timeout: float = 10.0) -> None:
        self._key = routing_key
        self._url = url
        self._server = Server("PagerDuty", timeout)

    async def send(self, event: PageEvent) -> None:
        """As the port says."""
        if len(event.dedup_key) > _DEDUP_KEY:
            raise PermanentError(
                f"a dedup key has at most {_DEDUP_KEY} characters, this one has {len(event.dedup_key)}"
            )
        answer = await self._server.ask("POST", self._url, json=self._document(event))
        if answer.status == HTTPStatus.ACCEPTED:
            self._check_reply(answer)
            return
        said = self._key.redact(_said(answer))
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            # A page believed sent is the worst outcome: a proxy's friendly 200 page is not an acceptance.
            raise PermanentError(f"{self._url} answered {answer.status} and is not PagerDuty's Events API v2: {said}")
        raise self._server.refusal(answer, said=said, delay=_PAUSE)

    def _check_reply(self, answer: Answer) -> None:
        try:
            accepted = json.loads(answer.body)["status"] == "success"
        except (ValueError, LookupError, TypeError):
            accepted = False
        if not accepted:
            said = self._key.redact(answer.excerpt)
            raise UnavailableError(f"PagerDuty answered 202, but without its acceptance: {said}", delay=_PAUSE)

    def _document(self, event: PageEvent) -> dict[str, Any]:
        document: dict[str, Any] = {
            "routing_key": self._key.reveal(),
            "event_action": event.action,
            "dedup_key": event.dedup_key,
        }
        if event.action != "trigger":
            return document
        document["payload"] = {
            "summary": shortened(event.summary, _SUMMARY) or "failsoft pages without a summary",
            "source": event.source or "failsoft",
            "severity": event.severity,
            "custom_details": dict(event.details),
        }
        document["client"] = "failsoft"
        document["links"] = [{"href": link.href, "text": link.text} for link in event.links]
        return _fitted(document)


def _fitted(document: dict[str, Any]) -> dict[str, Any]:
    """The document within the body's limit: the longest details are cut first, for the summary must arrive."""
    details: dict[str, str] = document["payload"]["custom_details"]
    limit = 16_384
    while len(json.dumps(document)) > _BODY and limit:
        limit //= 2
        details = {key: value if len(value) <= limit else f"{value[:limit]}… (cut)" for key, value in details.items()}
        document["payload"]["custom_details"] = details
    if len(json.dumps(document)) > _BODY:
        document["payload"]["custom_details"] = {"details": "left out, for they were too long"}
        document["links"] = document["links"][:10]
    return document


def _said(answer: Answer) -> str:
    """PagerDuty's own words: its message and its errors, else the beginning of the body."""
    try:
        reply = json.loads(answer.body)
        return "; ".join([str(reply["message"]), *map(str, reply.get("errors", []))])
    except (ValueError, LookupError, TypeError, AttributeError):
        return answer.excerpt
