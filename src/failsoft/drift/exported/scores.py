"""`DriftScores`: what a job that scores rows found out, for `/metrics`, a textfile collector or a Pushgateway.

A score that could not be judged is absent, never NaN and never 0. After an attempt that failed no score is shown, the
time of the last evaluation stands still, and errors grow; a job that is dead shows by the time of its last attempt.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from failsoft.drift.exported import series
from failsoft.drift.exported.earlier import Earlier
from failsoft.drift.judgement import Judged, Limits, Severity

__all__ = ["MOST_FEATURES", "DriftScores"]

MOST_FEATURES = 500
"""Features (or strata of them) that are shown, the worst first; more would be too many series."""

_JUDGED, _TOO_FEW, _FAILED = "judged", "too-few-rows", "failed"


class DriftScores(Collector):
    """The last evaluation of a job as metrics.

    A job that lives long registers it once and shows each evaluation::

        scores = DriftScores("churn", "nightly", every=3600, registry=REGISTRY)
        start_http_server(9108)
        while True:
            with scores.attempt():
                scores.show(judge(compare(count()), Tolerance()))

    Args:
        model: the Model's name.
        monitor: the DriftMonitor's, or what else the job is called.
        every: seconds between two runs, as the job means it: what its being late is measured by.
        registry: where the series go; none, when left out.
        earlier: what an earlier run of the same job had shown, so that errors add up over processes.
        clock: seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913  # two names, and what a registry and a test need
        self,
        model: str,
        monitor: str,
        *,
        every: float,
        registry: CollectorRegistry | None = None,
        earlier: Earlier | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        found = earlier or Earlier()
        self._labels = {"model": model, "monitor": monitor}
        self._every = every
        self._clock = clock
        self._errors = found.errors
        self._evaluated = dict(found.evaluated)
        self._features: tuple[Judged, ...] = ()
        self._dropped = 0
        self._verdicts: dict[str, str] = {}
        self._attempted: float | None = None
        self._duration: float | None = None
        if registry is not None:
            registry.register(self)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One evaluation: takes its time, and where it ends with an exception, counts an error and lets it go on."""
        self._attempted, started = self._clock(), time.monotonic()
        try:
            yield
        except BaseException:
            self.failed()
            raise
        finally:
            self.took(time.monotonic() - started)

    def took(self, seconds: float) -> None:
        """How long the attempt took."""
        self._duration = seconds

    def show(self, features: Sequence[Judged], *, promised: bool = False) -> None:
        """Show what was found out in place of what was shown before.

        Args:
            features: what was found out.
            promised: whether a calibration promises the rate of pages; else what would page is shown as a ticket.
        """
        now = self._clock()
        self._attempted = now if self._attempted is None else self._attempted
        kept = sorted(features, key=lambda one: one.rank)[:MOST_FEATURES]
        self._features = tuple(kept if promised else map(_ticket_at_most, kept))
        self._dropped = len(features) - len(kept)
        self._verdicts = {one.compared.name: _TOO_FEW for one in kept}
        self._verdicts |= {one.compared.name: _JUDGED for one in kept if one.severity is not Severity.UNJUDGED}
        self._evaluated = dict.fromkeys(self._verdicts, now)

    def failed(self) -> None:
        """Show that nothing could be found out: no score is left, and the time of the last evaluation stands still."""
        self._attempted = self._clock() if self._attempted is None else self._attempted
        self._errors += 1
        self._features, self._dropped = (), 0
        self._verdicts = dict.fromkeys(self._evaluated, _FAILED)

    def text(self) -> str:
        """The metrics in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry).decode()

    def collect(self) -> Iterable[Metric]:
        """The metrics, for a registry."""
        yield from self._of_features()
        each = self._gauge(series.VERDICT, "1 for what became of it.", "signal", "verdict")
        for signal, verdict in self._verdicts.items():
            for one in (_JUDGED, _TOO_FEW, _FAILED):
                self._add(each, float(one == verdict), signal, one)
        at = self._gauge(series.EVALUATED, "The last evaluation that was made.", "signal")
        for signal, when in self._evaluated.items():
            self._add(at, when, signal)
        errors = CounterMetricFamily(series.ERRORS, "Attempts that came to nothing.", labels=list(self._labels))
        errors.add_metric(list(self._labels.values()), self._errors)
        yield from (each, at, errors)
        for name, text, value in (
            (series.ATTEMPTED, "The last attempt.", self._attempted),
            (series.DURATION, "How long it took.", self._duration),
            (series.EVERY, "How often it means to run.", self._every),
        ):
            if value is not None:
                gauge = self._gauge(name, text)
                self._add(gauge, value)
                yield gauge

    def _of_features(self) -> Iterator[Metric]:
        own = ("signal", "stratum")
        score = self._gauge(series.SCORE, "Distance from the reference.", *own, "statistic")
        critical = self._gauge(series.CRITICAL, "Above it an alarm is due.", *own, "statistic", "severity")
        degrees = self._gauge(series.DEGREES, "Degrees of freedom of chi2.", *own)
        rows = self._gauge(series.ROWS, "Rows in the window.", *own)
        for one in self._features:
            at = one.compared.name, one.compared.stratum
            self._add(rows, one.compared.rows.current, *at)
            if one.severity is Severity.UNJUDGED:
                continue
            chi2 = one.compared.statistics.chi2
            for statistic, value in _scores(one):
                self._add(score, value, *at, statistic)
            for severity, value in (("ticket", one.limits.ticket), ("page", one.limits.page)):
                self._add(critical, value, *at, "pooled_psi", severity)
            self._add(degrees, chi2.dof if chi2 is not None else None, *at)
        counts = Counter(one.severity for one in self._features)
        features = self._gauge(series.FEATURES, "Features by what they call for.", "severity")
        for severity in Severity if self._features else ():
            self._add(features, counts[severity], str(severity))
        dropped = self._gauge(series.DROPPED, "Features that are not shown.")
        self._add(dropped, self._dropped if self._features else None)
        yield dropped
        yield from (score, critical, degrees, rows, features)

    def _gauge(self, name: str, text: str, *more: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, text, labels=[*self._labels, *more])

    def _add(self, family: GaugeMetricFamily, value: float | None, *more: str) -> None:
        if value is not None and isfinite(value):
            family.add_metric([*self._labels.values(), *more], value)


def _ticket_at_most(one: Judged) -> Judged:
    severity = Severity.TICKET if one.severity is Severity.PAGE else one.severity
    return replace(one, severity=severity, limits=Limits(one.limits.ticket))


def _scores(one: Judged) -> Iterator[tuple[str, float | None]]:
    found = one.compared.statistics
    yield from (("psi", found.psi), ("js", found.js), ("tvd", found.tvd), ("ks", found.ks), ("w1_iqr", found.w1_iqr))
    yield from (("chi2", found.chi2.statistic if found.chi2 is not None else None), ("pooled_psi", one.pooled))
    yield from (("missing", one.compared.missing.current), ("new", one.compared.new.current))
