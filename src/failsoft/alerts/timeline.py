"""Timelines of traffic and of drift scores, and the input series of a promtool test that say the same."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import chain, repeat

from failsoft.alerts.simulate import Events
from failsoft.slo.indicators import EventRatio, Score, Threshold
from failsoft.slo.promql import Matcher, le_spelling, number, quoted
from failsoft.slo.series import DRIFT_EVALUATED, DRIFT_SCORE

__all__ = ["Series", "Stretch", "Timeline", "evaluations_stop", "series_of"]

_START = 1_000_000
"""Where counters begin: far from 0, where `increase` guesses when a counter was born."""

type Series = tuple[tuple[str, str], ...]
"""Pairs of a series and its values, in promtool's notation."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which every cell is alike: so many cells with so many events, of which so many are bad."""

    cells: int
    total: int
    bad: int


@dataclass(frozen=True)
class Timeline:
    """Stretches one after another.

    Attributes:
        cell: milliseconds.
        stretches: in order.
        born: whether the counter of bad events does not exist before the first one.
    """

    cell: int
    stretches: tuple[Stretch, ...]
    born: bool = field(default=False)

    @cached_property
    def events(self) -> Events:
        """The same as events in cells."""
        total = chain.from_iterable(repeat(stretch.total, stretch.cells) for stretch in self.stretches)
        bad = chain.from_iterable(repeat(stretch.bad, stretch.cells) for stretch in self.stretches)
        return Events(self.cell, tuple(total), tuple(bad))

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return sum(stretch.cells for stretch in self.stretches)


def series_of(sli: Threshold | EventRatio | Score, timeline: Timeline) -> Series:
    """The input series: pairs of a series and its values, in promtool's notation.

    Sample 0 is before the first cell, sample i + 1 at the end of cell i.
    """
    stretches = timeline.stretches
    if isinstance(sli, Threshold):
        labels = tuple((matcher.label, matcher.value) for matcher in sli.matchers)
        bucket = (*labels, ("le", le_spelling(sli.bound)))
        good = [(stretch.cells, stretch.total - stretch.bad) for stretch in stretches]
        return (
            (_series(f"{sli.family}_count", labels), _counter([(one.cells, one.total) for one in stretches])),
            (_series(f"{sli.family}_bucket", bucket), _counter(good)),
        )
    if isinstance(sli, EventRatio):
        good = [(stretch.cells, stretch.total - stretch.bad) for stretch in stretches]
        bad = [(stretch.cells, stretch.bad) for stretch in stretches]
        own = sli.bad_metric == sli.total_metric
        totals = good if own else [(stretch.cells, stretch.total) for stretch in stretches]
        return (
            (_series(sli.total_metric, sli.total_example), _counter(totals)),
            (_series(sli.bad_metric, sli.bad_example), _born(bad) if timeline.born else _counter(bad)),
        )
    return _scores(sli, timeline)


def _scores(sli: Score, timeline: Timeline) -> Series:
    """A cell is one slice: judged where it has an event; nothing is exported in the others, nor before the first."""
    tolerable, beyond = sli.above / 2, sli.above * 2
    seconds = Fraction(timeline.cell, 1000)
    values, times, at = ["_"], ["_"], 0
    for stretch in timeline.stretches:
        score = beyond if stretch.bad else tolerable
        begin, at = at + 1, at + stretch.cells
        if not stretch.total:
            values.append(f"_x{stretch.cells}")
            times.append(f"_x{stretch.cells}")
            continue
        values.append(_run(Fraction(score), 0, stretch.cells))
        times.append(_run(begin * seconds, seconds, stretch.cells))
    return (
        (_series(DRIFT_SCORE, _pairs(sli.score_matchers)), " ".join(values)),
        (_series(DRIFT_EVALUATED, _pairs(sli.evaluated_matchers)), " ".join(times)),
    )


def evaluations_stop(sli: Score, interval: int, marks: tuple[int, int, int, int]) -> Series:
    """A tolerable score whose evaluation stands still, goes on, is gone, and the end: after these samples."""
    stalls, returns, gone, end = marks
    seconds = Fraction(interval, 1000)
    moving = _run(0, seconds, stalls + 1)
    still = _run(stalls * seconds, Fraction(0), returns - stalls)
    again = _run((returns + 1) * seconds, seconds, gone - returns)
    nothing = f"_x{end - gone}"
    return (
        (_series(DRIFT_SCORE, _pairs(sli.score_matchers)), f"{sli.above / 2:f}+0x{gone} {nothing}"),
        (_series(DRIFT_EVALUATED, _pairs(sli.evaluated_matchers)), f"{moving} {still} {again} {nothing}"),
    )


def _run(first: Fraction | int, more: Fraction | int, samples: int) -> str:
    """So many samples from a first one on, each larger than the one before by `more`."""
    start = number(Fraction(first))
    return start if samples == 1 else f"{start}+{number(Fraction(more))}x{samples - 1}"


def _pairs(matchers: tuple[Matcher, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((matcher.label, matcher.value) for matcher in matchers)


def _series(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    return name + "{" + ", ".join(f"{label}={quoted(value)}" for label, value in labels) + "}"


def _counter(runs: list[tuple[int, int]], start: int = _START) -> str:
    parts, value = [str(start)], start
    for cells, more in runs:
        parts.append(_run(value + more, more, cells))
        value += more * cells
    return " ".join(parts)


def _born(runs: list[tuple[int, int]]) -> str:
    """A counter that a first event makes: it is not there before, and begins with what the first cell counted."""
    absent = 1
    for index, (cells, more) in enumerate(runs):
        if more:
            rest = [(cells - 1, more), *runs[index + 1 :]] if cells > 1 else runs[index + 1 :]
            return f"_x{absent} {_counter(rest, more)}"
        absent += cells
    return f"_x{absent}"
