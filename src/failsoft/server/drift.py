"""The evaluation of drift monitors, round by round, in the server's event loop."""

import asyncio
import logging
import time
from collections.abc import Sequence

from failsoft.clients.prometheus import Prometheus
from failsoft.drift import Score, Verdict, Watch, codes, evaluate
from failsoft.drift.monitors.alarm import Sum
from failsoft.drift.monitors.revision import Served, now_query, seen, window_query
from failsoft.drift.monitors.watch import lengths
from failsoft.drift.rhythm import hour_of
from failsoft.errors import FailsoftError
from failsoft.findings import Finding  # named at run time by what is annotated
from failsoft.server.drift_board import CUSUM, DriftBoard
from failsoft.server.references import watched
from failsoft.slo.promql import Matcher, range_text, selector
from failsoft.slo.series import DRIFT_CREEPS, DRIFT_SCORE
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.quantities import Duration

__all__ = ["DriftLoop"]

_log = logging.getLogger(__name__)

_REMEMBERED = 2


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
        self._sums: dict[tuple[str, str], tuple[str, Sum]] = {}
        self._said: dict[str, tuple[Finding, ...]] = {}
        # where bins are counted Prometheus' own rules judge, and jobs judge by themselves
        self._monitors = [monitor for monitor in workspace.monitors.values() if monitor.spec.signals]
        for monitor in self._monitors:
            board.expect(monitor)

    async def run(self) -> None:
        """Evaluate for ever; ends only by cancellation. No error of one evaluation ends it."""
        async with asyncio.TaskGroup() as group:
            for monitor in self._monitors:
                group.create_task(self._repeat(monitor), name=f"drift {monitor.name}")

    async def evaluate(self, monitor: Document[DriftMonitorSpec]) -> None:
        """One round of a monitor. The reference is read again each time: it may have been learned anew."""
        try:
            served = await asyncio.to_thread(self._served, monitor)
        except FailsoftError as error:
            _log.warning("drift monitor %s: its revision is not known: %s", monitor.name, error)
            self._board.failed(monitor.spec.model, monitor.name, monitor.spec.signals)
            return
        ready, findings = await asyncio.to_thread(watched, self._workspace, monitor, served.now if served else None)
        for finding in findings if findings != self._said.get(monitor.name) else ():
            _log.warning("drift monitor %s: %s: %s", monitor.name, finding.place, finding.message)
        self._said[monitor.name] = findings
        self._unready(monitor, ready, findings)
        scores = {watch.name: await self._judge(watch, served) for watch in ready}
        judged = [(watch, *found) for watch in ready if (found := scores[watch.name]) is not None]
        moved = _moved([score for watch, score, _ in judged if watch.signal.role == "input"])
        for watch, score, window in judged:
            said = score.beside_input(moved=moved) if watch.signal.role == "output" else score
            if said.reason:
                _log.info("drift monitor %s, %s was not judged: %s", watch.monitor, watch.name, said.reason)
            sums = await self._added(watch, said, window)
            self._board.judged(watch, said, seconds=window.seconds, sums=sums)

    async def _repeat(self, monitor: Document[DriftMonitorSpec]) -> None:
        while True:
            started = time.monotonic()
            try:
                await self.evaluate(monitor)
            except Exception:  # noqa: BLE001 - what a library raises must not silence the other monitors
                _log.exception("drift monitor %s broke", monitor.name)
                self._board.failed(monitor.spec.model, monitor.name, monitor.spec.signals)
            await asyncio.sleep(max(0.0, started + monitor.spec.every.seconds - time.monotonic()))

    def _unready(
        self, monitor: Document[DriftMonitorSpec], ready: Sequence[Watch], findings: Sequence[Finding]
    ) -> None:
        """Show what cannot be evaluated: a revision without a reference is not comparable, all else has failed."""
        missing = sorted(set(monitor.spec.signals) - {watch.name for watch in ready})
        unknown = [one.message for one in findings if one.code is codes.REVISION_UNKNOWN]
        if unknown:
            score = Score(Verdict.NOT_COMPARABLE, reason=unknown[0])
            self._board.unjudged(monitor.spec.model, monitor.name, missing, score)
        else:
            self._board.failed(monitor.spec.model, monitor.name, missing)

    def _served(self, monitor: Document[DriftMonitorSpec]) -> Served | None:
        """The revisions that are served, by the monitor's document or by Prometheus; None where nobody says."""
        revision = monitor.spec.revision
        if revision is None or revision.series is None:
            return None if revision is None else Served((revision.value or "",))
        label = revision.series.label
        now = seen(self._prometheus.query(now_query(revision.series)), label)
        each = (
            seen(self._prometheus.query(window_query(revision.series, one)), label) for one in lengths(monitor.spec)
        )
        return Served(now, tuple(len(found) == 1 for found in each))

    async def _judge(self, watch: Watch, served: Served | None) -> tuple[Score, Duration] | None:
        """The shortest window with enough rows, judged; None where Prometheus does not answer.

        No window reaches back to another revision.
        """
        if served is not None and served.rollout:
            return Score(Verdict.ROLLOUT, reason=served.rollout), watch.asks[0][0]
        found: tuple[Score, Duration] | None = None
        alone = served.alone if served is not None and served.alone else (True,) * len(watch.asks)
        for window, query in (ask for ask, whole in zip(watch.asks, alone, strict=True) if whole):
            try:
                samples = await asyncio.to_thread(self._prometheus.query, query)
            except FailsoftError as error:
                _log.warning("drift monitor %s, %s: %s", watch.monitor, watch.name, error)
                self._board.failed(watch.model, watch.monitor, [watch.name])
                return None
            found = evaluate(watch, samples, hour_of(self._board.clock() - window.seconds / 2)), window
            if found[0].verdict is not Verdict.TOO_FEW_ROWS:
                break
        return found

    async def _added(self, watch: Watch, score: Score, window: Duration) -> Sum | None:
        """The CUSUM with this window in it, where it shares no row with the one before; None where there is none."""
        if watch.alarm is None or watch.alarm.cusum is None:
            return None
        key = (watch.monitor, watch.name)
        digest, sums = self._sums.get(key, ("", Sum()))
        if not digest:
            sums = await asyncio.to_thread(self._remembered, watch, window)
        elif digest != watch.digest:
            sums = Sum()  # another reference is another beginning
        if score.alarm is not None:
            sums = sums.after(watch.alarm.cusum, score.alarm.z, self._board.clock(), window.seconds)
        self._sums[key] = watch.digest, sums
        return sums

    def _remembered(self, watch: Watch, window: Duration) -> Sum:
        """The sum that was exported before failsoft was started anew, as Prometheus remembers it; else 0."""
        labels = (("model", watch.model), ("monitor", watch.monitor), ("signal", watch.name))
        each = tuple(Matcher(label, "=", value) for label, value in labels)
        reach = _REMEMBERED * window.milliseconds
        summed = selector(DRIFT_SCORE, (*each, Matcher("statistic", "=", CUSUM)))
        raised = selector(DRIFT_CREEPS, each)
        try:
            values = [
                self._prometheus.query(f"max(last_over_time({series}[{range_text(reach)}]))")
                for series in (summed, raised)
            ]
        except FailsoftError as error:
            _log.info("drift monitor %s, %s: its CUSUM begins at 0: %s", watch.monitor, watch.name, error)
            return Sum()
        if not all(len(found) == 1 and found[0].value >= 0 for found in values):
            return Sum()
        # the next window may share rows with the last one before
        return Sum(values[0][0].value, values[1][0].value > 0, self._board.clock())


def _moved(inputs: Sequence[Score]) -> bool | None:
    """Whether any of the inputs has moved; None where nobody knows."""
    known = [score.moved for score in inputs if score.moved is not None]
    return any(known) if known else None
