"""Paging through an Alertmanager: an alert is posted, and the routes that are there already page people."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from failsoft.clients.alertmanager import Alert, Alertmanager
from failsoft.clients.pager.port import PageEvent, shortened

__all__ = ["AlertmanagerPager"]

_KEY = "failsoft_page"
# Posted once, not every minute as Prometheus does: so the alert must say itself how long it lasts, for otherwise
# Alertmanager's resolve_timeout (5 minutes by default) resolves it. After a day nobody waits for this page any more.
_LASTS = timedelta(days=1)


class AlertmanagerPager:
    """A pager that posts alerts named `FailsoftPage`; implements the port `Pager`.

    Labels: `alertname`, `severity` (page), `page_severity` (the event's), `source`, `failsoft_page` (the dedup key) and
    the given ones, which lead the alert to the owner's route. An acknowledgement is not a thing of Alertmanager and
    changes nothing there.

    Args:
        alertmanager: the Alertmanager.
        labels: labels for the routes, such as `{"team": "assistants"}`.
    """

    def __init__(self, alertmanager: Alertmanager, *, labels: Mapping[str, str] | None = None) -> None:
        self._alertmanager = alertmanager
        self._labels = dict(labels or {})

    async def send(self, event: PageEvent) -> None:
        """As the port says."""
        if event.action == "trigger":
            await self._alertmanager.post(self._alert(event))
        elif event.action == "resolve":
            await self._resolve(event.dedup_key)

    def _alert(self, event: PageEvent) -> Alert:
        now = datetime.now(UTC)
        labels = {
            "alertname": "FailsoftPage",
            "severity": "page",
            "page_severity": event.severity,
            "source": event.source,
            _KEY: event.dedup_key,
        }
        annotations = {_name(key): value for key, value in event.details.items()}
        annotations["summary"] = shortened(event.summary, 1024)
        annotations |= {f"link_{number}": f"{link.text}: {link.href}" for number, link in enumerate(event.links, 1)}
        return Alert(
            labels=self._labels | labels,
            annotations=annotations,
            starts_at=now,
            ends_at=now + _LASTS,
            generator_url=event.links[0].href if event.links else "",
        )

    async def _resolve(self, key: str) -> None:
        # An alert is its labels. They are read back, so that a changed severity or route cannot leave it open.
        now = datetime.now(UTC)
        open_alerts = await self._alertmanager.alerts(f'{_KEY}="{key}"')
        if open_alerts:
            await self._alertmanager.post(*(replace(alert, ends_at=now) for alert in open_alerts))


def _name(key: str) -> str:
    # Alertmanager before 0.28 refuses the whole alert for an annotation whose name is not a classic label name.
    return re.sub(r"\W", "_", key if key[:1].isalpha() else f"_{key}", flags=re.ASCII)
