"""Timelines of traffic and of drift scores, and the input series of a promtool test that say the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import chain, repeat
from typing import Literal

from failsoft.alerts.observed import observed
from failsoft.alerts.simulate import Events
from failsoft.slo.indicators import BadOfTotal, Counted, Gauge, GoodOfTotal, Goodput, Rate, Score, Share, Sli
from failsoft.slo.promql import Matcher, number, quoted
from failsoft.slo.series import DRIFT_CREEPS, DRIFT_CRITICAL, DRIFT_EVALUATED, DRIFT_SCORE

__all__ = [
    "Series",
    "Stretch",
    "Timeline",
    "after_restart",
    "creeping",
    "critical",
    "evaluations_stop",
    "of_replica",
    "run",
    "series_of",
]

_START = 1_000_000
"""Where counters are: far from 0, where `increase` guesses when a counter was born."""

type Series = tuple[tuple[str, str], ...]
"""Pairs of a series and its values, in promtool's notation."""

type Runs = Sequence[tuple[int, int | Fraction]]
"""So many samples, each larger by so much than the one before."""


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
        begun: what counters show at the beginning.
    """

    cell: int
    stretches: tuple[Stretch, ...]
    born: bool = field(default=False)
    begun: int = field(default=_START)

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

    def until(self, cells: int) -> "Timeline":
        """What of it happened in its first so many cells."""
        found, left = [], cells
        for stretch in self.stretches:
            found.append(replace(stretch, cells=min(stretch.cells, left)))
            left -= found[-1].cells
        return replace(self, stretches=tuple(found))

    def since(self, cells: int) -> "Timeline":
        """What of it happened after its first so many cells."""
        first = self.until(cells).stretches
        rest = (
            replace(all_of, cells=all_of.cells - some.cells) for all_of, some in zip(self.stretches, first, strict=True)
        )
        return replace(self, stretches=tuple(rest))


def series_of(sli: Sli, timeline: Timeline, samples: int = 1) -> Series:
    """The input series: pairs of a series and its values, in promtool's notation.

    Sample 0 is before the first cell; each cell ends with a sample, and has as many as `samples` says. Only a rate
    and a share need more than one.
    """
    if isinstance(sli, GoodOfTotal | BadOfTotal):
        return _events(sli, timeline, _runs(timeline, "total"), _runs(timeline, "bad"))
    if isinstance(sli, Goodput):
        return _goodput(sli, timeline)
    if isinstance(sli, Gauge):
        return _gauge(sli, timeline)
    if isinstance(sli, Share):
        return _judged(sli, timeline, samples)
    return _rate(sli, timeline, samples) if isinstance(sli, Rate) else _scores(sli, timeline)


def _runs(timeline: Timeline, of: Literal["total", "bad"]) -> Runs:
    return [(stretch.cells, getattr(stretch, of)) for stretch in timeline.stretches]


def _less(runs: Runs, others: Runs) -> Runs:
    return [(cells, more - less) for (cells, more), (_, less) in zip(runs, others, strict=True)]


def after_restart(before: Series, unseen: int, after: Series) -> Series:
    """The same series, of which counters begin anew and some samples are missing in between."""
    gap = f" _x{unseen}" if unseen else ""
    return tuple((name, f"{values}{gap} {more}") for (name, values), (_, more) in zip(before, after, strict=True))


def of_replica(series: Series) -> Series:
    """The same series, of another replica."""
    # a label that nobody has
    return tuple((name.replace("{", '{failsoft_replica="other one", ', 1), values) for name, values in series)


def _events(sli: GoodOfTotal | BadOfTotal, timeline: Timeline, total: Runs, bad: Runs) -> Series:
    """Counters. Bad events are shared out among their kinds; those of a counter of its own are in the total too."""
    begun = timeline.begun
    if isinstance(sli, GoodOfTotal) and sli.good.up_to is not None:
        values = observed(sli.good, _less(total, bad), bad, begun=begun)
        return ((_series(sli.good.metric, sli.good.example), values),)
    if isinstance(sli, GoodOfTotal):
        # where good events are a part of the same metric, the rest of it is the bad ones
        rest = bad if sli.good.metric == sli.all_events.metric else total
        return (
            (_series(sli.all_events.metric, sli.all_events.example), _counts(sli.all_events, rest, begun)),
            (_series(sli.good.metric, sli.good.example), _counts(sli.good, _less(total, bad), begun)),
        )
    metrics = {counted.metric for counted in sli.totals}
    shares = [_share(bad, index, len(sli.bads)) for index in range(len(sli.bads))]
    rest = total
    for counted, share in zip(sli.bads, shares, strict=True):
        rest = _less(rest, share) if counted.metric in metrics else rest
    counters = [
        (_series(counted.metric, counted.example), _counts(counted, share, begun, born=timeline.born))
        for counted, share in zip(sli.bads, shares, strict=True)
    ]
    return ((_series(sli.totals[0].metric, sli.totals[0].example), _counts(sli.totals[0], rest, begun)), *counters)


def _counts(counted: Counted, runs: Runs, begun: int, *, born: bool = False) -> str:
    """A counter, or a histogram whose observations are what is counted."""
    if counted.form == "classic":
        return _born(runs) if born else _counter(runs, begun)
    nothing = [(cells, 0) for cells, _ in runs]
    if not born:
        return observed(counted, runs, nothing, begun=begun)
    before = next((index for index, (_, more) in enumerate(runs) if more), len(runs))
    absent = 1 + sum(cells for cells, _ in runs[:before])
    return observed(counted, runs[before:], nothing[before:], begun=0, absent=absent)


def _share(runs: Runs, index: int, parts: int) -> Runs:
    """The share of one among so many, whole, with the first ones taking what is left over."""
    return [(cells, more // parts + (index < more % parts)) for cells, more in runs]


def _goodput(sli: Goodput, timeline: Timeline) -> Series:
    """At least: each bad request is bad in one way. At most: each is late in every way, and none fails.

    Nor does one where a histogram that is read counts failed requests too: that would be bad in two ways.
    """
    total, bad = _runs(timeline, "total"), _runs(timeline, "bad")
    requests = (sli.requests.all_events,) if isinstance(sli.requests, GoodOfTotal) else sli.requests.totals
    fails = sli.at_least and not {part.all_events.metric for part in sli.parts} & {one.metric for one in requests}
    ways = len(sli.parts) + fails
    failed = _share(bad, len(sli.parts), ways) if fails else [(cells, 0) for cells, _ in bad]
    found = dict(_events(sli.requests, timeline, total, failed))
    for index, part in enumerate(sli.parts):
        late = _share(bad, index, ways) if sli.at_least else bad
        found |= _events(part, timeline, _less(total, failed), late)
    return tuple(found.items())


def _gauge(sli: Gauge, timeline: Timeline) -> Series:
    """A cell is one slice; the gauge is not there in a slice without an event, nor before the first."""
    good, bad = _around(Fraction(sli.limit), sli.side)
    seconds = Fraction(timeline.cell, 1000)
    values, at = ["_"], 0
    for stretch in timeline.stretches:
        begin, at = at + 1, at + stretch.cells
        value = bad if stretch.bad else good
        if not stretch.total:
            values.append(f"_x{stretch.cells}")
        elif sli.side == "older":
            # a Unix time that goes on: some seconds ago, at every sample; begun late enough to be after 1970
            values.append(run(begin * seconds - value, seconds, stretch.cells))
        else:
            values.append(run(value, 0, stretch.cells))
    return ((_series(sli.metric, sli.example), " ".join(values)),)


def _around(limit: Fraction, side: str) -> tuple[Fraction, Fraction]:
    """A value well within a limit, and one well beyond it."""
    apart = abs(limit) / 2 or Fraction(1)
    return (limit + apart, limit - apart) if side == "below" else (limit - apart, limit + apart)


def _rate(sli: Rate, timeline: Timeline, samples: int) -> Series:
    """A cell is one slice of several samples; there is no work in a slice without an event.

    The range of a slice holds one sample of the slice before, so values are far enough from the limit.
    """
    good, bad = (sli.limit * 2, sli.limit / 2) if sli.side == "below" else (sli.limit / 2, sli.limit * 2)
    seconds = Fraction(timeline.cell, 1000 * samples)
    counts, work = [], ["0"]
    for stretch in timeline.stretches:
        value = bad if stretch.bad else good
        counts.append((stretch.cells * samples, value * seconds if stretch.total else Fraction(0)))
        work.append(run(min(1, stretch.total), 0, stretch.cells * samples))
    if sli.busy is None:
        # without a word about work, no work is a counter that is not there
        idle = all(not stretch.total for stretch in timeline.stretches)
        values = f"_x{timeline.cells * samples + 1}" if idle else _counter(counts)
        return ((_series(sli.metric, sli.example), values),)
    busy = (_series(sli.busy[0], sli.busy[2]), " ".join(work))
    return ((_series(sli.metric, sli.example), _counter(counts)), busy)


def _judged(sli: Share, timeline: Timeline, samples: int) -> Series:
    """A cell is one slice of several samples; in a bad one twice as many events fail as may, in a good one none.

    The range of a slice holds one sample of the slice before, so neither may tip the other over.
    """
    parts = len(sli.events.bads) if isinstance(sli.events, BadOfTotal) else 1
    each = sli.limit.denominator * parts
    failing = min(each, 2 * sli.limit.numerator * parts)
    total = [(stretch.cells * samples, each if stretch.total else 0) for stretch in timeline.stretches]
    bad = [(stretch.cells * samples, failing if stretch.bad else 0) for stretch in timeline.stretches]
    return _events(sli.events, timeline, total, bad)


def _scores(sli: Score, timeline: Timeline) -> Series:
    """A cell is one slice: judged where it has an event; nothing is exported in the others, nor before the first."""
    limit = sli.above or Decimal(1)
    tolerable, beyond = limit / 2, limit * 2
    seconds = Fraction(timeline.cell, 1000)
    values, times, at = ["_"], ["_"], 0
    for stretch in timeline.stretches:
        score = beyond if stretch.bad else tolerable
        begin, at = at + 1, at + stretch.cells
        if not stretch.total:
            values.append(f"_x{stretch.cells}")
            times.append(f"_x{stretch.cells}")
            continue
        values.append(run(Fraction(score), 0, stretch.cells))
        times.append(run(begin * seconds, seconds, stretch.cells))
    return (
        (_series(DRIFT_SCORE, _pairs(sli.score_matchers)), " ".join(values)),
        (_series(DRIFT_EVALUATED, _pairs(sli.evaluated_matchers)), " ".join(times)),
        *critical(sli, timeline.cells),
    )


def critical(sli: Score, cells: int) -> Series:
    """The critical value, where that is exported, for so many samples: 1, and a page may be sent."""
    return ((_series(DRIFT_CRITICAL, _pairs(sli.paging_matchers)), f"1x{cells}"),) if sli.budgeted else ()


def evaluations_stop(sli: Score, interval: int, marks: tuple[int, int, int, int]) -> Series:
    """A tolerable score whose evaluation stands still, goes on, is gone, and the end: after these samples."""
    stalls, returns, gone, end = marks
    seconds = Fraction(interval, 1000)
    moving = run(0, seconds, stalls + 1)
    still = run(stalls * seconds, Fraction(0), returns - stalls)
    again = run((returns + 1) * seconds, seconds, gone - returns)
    nothing = f"_x{end - gone}"
    return (
        (_series(DRIFT_SCORE, _pairs(sli.score_matchers)), f"{(sli.above or Decimal(1)) / 2:f}+0x{gone} {nothing}"),
        (_series(DRIFT_EVALUATED, _pairs(sli.evaluated_matchers)), f"{moving} {still} {again} {nothing}"),
        *critical(sli, gone),
    )


def creeping(sli: Score, begins: int, over: int, end: int) -> Series:
    """What CUSUM says of a drift after these samples: nothing yet, that it lasts, that it is over."""
    series = _series(DRIFT_CREEPS, _pairs(sli.evaluated_matchers))
    return ((series, f"0x{begins} 1x{over - begins - 1} 0x{end - over}"),)


def run(first: Fraction | int, more: Fraction | int, samples: int) -> str:
    """So many samples from a first one on, each larger than the one before by `more`, in promtool's notation."""
    start = number(Fraction(first))
    return start if samples == 1 else f"{start}+{number(Fraction(more))}x{samples - 1}"


def _pairs(matchers: tuple[Matcher, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((matcher.label, matcher.value) for matcher in matchers)


def _series(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    return name + "{" + ", ".join(f"{label}={quoted(value)}" for label, value in labels) + "}"


def _counter(runs: Runs, start: int | Fraction = _START) -> str:
    parts, value = [number(Fraction(start))], start
    for cells, more in runs:
        if cells:
            parts.append(run(value + more, more, cells))
        value += more * cells
    return " ".join(parts)


def _born(runs: Runs) -> str:
    """A counter that a first event makes: it is not there before, and begins with what the first cell counted."""
    absent = 1
    for index, (cells, more) in enumerate(runs):
        if more:
            return f"_x{absent} {_counter([(cells - 1, more), *runs[index + 1 :]], more)}"
        absent += cells
    return f"_x{absent}"
