"""The client of one Alertmanager's API v2."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from failsoft.clients.secrets import Secret
from failsoft.clients.web import Answer, Server
from failsoft.errors import FailsoftError, UnavailableError

__all__ = ["Alert", "Alertmanager"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as Alertmanager holds it; the two times are aware datetimes, `state` is its word for it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = ""
    fingerprint: str = ""
    state: str = ""
    receivers: tuple[str, ...] = ()


class Alertmanager:
    """One Alertmanager. Every method raises `UnavailableError` when it does not answer as one, in time.

    Args:
        url: where its page is, such as `http://alertmanager:9093`; a path prefix is kept.
        timeout: seconds for one whole exchange.
        token: sent as a bearer token where a proxy in front asks for one.
    """

    def __init__(self, url: str, *, timeout: float = 10.0, token: Secret | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        self._server = Server(f"Alertmanager at {self.url}", timeout, headers)

    async def ready(self) -> bool:
        """Whether it answers and says that it is ready."""
        try:
            answer = await self._server.ask("GET", f"{self.url}/-/ready")
        except FailsoftError:
            return False
        return answer.status == HTTPStatus.OK

    async def version(self) -> str:
        """The version it reports in its status."""
        status = self._parsed(await self._server.ask("GET", f"{self.url}/api/v2/status"))
        try:
            return str(status["versionInfo"]["version"])
        except (KeyError, TypeError, IndexError):
            raise UnavailableError(f"{self._server.name} gave a status without a version") from None

    async def alerts(self, matcher: str | None = None) -> tuple[Alert, ...]:
        """The alerts it holds, silenced and inhibited ones too.

        Args:
            matcher: one matcher in Alertmanager's own words, such as `severity="page"`.
        """
        params = {"filter": matcher} if matcher else None
        listed = self._parsed(await self._server.ask("GET", f"{self.url}/api/v2/alerts", params=params))
        try:
            return tuple(_alert(item) for item in listed)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnavailableError(f"{self._server.name} gave alerts in an unknown form ({error!r})") from None

    async def post(self, *alerts: Alert) -> None:
        """Post alerts: firing while `ends_at` is in the future or None (then for its `resolve_timeout`).

        Raises:
            PermanentError: it refuses them (a bad label name, for example).
        """
        answer = await self._server.ask(
            "POST", f"{self.url}/api/v2/alerts", json=[_document(alert) for alert in alerts]
        )
        if answer.status != HTTPStatus.OK:
            raise self._server.refusal(answer)

    def _parsed(self, answer: Answer) -> Any:
        if answer.status != HTTPStatus.OK:
            raise self._server.refusal(answer)
        try:
            return json.loads(answer.body)
        except ValueError:
            raise UnavailableError(f"{self._server.name} did not answer in JSON: is it an Alertmanager?") from None


def _alert(item: Mapping[str, Any]) -> Alert:
    return Alert(
        labels=dict(item["labels"]),
        annotations=dict(item["annotations"]),
        starts_at=datetime.fromisoformat(item["startsAt"]),
        ends_at=datetime.fromisoformat(item["endsAt"]),
        generator_url=item.get("generatorURL") or "",
        fingerprint=item["fingerprint"],
        state=item["status"]["state"],
        receivers=tuple(receiver["name"] for receiver in item["receivers"]),
    )


def _document(alert: Alert) -> dict[str, Any]:
    document: dict[str, Any] = {"labels": dict(alert.labels), "annotations": dict(alert.annotations)}
    for key, moment in (("startsAt", alert.starts_at), ("endsAt", alert.ends_at)):
        if moment is not None:
            document[key] = moment.astimezone(UTC).isoformat()
    if alert.generator_url:
        document["generatorURL"] = alert.generator_url
    return document
