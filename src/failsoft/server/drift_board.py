"""What is exported of drift monitors: the latest evaluation of every signal.

What could not be judged is absent, never NaN and never 0; its time of evaluation stands still, so that it goes stale
and alerts. Only rows that are too few count as an evaluation: an idle night is not a broken monitor.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from failsoft.drift import Score, Verdict, Watch
from failsoft.drift.monitors.alarm import Sum
from failsoft.slo.series import DRIFT_CREEPS, DRIFT_CRITICAL, DRIFT_EVALUATED, DRIFT_INPUT_MOVED, DRIFT_SCORE
from failsoft.slo.slices import POOLED
from failsoft.workspace import Document
from failsoft.workspace.kinds import DriftMonitorSpec

__all__ = ["CUSUM", "Clock", "DriftBoard"]

CUSUM = "cusum"
"""The statistic of the sum of small changes."""

_FAILED = "failed"
_VERDICTS = (*(verdict.value for verdict in Verdict), _FAILED)
_EACH = ["model", "monitor", "signal"]

type Clock = Callable[[], float]


@dataclass(slots=True)
class _Shown:
    score: Score | None = None
    verdict: str = ""
    evaluated_at: float | None = None
    seconds: float | None = None
    sum: Sum | None = None
    watch: Watch | None = None


@dataclass(slots=True, eq=False)
class DriftBoard(Collector):
    """The latest evaluation of every signal, as metrics.

    Attributes:
        clock: seconds since the epoch; an older score than its monitor allows is not shown.
    """

    clock: Clock = time.time
    _signals: dict[tuple[str, str, str], _Shown] = field(default_factory=dict)
    _stale_after: dict[str, float] = field(default_factory=dict)
    _errors: dict[tuple[str, str], int] = field(default_factory=dict)

    def expect(self, monitor: Document[DriftMonitorSpec]) -> None:
        """Begin to show a monitor, with no error and no evaluation so far."""
        spec = monitor.spec
        self._errors.setdefault((spec.model, monitor.name), 0)
        self._stale_after[monitor.name] = (spec.stale_after or spec.every * 3).seconds
        for signal in spec.signals:
            self._signals.setdefault((spec.model, monitor.name, signal), _Shown())

    def judged(self, watch: Watch, score: Score, *, seconds: float | None = None, sums: Sum | None = None) -> None:
        """Show an evaluation; one that was not really made leaves the time of the last one as it was.

        Args:
            watch: of which signal.
            score: what it came to.
            seconds: the length of the window.
            sums: the CUSUM until now.
        """
        shown = self._signals.setdefault((watch.model, watch.monitor, watch.name), _Shown())
        shown.score, shown.verdict, shown.seconds = score, score.verdict.value, seconds
        shown.sum, shown.watch = sums, watch
        if score.made:
            shown.evaluated_at = self.clock()
        else:
            self._count_error(watch.model, watch.monitor)

    def unjudged(self, model: str, monitor: str, signals: Iterable[str], score: Score) -> None:
        """Show that signals have nothing to be compared with, and why."""
        for signal in signals:
            shown = self._signals.setdefault((model, monitor, signal), _Shown())
            shown.score, shown.verdict, shown.sum, shown.watch = score, score.verdict.value, None, None
            self._count_error(model, monitor)

    def failed(self, model: str, monitor: str, signals: Iterable[str]) -> None:
        """Show that signals could not be evaluated at all."""
        for signal in signals:
            shown = self._signals.setdefault((model, monitor, signal), _Shown())
            shown.score, shown.verdict, shown.sum, shown.watch = None, _FAILED, None, None
            self._count_error(model, monitor)

    def collect(self) -> Iterable[Metric]:
        """The metrics, for the registry."""
        made = _Families()
        inputs: dict[tuple[str, str], bool] = {}
        for labels, shown in self._signals.items():
            fresh = shown.score if shown.score is not None and not self._is_stale(labels[1], shown) else None
            made.add(labels, shown, fresh)
            if shown.watch is not None and shown.watch.signal.role == "input" and fresh is not None:
                moved = fresh.moved
                if moved is not None:
                    inputs[labels[:2]] = inputs.get(labels[:2], False) or moved
        for labels2, moved in inputs.items():
            made.input_moved.add_metric(labels2, float(moved))
        for labels2, count in self._errors.items():
            made.errors.add_metric(labels2, count)
        yield from made.all()

    def _is_stale(self, monitor: str, shown: _Shown) -> bool:
        return shown.evaluated_at is not None and self.clock() - shown.evaluated_at > self._stale_after[monitor]

    def _count_error(self, model: str, monitor: str) -> None:
        self._errors[model, monitor] = self._errors.get((model, monitor), 0) + 1


class _Families:
    """The families of one scrape, while they are filled."""

    def __init__(self) -> None:
        name = "failsoft_drift_"
        self.score = GaugeMetricFamily(DRIFT_SCORE, "Distance from the reference.", labels=[*_EACH, "statistic"])
        self.critical = GaugeMetricFamily(
            DRIFT_CRITICAL, "Above which the score is bad.", labels=[*_EACH, "statistic", "severity"]
        )
        self.rows = GaugeMetricFamily(name + "window_rows", "Rows in the window.", labels=_EACH)
        self.seconds = GaugeMetricFamily(name + "window_seconds", "The length of the window.", labels=_EACH)
        self.verdict = GaugeMetricFamily(name + "verdict", "1 for what became of it.", labels=[*_EACH, "verdict"])
        self.creeps = GaugeMetricFamily(DRIFT_CREEPS, "Whether small changes have added up.", labels=_EACH)
        self.at = GaugeMetricFamily(DRIFT_EVALUATED, "The last evaluation that was made.", labels=_EACH)
        self.input_moved = GaugeMetricFamily(
            DRIFT_INPUT_MOVED, "Whether what people send is beyond its critical value.", labels=_EACH[:2]
        )
        self.errors = CounterMetricFamily(name + "evaluation_errors", "Evaluations not made.", labels=_EACH[:2])

    def add(self, labels: tuple[str, str, str], shown: _Shown, fresh: Score | None) -> None:
        """One signal; `fresh` is its score where that is not stale."""
        if fresh is not None:
            self._scores(labels, fresh)
            if fresh.rows is not None:
                self.rows.add_metric(labels, fresh.rows)
            if shown.seconds is not None and fresh.rows is not None:
                self.seconds.add_metric(labels, shown.seconds)
        self._limits(labels, shown)
        for one in _VERDICTS if shown.verdict else ():
            self.verdict.add_metric([*labels, one], float(one == shown.verdict))
        if shown.evaluated_at is not None:
            self.at.add_metric(labels, shown.evaluated_at)

    def _scores(self, labels: tuple[str, str, str], score: Score) -> None:
        found = {"psi": score.psi, "tvd": score.tvd, "ks": score.ks}
        found[POOLED] = score.alarm.pooled if score.alarm is not None else None
        for statistic, value in found.items():
            if value is not None:
                self.score.add_metric([*labels, statistic], value)

    def _limits(self, labels: tuple[str, str, str], shown: _Shown) -> None:
        """What was calibrated: the critical value of this window, or of one as planned while there is none."""
        alarm = shown.watch.alarm if shown.watch is not None else None
        if shown.watch is None or alarm is None:
            return
        judged = shown.score.alarm if shown.score is not None else None
        planned = alarm.z * alarm.error(shown.watch.reference.rows, alarm.rows)
        critical = judged.critical if judged is not None else planned
        self.critical.add_metric([*labels, POOLED, alarm.severity], critical)
        if alarm.cusum is not None and shown.sum is not None:
            self.score.add_metric([*labels, CUSUM], shown.sum.value)
            self.critical.add_metric([*labels, CUSUM, "ticket"], alarm.cusum.threshold)
            self.creeps.add_metric(labels, float(shown.sum.raised))

    def all(self) -> tuple[Metric, ...]:
        """Every family, empty ones as well."""
        return (
            self.score,
            self.critical,
            self.rows,
            self.seconds,
            self.verdict,
            self.creeps,
            self.input_moved,
            self.at,
            self.errors,
        )
