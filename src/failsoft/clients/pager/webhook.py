"""Paging through a generic JSON webhook: incident.io, Rootly, JSM or a script of one's own."""

from http import HTTPStatus
from typing import Any

from failsoft.clients.pager.port import PageEvent
from failsoft.clients.secrets import Secret
from failsoft.clients.web import Server

__all__ = ["WebhookPager"]


class WebhookPager:
    """A pager that posts each event as one JSON document; implements the port `Pager`.

    The document is `{"version": 1, "action", "dedup_key", "severity", "summary", "source", "links": [{"href", "text"}],
    "details": {}}`. Any 2xx is an acceptance.

    Args:
        url: where to post; a Secret where the address itself is the key.
        token: sent as a bearer token.
        timeout: seconds for one event.
    """

    def __init__(self, url: str | Secret, *, token: Secret | None = None, timeout: float = 10.0) -> None:
        self._url = url if isinstance(url, Secret) else Secret(url, reference=url)
        self._token = token
        headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        where = self._url if isinstance(url, Secret) else url
        self._server = Server(f"the pager webhook at {where}", timeout, headers)

    async def send(self, event: PageEvent) -> None:
        """As the port says."""
        answer = await self._server.ask("POST", self._url.reveal(), json=_document(event))
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            said = self._url.redact(answer.excerpt)
            raise self._server.refusal(answer, said=said if self._token is None else self._token.redact(said))


def _document(event: PageEvent) -> dict[str, Any]:
    return {
        "version": 1,
        "action": event.action,
        "dedup_key": event.dedup_key,
        "severity": event.severity,
        "summary": event.summary,
        "source": event.source,
        "links": [{"href": link.href, "text": link.text} for link in event.links],
        "details": dict(event.details),
    }
