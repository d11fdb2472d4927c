"""The evaluation of drift monitors, round by round, and what of it is exported.

What could not be judged is absent, never NaN and never 0; its time of evaluation stands still, so that it goes stale
and alerts. Only rows that are too few count as an evaluation: an idle night is not a broken monitor.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from failsoft.clients.prometheus import Prometheus
from failsoft.drift import Score, Verdict, Watch, evaluate
from failsoft.errors import FailsoftError
from failsoft.server.references import watched
from failsoft.slo.series import DRIFT_EVALUATED, DRIFT_SCORE
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec

__all__ = ["DriftBoard", "DriftLoop"]

_log = logging.getLogger(__name__)

_FAILED = "failed"
_VERDICTS = (*(verdict.value for verdict in Verdict), _FAILED)

type Clock = Callable[[], float]


@dataclass(slots=True)
class _Shown:
    score: Score | None = None
    verdict: str = ""
    evaluated_at: float | None = None


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

    def judged(self, watch: Watch, score: Score) -> None:
        """Show an evaluation; one that was not really made leaves the time of the last one as it was."""
        shown = self._signals.setdefault((watch.model, watch.monitor, watch.name), _Shown())
        shown.score, shown.verdict = score, score.verdict.value
        if score.made:
            shown.evaluated_at = self.clock()
        else:
            self._count_error(watch.model, watch.monitor)

    def failed(self, model: str, monitor: str, signals: Iterable[str]) -> None:
        """Show that signals could not be evaluated at all."""
        for signal in signals:
            shown = self._signals.setdefault((model, monitor, signal), _Shown())
            shown.score, shown.verdict = None, _FAILED
            self._count_error(model, monitor)

    def collect(self) -> Iterable[Metric]:
        """The metrics, for the registry."""
        name = "failsoft_drift_"
        each = ["model", "monitor", "signal"]
        score = GaugeMetricFamily(DRIFT_SCORE, "Distance from the reference.", labels=[*each, "statistic"])
        rows = GaugeMetricFamily(name + "window_rows", "Rows in the window.", labels=each)
        verdict = GaugeMetricFamily(name + "verdict", "1 for what became of it.", labels=[*each, "verdict"])
        at = GaugeMetricFamily(DRIFT_EVALUATED, "The last evaluation that was made.", labels=each)
        for labels, shown in self._signals.items():
            values = shown.score if shown.score is not None and not self._is_stale(labels[1], shown) else None
            for statistic in ("psi", "tvd", "ks"):
                value = getattr(values, statistic, None)
                if value is not None:
                    score.add_metric([*labels, statistic], value)
            if values is not None and values.rows is not None:
                rows.add_metric(labels, values.rows)
            for one in _VERDICTS if shown.verdict else ():
                verdict.add_metric([*labels, one], float(one == shown.verdict))
            if shown.evaluated_at is not None:
                at.add_metric(labels, shown.evaluated_at)
        errors = CounterMetricFamily(name + "evaluation_errors", "Evaluations not made.", labels=each[:2])
        for labels2, count in self._errors.items():
            errors.add_metric(labels2, count)
        yield from (score, rows, verdict, at, errors)

    def _is_stale(self, monitor: str, shown: _Shown) -> bool:
        return shown.evaluated_at is not None and self.clock() - shown.evaluated_at > self._stale_after[monitor]

    def _count_error(self, model: str, monitor: str) -> None:
        self._errors[model, monitor] = self._errors.get((model, monitor), 0) + 1


class DriftLoop:
    """Evaluates every monitor of a workspace at its own pace, in the server's event loop.

    Args:
        workspace: whose monitors.
        prometheus: is asked in threads.
        board: where the results are shown.
    """

    def __init__(self, workspace: Workspace, prometheus: Prometheus, board: DriftBoard) -> None:
        self._workspace = workspace
        self._prometheus = prometheus
        self._board = board
        # where bins are counted, Prometheus' own rules judge
        self._monitors = [monitor for monitor in workspace.monitors.values() if monitor.spec.counted is None]
        for monitor in self._monitors:
            board.expect(monitor)

    async def run(self) -> None:
        """Evaluate for ever; ends only by cancellation. No error of one evaluation ends it."""
        async with asyncio.TaskGroup() as group:
            for monitor in self._monitors:
                group.create_task(self._repeat(monitor), name=f"drift {monitor.name}")

    async def evaluate(self, monitor: Document[DriftMonitorSpec]) -> None:
        """One round of a monitor. The reference is read again each time: it may have been learned anew."""
        ready, findings = await asyncio.to_thread(watched, self._workspace, monitor)
        for finding in findings:
            _log.warning("drift monitor %s: %s: %s", monitor.name, finding.place, finding.message)
        missing = set(monitor.spec.signals) - {watch.name for watch in ready}
        self._board.failed(monitor.spec.model, monitor.name, sorted(missing))
        for watch in ready:
            await self._judge(watch)

    async def _repeat(self, monitor: Document[DriftMonitorSpec]) -> None:
        while True:
            started = time.monotonic()
            try:
                await self.evaluate(monitor)
            except Exception:  # noqa: BLE001 - what a library raises must not silence the other monitors
                _log.exception("drift monitor %s broke", monitor.name)
                self._board.failed(monitor.spec.model, monitor.name, monitor.spec.signals)
            await asyncio.sleep(max(0.0, started + monitor.spec.every.seconds - time.monotonic()))

    async def _judge(self, watch: Watch) -> None:
        try:
            samples = await asyncio.to_thread(self._prometheus.query, watch.query)
        except FailsoftError as error:
            _log.warning("drift monitor %s, %s: %s", watch.monitor, watch.name, error)
            self._board.failed(watch.model, watch.monitor, [watch.name])
            return
        score = evaluate(watch, samples)
        if score.reason:
            _log.info("drift monitor %s, %s was not judged: %s", watch.monitor, watch.name, score.reason)
        self._board.judged(watch, score)
