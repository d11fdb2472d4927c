"""GET /metrics: what failsoft says about itself, in a registry of its own."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from failsoft import __version__
from failsoft.slo.series import INFO

__all__ = ["Metrics", "Stats"]

_ACKNOWLEDGED_WITHIN = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0)


@dataclass(frozen=True, slots=True)
class Stats:
    """What the database holds at one moment.

    Attributes:
        incidents: open incidents by model.
        runs: runs that have not ended, by state.
        outbox: messages to pagers and Slack that are not delivered yet.
        oldest: the age in seconds of the oldest of them; 0 where there is none.
        dead: messages that were given up.
    """

    incidents: Mapping[str, int] = field(default_factory=dict)
    runs: Mapping[str, int] = field(default_factory=dict)
    outbox: int = 0
    oldest: float = 0.0
    dead: int = 0


class Metrics:
    """The registry and the instruments in it; implements the webhook's `Observer`."""

    def __init__(self, *, models: Iterable[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._models = tuple(models)
        self._stats: Stats | None = None
        ProcessCollector(registry=self.registry)
        build = Gauge(INFO, "The version that runs.", ["version"], registry=self.registry)
        build.labels(__version__).set(1)
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
            "When the worker last wrote to the database that it lives; 0 before the first time.",
            registry=self.registry,
        )
        self.registry.register(_Database(self))

    def answered(self, status: int, seconds: float, alerts: int) -> None:
        """Count one answer of the webhook."""
        self._answers.labels(str(status)).inc()
        self._alerts.inc(alerts)
        if status == HTTPStatus.OK:
            self._seconds.observe(seconds)

    def alive(self, at: float | None = None) -> None:
        """Note that the worker lived, now or at a time in seconds since the epoch."""
        self._heartbeat.set(time.time() if at is None else at)

    def show(self, stats: Stats | None) -> None:
        """What the next scrapes show of the database; None where it did not answer."""
        self._stats = stats

    @property
    def shown(self) -> Stats | None:
        """What is shown now, with every model of the workspace."""
        if self._stats is None:
            return None
        incidents = dict.fromkeys(self._models, 0) | dict(self._stats.incidents)
        return Stats(incidents, self._stats.runs, self._stats.outbox, self._stats.oldest, self._stats.dead)


class _Database(Collector):
    """The gauges that come from the database: absent, never zero, while it does not answer."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        stats = self._metrics.shown
        up = GaugeMetricFamily("failsoft_database_up", "Whether the database answered at this scrape.")
        up.add_metric([], float(stats is not None))
        yield up
        if stats is None:
            return
        yield _by("failsoft_incidents_open", "Open incidents.", "model", stats.incidents)
        yield _by("failsoft_runs", "Runs of runbooks that have not ended.", "state", stats.runs)
        for name, text, value in (
            ("failsoft_outbox_pending", "Messages to pagers and Slack that are not delivered yet.", stats.outbox),
            ("failsoft_outbox_oldest_seconds", "The age of the oldest of them.", stats.oldest),
            ("failsoft_outbox_dead", "Messages that were given up.", stats.dead),
        ):
            gauge = GaugeMetricFamily(name, text)
            gauge.add_metric([], value)
            yield gauge


def _by(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value, count in sorted(values.items()):
        gauge.add_metric([value], count)
    return gauge
