"""Indicators of events as values: how many were bad, and how many there were, as PromQL over any window."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from failsoft.slo.promql import Matcher, le_matcher, le_spelling, number, range_text, selector
from failsoft.slo.series import GROUP, NO_GROUP
from failsoft.slo.slices import POOLED, Gauge, Rate, Score, Slices
from failsoft.workspace.kinds.families import Histograms

__all__ = [
    "POOLED",
    "BadOfTotal",
    "Counted",
    "Events",
    "Gauge",
    "GoodOfTotal",
    "Goodput",
    "Rate",
    "Score",
    "Share",
    "Sli",
    "Slices",
]


@dataclass(frozen=True, slots=True)
class Counted:
    """Series of a counter.

    Attributes:
        metric: its name.
        matchers: which series.
        example: the labels of one of them, for tests.
        form: `native` or `custom` for a histogram that is one series; what it counts are its observations.
        up_to: of such a histogram, only the observations up to this bound.
        by: a label for each value of which it counts by itself; empty for one sum.
        series: their selector.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    example: tuple[tuple[str, str], ...]
    form: Histograms = "classic"
    up_to: Decimal | None = None
    by: str = ""
    series: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # asked for several times, in every window
        object.__setattr__(self, "series", selector(self.metric, self.matchers))

    def increase(self, window: int, offset: int = 0) -> str:
        """What it counted over `window` milliseconds, which end `offset` milliseconds ago."""
        ago = f" offset {range_text(offset)}" if offset else ""
        grown = f"increase({self.series}[{range_text(window)}]{ago})"
        # the comparison drops NaN, which one broken exporter would otherwise spread over the sum
        return self._summed(f"{self._counted(grown)} >= 0" if self.up_to is None else self._part(grown))

    def _summed(self, each: str) -> str:
        """One sum, or one with the label `group` for each value of a label; series without it are a group too."""
        if not self.by:
            return f"sum({each})"
        # any text is a value of a label, that with a newline too
        named = f'label_replace(sum by ({self.by}) ({each}), "{GROUP}", "$1", "{self.by}", "((?s:.+))")'
        return f'sum by ({GROUP}) (label_replace({named}, "{GROUP}", "{NO_GROUP}", "{GROUP}", ""))'

    def _counted(self, grown: str) -> str:
        return grown if self.form == "classic" else f"histogram_count({grown})"

    def _part(self, grown: str) -> str:
        """Series by series, for those with other buckets cannot be added up; none of no observations is 0, not NaN."""
        count = self._counted(grown)
        share = f"histogram_fraction(-Inf, {number(Fraction(self.up_to or 0))}, {grown})"
        return f"{share} * {count} >= 0 or 0 * {count}"

    def of(self, suffix: str) -> "Counted":
        """The counter of a histogram with this suffix."""
        return Counted(f"{self.metric}_{suffix}", self.matchers, self.example)

    def whole(self) -> "Counted":
        """All observations of a histogram."""
        return self.of("count") if self.form == "classic" else self

    def within(self, bound: Decimal) -> "Counted":
        """The observations of a histogram up to a bound; where it has buckets, that of this bound in every spelling."""
        if self.form != "classic":
            return replace(self, up_to=bound)
        example = (*self.example, ("le", le_spelling(bound)))
        return Counted(f"{self.metric}_bucket", (*self.matchers, le_matcher(bound)), example)


@dataclass(frozen=True, slots=True)
class GoodOfTotal:
    """Good events among all: those of a histogram up to a bound, or those that another counter has seen too.

    Attributes:
        all_events, good: the counters.
        sentence: what a bad event is, to follow "x % of".
    """

    all_events: Counted
    good: Counted
    sentence: str

    def total(self, window: int, offset: int = 0) -> str:
        """All events over `window` milliseconds, which end `offset` milliseconds ago."""
        return self.all_events.increase(window, offset)

    def bad(self, window: int, offset: int = 0) -> str:
        """Bad events of the same time.

        No `or 0` for the good ones: a bucket that is not there must read as no data, neither as all good nor as all
        bad. Clamped, for the two sums are of different series and scrapes.
        """
        return f"clamp_min({self.total(window, offset)} - {self.good.increase(window, offset)}, 0)"

    @property
    def by(self) -> str:
        """The label by which events are grouped; empty where they are not."""
        return self.all_events.by


@dataclass(frozen=True, slots=True)
class BadOfTotal:
    """Bad events among all events.

    Attributes:
        totals: counters that add up to all events.
        bads: counters that add up to the bad ones; where one is of a metric among `totals`, it is a part of them.
        sentence: what a bad event is, to follow "x % of".
    """

    totals: tuple[Counted, ...]
    bads: tuple[Counted, ...]
    sentence: str

    def total(self, window: int, offset: int = 0) -> str:
        """All events over `window` milliseconds, which end `offset` milliseconds ago."""
        return _added([counted.increase(window, offset) for counted in self.totals], self.by)

    def bad(self, window: int, offset: int = 0) -> str:
        """Bad events of the same time; 0, not nothing, while no failure has made its counter yet."""
        bad = _added([counted.increase(window, offset) for counted in self.bads], self.by)
        total = self.total(window, offset)
        metrics = {counted.metric for counted in self.totals}
        # bad events that another counter counts mean nothing where the requests themselves are not counted
        known = "" if all(counted.metric in metrics for counted in self.bads) else f" and {_on(self.by)} {total}"
        return f"{bad}{known} or 0 * {total}"

    @property
    def by(self) -> str:
        """The label by which events are grouped; empty where they are not."""
        return self.totals[0].by


@dataclass(frozen=True, slots=True)
class Goodput:
    """Requests that are bad in any of several ways, of which only the parts are counted.

    A request that is bad in two ways is counted by two parts. So the sum of the parts is the most that can be bad, and
    the largest part is the least.

    Attributes:
        requests: all requests, and those that failed.
        parts: of the same requests, those that were too late.
        at_least: whether the most that can be bad is taken, so that the goodput is at least what is said.
        sentence: what a bad event is, to follow "x % of".
    """

    requests: BadOfTotal | GoodOfTotal
    parts: tuple[GoodOfTotal, ...]
    at_least: bool
    sentence: str

    def total(self, window: int, offset: int = 0) -> str:
        """All requests over `window` milliseconds, which end `offset` milliseconds ago."""
        return self.requests.total(window, offset)

    def bad(self, window: int, offset: int = 0) -> str:
        """The most (or the least) that can be bad of the same time.

        Nothing where one of the parts is not there: what it would have said is not known.
        """
        each = [f"({part.bad(window, offset)})" for part in (self.requests, *self.parts)]
        if self.at_least:
            return _over("min", [" + ".join(each), self.total(window, offset)], self.by)
        known = f" and {_on(self.by)} ".join(each[1:])
        return f"{_over('max', each, self.by)} and {_on(self.by)} {known}"

    @property
    def by(self) -> str:
        """The label by which events are grouped; empty where they are not."""
        return self.requests.by


type Events = GoodOfTotal | BadOfTotal | Goodput
"""What counts events."""


@dataclass(frozen=True)
class Share(Slices):
    """Slices of time in which few enough events are bad; one without events is not judged.

    Attributes:
        events: what counts them.
        limit: the largest share of bad events of a good slice.
        reach, offset: milliseconds: the range of the increments, and by how much it lies back.
        slice, sentence: as of all slices.
    """

    events: GoodOfTotal | BadOfTotal
    limit: Fraction
    reach: int
    offset: int
    slice: int
    sentence: str

    def _judged(self) -> str:
        return f"({self._total} > bool 0) > 0"

    def _beyond(self) -> str:
        return f"({self.events.bad(self.reach, self.offset)}) / ({self._total} > 0) > bool {number(self.limit)}"

    @property
    def _total(self) -> str:
        return f"({self.events.total(self.reach, self.offset)})"


type Sli = Events | Gauge | Rate | Score | Share
"""What is measured."""


def _added(expressions: Sequence[str], by: str) -> str:
    """The sum of single values, of those that are there; of each group, where there are groups."""
    return expressions[0] if len(expressions) == 1 else _over("sum", expressions, by)


def _over(operator: str, expressions: Sequence[str], by: str) -> str:
    return f"{operator}{f' by ({GROUP}) ' if by else ''}({_kept(expressions)})"


def _on(by: str) -> str:
    return f"on({GROUP})" if by else "on()"


def _kept(expressions: Sequence[str]) -> str:
    """Single values side by side: each but the first with a label, for `or` drops what has the same labels."""
    first, *others = expressions
    labelled = [f'label_replace({one}, "part", "{index}", "", "")' for index, one in enumerate(others, start=1)]
    return " or ".join([first, *labelled])
