"""Watching the service while it is broken on purpose, and the reasons to stop at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from failsoft.chaos.marks import ENABLED, OPT_IN
from failsoft.chaos.objectives import Objective
from failsoft.chaos.readings import Reading, read
from failsoft.chaos.situation import Surroundings
from failsoft.clients.kubernetes import Ref
from failsoft.errors import FailsoftError
from failsoft.workspace.kinds.experiment import Abort

__all__ = ["Stop", "StopKind", "Watch"]

_READINGS = 2


class StopKind(StrEnum):
    """Why a run was stopped before its end."""

    ABORTED = "aborted"
    """An SLO fell below the abort threshold."""

    BLIND = "blind"
    """Nobody could see the service any more."""

    HALTED = "halted"
    """A kill switch was thrown."""

    ASKED = "asked"
    """A person or the machine asked us to stop."""

    LOST = "lost"
    """We lost the lock."""


@dataclass(frozen=True, slots=True)
class Stop:
    """That a run was stopped: why, in words, and when (seconds since the epoch)."""

    kind: StopKind
    why: str
    at: float


class Watch:
    """Looks at the SLOs and the kill switches of one run, again and again.

    Two readings in a row above the threshold abort: one may be a hiccup. A run that nobody can see for as long as the
    abort window is stopped too.
    """

    def __init__(self, around: Surroundings, objectives: Sequence[Objective], abort: Abort, namespace: str) -> None:
        self._around = around
        self._objectives = objectives
        self._limit = float(abort.error_ratio.ratio)
        self._window = abort.window
        self._namespace = namespace
        self._above = {each.slo: 0 for each in objectives}
        self._seen_at = around.clock.now()

    def look(self) -> Stop | None:
        """Look once; why the run has to stop, if it has to."""
        now = self._around.clock.now()
        readings = {each.slo: read(self._around.prometheus, each.ratio) for each in self._objectives}
        return self._abort(readings, now) or self._blind(readings, now) or self.halted()

    def _abort(self, readings: dict[str, Reading], now: float) -> Stop | None:
        for slo, reading in readings.items():
            if reading.value is None:
                continue
            self._above[slo] = self._above[slo] + 1 if reading.value > self._limit else 0
            if self._above[slo] >= _READINGS:
                why = f"{reading.value:.1%} of the events of SLO {slo} over {self._window} were bad"
                return Stop(StopKind.ABORTED, f"{why}, more than {self._limit:.1%}", now)
        return None

    def _blind(self, readings: dict[str, Reading], now: float) -> Stop | None:
        if any(reading.value is not None for reading in readings.values()):
            self._seen_at = now
            return None
        if now - self._seen_at <= self._window.seconds:
            return None
        why = "; ".join(f"{slo}: {reading.why}" for slo, reading in readings.items())
        return Stop(StopKind.BLIND, f"nobody has seen the service for {now - self._seen_at:.0f} s ({why})", now)

    def halted(self) -> Stop | None:
        """Look at the kill switch and at the namespace's own: any other value of its annotation stops."""
        why = self._switched() or self._closed()
        return Stop(StopKind.HALTED, why, self._around.clock.now()) if why else None

    def _switched(self) -> str:
        switch = self._around.kill_switch
        try:
            reason = "" if switch is None else switch.reason()
        except FailsoftError:
            return ""  # the runner reads it before each change, and makes none when nobody can say
        return f"the kill switch is on: {reason}" if reason else ""

    def _closed(self) -> str:
        try:
            namespace = self._around.cluster.get(Ref("Namespace", self._namespace))
        except FailsoftError:
            return ""  # who cannot read it now can still undo, and the janitor's deadline holds
        value = str((namespace["metadata"].get("annotations") or {}).get(OPT_IN, ""))
        return "" if value == ENABLED else f"namespace {self._namespace} says {OPT_IN}={value or 'nothing'}"
