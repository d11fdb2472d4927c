"""GET /metrics: what failsoft says about itself, in a registry of its own."""

import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from failsoft import __version__
from failsoft.runbooks.stats import Stats
from failsoft.slo.series import INFO

__all__ = ["Metrics"]

_ACKNOWLEDGED_WITHIN = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0)


class Metrics:
    """The registry and the instruments in it; implements the webhook's `Observer`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.database = Database()
        self.registry.register(self.database)
        ProcessCollector(registry=self.registry)
        Gauge(INFO, "The version that runs.", ["version"], registry=self.registry).labels(__version__).set(1)
        Gauge("failsoft_up", "1 while failsoft serves.", registry=self.registry).set(1)
        self._answers = Counter(
            "failsoft_webhook_requests", "Webhook requests by HTTP status.", ["code"], registry=self.registry
        )
        for status in (200, 400, 401, 413, 503):
            self._answers.labels(str(status))
        self._alerts = Counter("failsoft_webhook_alerts", "Alerts committed from webhooks.", registry=self.registry)
        self._seconds = Histogram(
            "failsoft_webhook_duration_seconds",
            "From a webhook's headers to the answer 200, which follows the commit.",
            buckets=_ACKNOWLEDGED_WITHIN,
            registry=self.registry,
        )
        self._heartbeat = Gauge(
            "failsoft_heartbeat_timestamp_seconds",
            "When the service last found itself at work and its database there; 0 before the first time.",
            registry=self.registry,
        )

    def answered(self, status: int, seconds: float, alerts: int) -> None:
        """Count one answer of the webhook."""
        self._answers.labels(str(status)).inc()
        self._alerts.inc(alerts)
        if status == HTTPStatus.OK:
            self._seconds.observe(seconds)

    def alive(self, at: float | None = None) -> None:
        """Note that the service is at work, now or at a time in seconds since the epoch."""
        self._heartbeat.set(time.time() if at is None else at)

    def watch_slack(self) -> Gauge:
        """The gauge of the connection to Slack, for a workspace that has one."""
        return Gauge("failsoft_slack_connected", "Whether clicks in Slack can reach us.", registry=self.registry)


class Database(Collector):
    """The gauges that come from the database: absent, never zero, while it does not answer.

    Attributes:
        stats: what the next scrapes show; None where the database did not answer.
    """

    def __init__(self) -> None:
        self.stats: Stats | None = None

    def collect(self) -> Iterable[Metric]:
        """The metrics, for the registry."""
        yield _one("failsoft_database_up", "Whether the database answered at this scrape.", self.stats is not None)
        if self.stats is not None:
            yield from _counted(self.stats)


def _counted(stats: Stats) -> Iterable[Metric]:
    yield _one("failsoft_deliveries", "Deliveries of Alertmanager that were committed.", stats.deliveries)
    yield _by("failsoft_incidents", "Incidents.", "state", stats.incidents)
    yield _by("failsoft_incidents_open", "Incidents that are open.", "model", stats.open_incidents)
    yield _by("failsoft_runs", "Runs of runbooks, by state, those that ended by outcome.", "state", stats.runs)
    yield _by("failsoft_questions", "Questions to people.", "state", stats.questions)
    yield _by("failsoft_clicks", "Answers of people, honoured and refused.", "verdict", stats.clicks)
    outbox = GaugeMetricFamily("failsoft_outbox", "Pages and messages.", labels=["kind", "state"])
    for labels, count in sorted(stats.letters.items()):
        outbox.add_metric(labels, count)
    yield outbox
    yield _one("failsoft_outbox_oldest_seconds", "The age of the oldest that is not sent.", stats.oldest_letter)
    yield _one("failsoft_runs_undriven_seconds", "How long a run has waited for a worker.", stats.undriven)
    yield _one("failsoft_steps_interrupted", "Changes of which nobody knew what came of them.", stats.interrupted)
    yield _one("failsoft_episodes_unclaimed", "Episodes of alerts that belong to no incident.", stats.unclaimed)
    yield _one("failsoft_workers", "Workers that hold a lease.", stats.workers)
    if stats.lease_age is not None:
        yield _one("failsoft_lease_age_seconds", "Since this worker renewed its lease.", stats.lease_age)
    yield _one("failsoft_kill_switches", "Kill switches that are on.", stats.kill_switches)


def _one(name: str, text: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(name, text)
    gauge.add_metric([], float(value))
    return gauge


def _by(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value, count in sorted(values.items()):
        gauge.add_metric([value], count)
    return gauge
