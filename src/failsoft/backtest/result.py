"""What a backtest says about an SLO, as values."""

from dataclasses import dataclass
from typing import Literal

from failsoft.backtest.track import Labels, Span
from failsoft.findings import Finding
from failsoft.slo.promql import quoted
from failsoft.slo.resolve import Objective

__all__ = ["ENOUGH", "Budget", "Excluding", "Fired", "Point", "Promise", "Replayed", "Seen", "Stretch"]


ENOUGH = 0.5
"""Of a period has to be seen before it says much; half is a convention, no statistics."""


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that would have fired.

    Attributes:
        tier, severity: which one; `stale` for a drift evaluation that was dead.
        start: seconds since the epoch; may be before the time that is judged, where it still fired then.
        end: when it no longer fired; None where it still did at the end.
        ratio: the error ratio of the long window at the start; None for `stale`.
        gone: the share of the period's budget that was gone at the start; None where there were no events.
        coverage, period_coverage: steps of the long window and of the period that were there at the start, among those
            expected; None for `stale`.
    """

    tier: str
    severity: Literal["page", "ticket"]
    start: float
    end: float | None
    ratio: float | None
    gone: float | None
    coverage: float | None
    period_coverage: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """A stretch of time, for drawing.

    Attributes:
        at: its end, in seconds since the epoch.
        since: the bad events of the time that is judged, up to then, as a share of the budget of all of it.
        spent: the share of the sliding period's budget that was spent by then; None without events, and where less than
            half of the period was seen.
        coverage: its steps that were there, among all of it.
        bad, total: its events.
    """

    at: float
    since: float | None
    spent: float | None
    coverage: float
    bad: float
    total: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of the period that slides over the time that is judged.

    Attributes:
        spent: its share that was spent at the end; None without events.
        worst, worst_at: the same at its worst, and when that was, among the end and all moments at which at least half
            of the period was seen.
        coverage: steps of the last period that were there, among those expected.
        points: over time.
    """

    spent: float | None
    worst: float | None
    worst_at: float | None
    coverage: float
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Excluding:
    """The budget without the times that are excluded from it.

    Attributes:
        budget: what is left of the events.
        times: what is excluded of the time that is judged: first moment, and first one after it, in seconds.
    """

    budget: Budget
    times: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        """How much of the time is excluded."""
        return sum(end - begin for begin, end in self.times)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps in a row of which nothing is known: the first and the last of them, in seconds since the epoch."""

    first: float
    last: float
    steps: int


@dataclass(frozen=True, slots=True)
class Seen:
    """How much of the time that is judged was seen at all.

    Attributes:
        steps, expected: steps with events or slices that could be judged, and all steps.
        events, bad: what was counted in them.
        first, last: the first and the last of them, in seconds since the epoch; None where there is none.
        gaps: the stretches in which there are none, oldest first.
        unknown: steps with events of which it is not known how many were bad.
        broken: steps with a value that is no number.
        nan: the most series at once that were NaN, and so left out.
        resets: how often a counter began anew.
        series: the fewest and the most series at once; None where nobody could tell.
        scrape: milliseconds between samples, about; None where nobody could tell.
        failures: whether any series counted bad events; None where that is no question.
    """

    steps: int
    expected: int
    events: float
    bad: float
    first: float | None
    last: float | None
    gaps: tuple[Stretch, ...]
    unknown: int
    broken: int
    nan: int
    resets: int
    series: tuple[int, int] | None
    scrape: int | None
    failures: bool | None

    @property
    def coverage(self) -> float:
        """Steps that were seen, among all."""
        return self.steps / self.expected


@dataclass(frozen=True, slots=True)
class Promise:
    """What another objective or another threshold would have cost.

    Attributes:
        objective: from 0 to 1, and as text.
        threshold: the latency; empty where the SLO has none.
        written: whether it is the SLO as it is written.
        pages, tickets: times that somebody would have been called.
        spent, worst: of the budget, as in `Budget`.
        dead: tiers that could not have fired at any error ratio.
        coverage: steps that were seen with this threshold, among those that were seen of the SLO.
    """

    objective: float
    text: str
    threshold: str
    written: bool
    pages: int
    tickets: int
    spent: float | None
    worst: float | None
    dead: tuple[str, ...]
    coverage: float


@dataclass(frozen=True, slots=True)
class Replayed:
    """All about one SLO, or one group of its events.

    Attributes:
        objective: the SLO.
        group: the labels of the group; empty where all events are one.
        span: the time.
        alerts: what would have fired, oldest first.
        pages, tickets: times that somebody would have been called: alerts that overlap are one, and a ticket that lies
            within a page is silenced by it.
        budget, seen: as they say; the budget is that of all events.
        excluding: the budget without excluded times; None where nothing is excluded.
        promises: the SLO as it is written, and what else it could have been.
        findings: what could not be seen.
    """

    objective: Objective
    group: Labels
    span: Span
    alerts: tuple[Fired, ...]
    pages: int
    tickets: int
    budget: Budget
    seen: Seen
    excluding: Excluding | None
    promises: tuple[Promise, ...]
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The SLO, and its group where it has one."""
        group = ", ".join(f"{label}={quoted(value)}" for label, value in self.group)  # which may hold a newline
        return f"{self.objective.name}{{{group}}}" if group else self.objective.name

    @property
    def enough(self) -> bool:
        """Whether so much of the last period was seen that what was kept says something about a promise."""
        return self.budget.coverage >= ENOUGH

    @property
    def reached(self) -> float | None:
        """The share of good events in the worst period; None without events."""
        worst = self.budget.worst
        return None if worst is None else 1 - worst * float(self.objective.budget)
