"""The budget without declared times, beside that of all: as the rules leave them out, step by step."""

from dataclasses import replace

from failsoft.backtest.track import Span, Track, Values
from failsoft.slo.exclusions import excluded_spans
from failsoft.slo.resolve import Objective

__all__ = ["excluded_in", "without"]

type Times = tuple[tuple[float, float], ...]
"""Stretches of time: the first moment, and the first one after it, in seconds since the epoch."""


def excluded_in(objective: Objective, span: Span) -> Times:
    """What is excluded from the budget in the time that is judged."""
    begin, end = span.at(span.judged[0]) - span.step / 1000, span.at(span.steps - 1)
    return excluded_spans(objective.exclusions, begin, end)


def without(objective: Objective, track: Track) -> Track:
    """The same track, less every step of the budget that touches an excluded time."""
    span, step = track.span, objective.step
    reach = (step + objective.scrape) / 1000
    times = excluded_spans(objective.exclusions, span.at(0) - 2 * reach, span.at(span.steps - 1))
    out = [False] * span.steps
    for begin, end in times:
        # a step that ends at T is touched where begin < T < end + reach; it holds the pulses up to T
        first = int(begin * 1000 // step) + 1
        last = -(-int((end + reach) * 1000) // step) - 1
        low, high = (first - 1) * step // span.step + 1 - span.first, last * step // span.step - span.first
        for index in range(max(0, low), min(span.steps - 1, high) + 1):
            out[index] = True
    return replace(track, bad=_less(track.bad, out), total=_less(track.total, out))


def _less(values: Values, out: list[bool]) -> Values:
    return [None if gone else value for value, gone in zip(values, out, strict=True)]
