"""Everything that a verdict and a report are made from: times, samples, alerts, incidents, what was undone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from failsoft.chaos.incidents import Incident, IncidentSource
from failsoft.chaos.journal import Journal
from failsoft.chaos.objectives import Objective
from failsoft.chaos.plan import Plan
from failsoft.chaos.readings import Reading, read
from failsoft.chaos.restore import Restored
from failsoft.chaos.situation import Surroundings
from failsoft.chaos.watch import Stop
from failsoft.clients.prometheus import Series
from failsoft.errors import FailsoftError
from failsoft.slo.promql import quoted
from failsoft.workspace.quantities import Duration

__all__ = ["AlertSeen", "Evidence", "SloSeen", "Times", "alerts_of", "incidents_of", "slos_of", "watched"]

_POINTS = 600
_FINEST_STEP_S = 1.0
_FINEST_ALERT_STEP_S = 0.1
_MOST_POINTS = 10_000  # Prometheus refuses more than 11,000 a series


@dataclass(frozen=True, slots=True)
class Times:
    """When what happened, in seconds since the epoch; None for what did not happen, or nobody knows.

    Attributes:
        started: the run.
        fault: the first change.
        notice_until: when what remained was deleted.
        undone: everything was undone.
        ended: nobody watched any longer.
    """

    started: float
    fault: float | None
    notice_until: float | None
    undone: float | None
    ended: float

    @property
    def step(self) -> float:
        """Seconds between two samples of the evidence."""
        return max(_FINEST_STEP_S, (self.ended - self.started) / _POINTS)


@dataclass(frozen=True, slots=True)
class SloSeen:
    """One SLO over the run.

    Attributes:
        slo: its name.
        allowed: the error ratio that just meets it.
        points: (seconds since the epoch, error ratio over the abort window); nothing where nothing is known.
        spent: the share of the period's budget that the run cost.
        remaining_before, remaining_after: the share that was left.
    """

    slo: str
    allowed: float
    points: tuple[tuple[float, float], ...]
    spent: Reading
    remaining_before: Reading
    remaining_after: Reading


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """An alert of the model that fired; `until` is when it was last seen firing."""

    name: str
    slo: str
    severity: str
    tier: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it.

    Attributes:
        run, requester: the run, and who asked for it.
        plan: what was planned.
        times: when what happened.
        journal: what Chaos Toolkit tells; None when it died.
        stop: why the run was stopped before its end; None when it was not.
        restored: what the undo came to, checked on the cluster.
        slos: the SLOs of the model.
        watched: the share of the time from the fault to the end in which Prometheus scraped anything, 0 to 1.
        alerts: those of the model that fired; None when Prometheus does not say.
        incidents: those of the model; None when nobody was asked, or nobody answered.
    """

    run: str
    requester: str
    plan: Plan
    times: Times
    journal: Journal | None
    stop: Stop | None
    restored: Restored
    slos: tuple[SloSeen, ...]
    watched: float
    alerts: tuple[AlertSeen, ...] | None
    incidents: tuple[Incident, ...] | None

    @property
    def undone(self) -> tuple[str, ...]:
        """The nodes from which something was taken away, by the rollback or by the supervisor after it."""
        played = [undo.output for undo in self.journal.rollbacks] if self.journal is not None else []
        rolled_back = [
            str(node) for output in played if isinstance(output, dict) for node in output.get("undone") or ()
        ]
        return tuple(dict.fromkeys((*rolled_back, *self.restored.undone)))


def slos_of(
    around: Surroundings, objectives: Sequence[Objective], before: dict[str, Reading], times: Times
) -> tuple[SloSeen, ...]:
    """The SLOs over the run, from one abort window or so before it to its end."""
    lead = max(10 * times.step, (times.ended - times.started) / 20)
    return tuple(
        SloSeen(
            slo=each.slo,
            allowed=each.allowed,
            points=_points(around, each.ratio, times.started - lead, times),
            spent=_spent(around, each, times),
            remaining_before=before.get(each.slo, Reading(None, "nobody asked")),
            remaining_after=read(around.prometheus, each.remaining, at=times.ended),
        )
        for each in objectives
    )


def _spent(around: Surroundings, objective: Objective, times: Times) -> Reading:
    if times.fault is None:
        return Reading(None, "there was no fault")
    expression = objective.spent(around.workspace, times.ended - times.fault)
    return read(around.prometheus, expression, at=times.ended)


def _points(around: Surroundings, expression: str, start: float, times: Times) -> tuple[tuple[float, float], ...]:
    found = _range(around, expression, start, times) or ()
    if len(found) != 1:
        return ()
    return tuple((at, value) for at, value in found[0].points if math.isfinite(value))


def _fine(times: Times) -> float:
    return max(_FINEST_ALERT_STEP_S, (times.ended - times.started) / _MOST_POINTS)


def _range(
    around: Surroundings, expression: str, start: float, times: Times, *, step: float = 0.0
) -> tuple[Series, ...] | None:
    try:
        return around.prometheus.query_range(expression, start=start, end=times.ended, step=step or times.step)
    except FailsoftError:
        return None


def watched(around: Surroundings, times: Times) -> float:
    """The share of the time from the fault to the end in which Prometheus scraped anything, 0 to 1."""
    if times.fault is None:
        return 0.0
    scrapes = Duration(3 * around.workspace.config.prometheus.scrape_interval.milliseconds)
    found = _range(around, f"count(count_over_time(up[{scrapes}]))", times.fault, times)
    expected = math.floor((times.ended - times.fault) / times.step) + 1
    return min(1.0, len(found[0].points) / expected) if found else 0.0


def alerts_of(
    around: Surroundings, model: str, times: Times, *, step: float | None = None
) -> tuple[AlertSeen, ...] | None:
    """The alerts of the model that fired during the run, in order; None when Prometheus does not say.

    Args:
        around: where.
        model: whose alerts.
        times: when.
        step: seconds between two looks; by default so few that an alert comes before the question that follows it.
    """
    expression = f'ALERTS{{alertstate="firing", model={quoted(model)}}}'
    found = _range(around, expression, times.started, times, step=step or _fine(times))
    if found is None:
        return None
    seen = (
        AlertSeen(
            name=series.labels.get("alertname", ""),
            slo=series.labels.get("slo", ""),
            severity=series.labels.get("severity", ""),
            tier=series.labels.get("burn_tier", ""),
            since=series.points[0][0],
            until=series.points[-1][0],
        )
        for series in found
        if series.points
    )
    return tuple(sorted(seen, key=lambda alert: (alert.since, alert.slo, alert.tier)))


def incidents_of(source: IncidentSource | None, model: str, times: Times) -> tuple[Incident, ...] | None:
    """The incidents of the model since the run began; None without a source, or when it does not answer."""
    if source is None:
        return None
    try:
        return source.incidents(model, since=times.started)
    except FailsoftError:
        return None
