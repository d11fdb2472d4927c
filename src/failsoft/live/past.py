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
from failsoft.slo.records import count_matchers, counts
from failsoft.slo.resolve import Objective
from failsoft.slo.series import TOTAL

__all__ = ["Past", "Span", "past_of", "phase_of", "questions_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """The steps of an SLO that can be filled.

    Attributes:
        objective: the SLO.
        phase: milliseconds after a multiple of the step at which its rules are evaluated; None where none was seen.
        first, last: numbers of steps since the epoch, both inclusive; none where the first is larger.
    """

    objective: Objective
    phase: int | None
    first: int
    last: int

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return max(0, self.last - self.first + 1)


@dataclass(frozen=True, slots=True)
class Past:
    """What was found out about the steps of an SLO.

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


def phase_of(prometheus: Prometheus, objective: Objective) -> int | None:
    """At which milliseconds of each step the server evaluates the SLO's rules; None while it has not."""
    recorded = selector(TOTAL, count_matchers(objective))
    reach, pace = range_text(objective.step * 2), range_text(max(1000, objective.step // 5))
    samples = prometheus.query(f"max(max_over_time(timestamp({recorded})[{reach}:{pace}]))")
    return round(samples[0].value * 1000) % objective.step if samples else None


def questions_of(span: Span) -> tuple[Question, Question, Question]:
    """Bad events, all events, and whether there is a record already, at each step."""
    objective, phase = span.objective, span.phase or 0
    bad, total = counts(objective)
    there = selector(TOTAL, count_matchers(objective), objective.step - 1)
    asked = (bad, total, f"sum(count_over_time({there}))")
    return tuple(Question(one, objective.step, span.first, span.last, phase) for one in asked)  # type: ignore[return-value]


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
