"""What an SLO would have recorded had its rules been there before, as values: which steps, and what of them is known.

Only the increments are made: every other series of an SLO is a sum over them, which its rules take at their next
evaluation. Steps that are recorded already are left alone, so that nothing is counted twice, and those that lie in the
server's head are left out: a block that reaches into it would make Prometheus drop the samples it holds in memory.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failsoft.clients.prometheus.history import Answered, Question
from failsoft.clients.prometheus.port import Prometheus, Series
from failsoft.slo.promql import range_text, selector
from failsoft.slo.records import Count, count_matchers, increments, pulses_of, steps_of
from failsoft.slo.resolve import Objective

__all__ = ["Past", "Span", "past_of", "phase_of", "questions_of", "spans_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """The increments of an SLO that can be filled.

    Attributes:
        objective: the SLO.
        count: the series that they are recorded in, and how often.
        phase: milliseconds after a multiple of that time at which the rules are evaluated; None where none was seen.
        first, last: numbers of those times since the epoch, both inclusive; none where the first is larger.
    """

    objective: Objective
    count: Count
    phase: int | None
    first: int
    last: int

    @property
    def steps(self) -> int:
        """How many there are."""
        return max(0, self.last - self.first + 1)


@dataclass(frozen=True, slots=True)
class Past:
    """What was found out about the steps of a span.

    Attributes:
        span: the steps.
        bad, total: events of a step by its time in milliseconds; the steps of `total` are those that are known.
        held: how many steps the server has recorded itself.
        refused: why the server refuses the question; empty where it does not.
    """

    span: Span
    bad: Mapping[int, float]
    total: Mapping[int, float]
    held: int
    refused: str = ""

    @property
    def left(self) -> float | None:
        """What is left of the budget by the steps that were found; None where there were no events."""
        events = math.fsum(self.total.values())
        spent = math.fsum(self.bad[at] for at in self.total)
        return 1 - spent / events / float(self.span.objective.budget) if events else None


def spans_of(
    objective: Objective, phases: tuple[int | None, int | None], *, since: int, now: int, before: int
) -> tuple[Span, Span]:
    """What budgets read, over `since` milliseconds, and what alerts read, no longer than their longest window.

    Args:
        objective: the SLO.
        phases: of the two, as `phase_of` found them.
        since: milliseconds.
        now: milliseconds since the epoch.
        before: the same; where the past ends.
    """
    longest = max(tier.long for tier in objective.tiers)
    reaches = ((steps_of(objective), since), (pulses_of(objective), min(since, longest)))
    spans = []
    for (count, reach), phase in zip(reaches, phases, strict=True):
        shift = phase or 0
        first = -(-(now - reach - shift) // count.every)
        spans.append(Span(objective, count, phase, first, (before - 1 - shift) // count.every))
    return spans[0], spans[1]


def phase_of(prometheus: Prometheus, objective: Objective, count: Count) -> int | None:
    """At which milliseconds of each step the server evaluates the rules; None while it has not."""
    recorded = selector(count.total, count_matchers(objective))
    reach, pace = range_text(count.every * 2), range_text(max(1000, count.every // 5))
    samples = prometheus.query(f"max(max_over_time(timestamp({recorded})[{reach}:{pace}]))")
    seen = samples[0].value if samples else math.nan
    return round(seen * 1000) % count.every if math.isfinite(seen) else None


def questions_of(span: Span) -> tuple[Question, ...]:
    """Bad events, all events, and whether there is a record already, at each step."""
    every, phase = span.count.every, span.phase or 0
    bad, total = increments(span.objective, every)
    there = selector(span.count.total, count_matchers(span.objective), every - 1)
    asked = (bad, total, f"sum(count_over_time({there}))")
    return tuple(Question(one, every, span.first, span.last, phase) for one in asked)


def past_of(span: Span, answers: Sequence[Answered]) -> Past:
    """The steps to fill, from the answers to `questions_of`."""
    bad, total, there = answers
    refused = bad.refused or total.refused
    if refused:
        return Past(span, {}, {}, 0, refused)
    held = {at for at, value in _points(there.series).items() if value}
    failed = {at: value for at, value in _points(bad.series).items() if at not in held}
    events = {at: value for at, value in _points(total.series).items() if at in failed}
    return Past(span, failed, events, len(held))


def _points(series: Sequence[Series]) -> dict[int, float]:
    """The values by milliseconds; each expression has one series."""
    return {round(at * 1000): value for one in series for at, value in one.points if not math.isnan(value)}
