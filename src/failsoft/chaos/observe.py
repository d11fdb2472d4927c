"""After the fault: watching until the service is well again and everything that was expected had its time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from failsoft.chaos.evidence import Times, alerts_of, incidents_of
from failsoft.chaos.incidents import IncidentSource
from failsoft.chaos.objectives import Objective
from failsoft.chaos.readings import read
from failsoft.chaos.situation import Surroundings
from failsoft.chaos.watch import Stop
from failsoft.workspace.kinds import ExperimentSpec

__all__ = ["Observer"]

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Observer:
    """Watches one run after its fault.

    Attributes:
        around, objectives, spec, incidents: what it looks at.
        started, fault: when the run and the fault began, in seconds since the epoch.
    """

    around: Surroundings
    objectives: Sequence[Objective]
    spec: ExperimentSpec
    incidents: IncidentSource | None
    started: float
    fault: float

    def watch(self, asked_to_stop: Callable[[], Stop | None]) -> Stop | None:
        """Return when all is settled, or the experiment's `observe` is over; or why it was stopped before."""
        well_since: float | None = None
        window = self.spec.abort.window.seconds
        clock = self.around.clock
        while (now := clock.now()) < self.fault + self.spec.observe.seconds:
            stop = asked_to_stop()
            if stop is not None:
                return stop
            well_since = (well_since or now) if self._well() else None
            if well_since is not None and now - well_since >= window and self._nothing_to_wait_for(now):
                return None
            clock.sleep(_LOOK_EVERY_S)
        return None

    def _well(self) -> bool:
        for objective in self.objectives:
            value = read(self.around.prometheus, objective.ratio).value
            if value is None or value > objective.allowed:
                return False
        return True

    def _nothing_to_wait_for(self, now: float) -> bool:
        return self._alert_had_its_time(now) and self._answer_had_its_time(now)

    def _alert_had_its_time(self, now: float) -> bool:
        wanted = self.spec.expect.alert
        if wanted is None or now > self.fault + wanted.within.seconds:
            return True
        times = Times(self.started, self.fault, None, None, now)
        fired = alerts_of(self.around, self.spec.fault.chosen.model, times, step=times.step)
        return any(alert.slo == wanted.slo and alert.since >= self.fault for alert in fired or ())

    def _answer_had_its_time(self, now: float) -> bool:
        """Whether no runbook is at work, and the one that is expected has been."""
        if self.incidents is None:
            return True
        model = self.spec.fault.chosen.model
        found = incidents_of(self.incidents, model, Times(self.started, self.fault, None, None, now))
        if found is None:
            return False
        expect = self.spec.expect
        missing = (expect.runbook and expect.runbook not in {incident.runbook for incident in found}) or (
            expect.asked and expect.asked not in {ask.team for incident in found for ask in incident.asks}
        )
        return not missing and not any(incident.busy for incident in found)
