"""Indicators of time as values: slices of time in which a gauge, a rate or a drift score was within its limit.

A slice is judged where there is a value, and bad where that value is beyond the limit. Slices are counted as events
are, so budgets, windows and burn rates mean the same for both.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from failsoft.slo.promql import Matcher, number, range_text, selector
from failsoft.slo.series import ALL_SIGNALS, DRIFT_CREEPS, DRIFT_CRITICAL, DRIFT_EVALUATED, DRIFT_SCORE

__all__ = ["POOLED", "Gauge", "Rate", "Score", "Slices"]

POOLED = "pooled_psi"
"""The statistic that has a critical value: PSI of a table whose rare bins are pooled."""


class Slices(ABC):
    """Slices of time.

    Attributes:
        slice: milliseconds of one slice, the recording step.
        sentence: what a bad slice is, to follow "x % of".
    """

    __slots__ = ()

    slice: int
    sentence: str

    def total(self, window: int) -> str:
        """Judged slices over `window` milliseconds."""
        return self._over(self._judged(), window)

    def bad(self, window: int) -> str:
        """Slices beyond the limit over `window` milliseconds."""
        return self._over(self._beyond(), window)

    def _over(self, one: str, window: int) -> str:
        # a window shorter than a slice is judged by the one slice there is
        return one if window <= self.slice else f"sum_over_time(({one})[{range_text(window)}:{range_text(self.slice)}])"

    @property
    def _reach(self) -> int:
        # without its edge, on which a closed window (Prometheus 2) would count a sample in two slices
        return self.slice - 1

    @abstractmethod
    def _judged(self) -> str:
        """1 where the slice that ends now has a value."""

    @abstractmethod
    def _beyond(self) -> str:
        """1 where the slice that ends now is bad, 0 where it is good."""


@dataclass(frozen=True)
class Gauge(Slices):
    """Slices of time in which a gauge stays within its limit, on every one of its series.

    Attributes:
        metric, matchers: which series.
        example: the labels of one of them, for tests.
        limit: in the gauge's own unit; seconds for an age.
        side: the side on which it is bad: `above` or `below` the limit; `older` than it, for a gauge that holds a time.
        average: whether a series' average decides about a slice, rather than its worst moment.
        slice, sentence: as of all slices.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    example: tuple[tuple[str, str], ...]
    limit: Decimal
    side: Literal["above", "below", "older"]
    average: bool
    slice: int
    sentence: str

    def _judged(self) -> str:
        return f"count({self._worst})"

    def _beyond(self) -> str:
        return f"{self._worst} {'<' if self.side == 'below' else '>'} bool {number(Fraction(self.limit))}"

    @property
    def _worst(self) -> str:
        """The value of the worst series; the comparison drops NaN."""
        series = selector(self.metric, self.matchers, self._reach)
        if self.side == "older":
            return f"((time() - min(last_over_time({series}))) > -Inf)"
        if self.side == "above":
            over = "avg_over_time" if self.average else "max_over_time"
            return f"(max({over}({series})) > -Inf)"
        over = "avg_over_time" if self.average else "min_over_time"
        return f"(min({over}({series})) < +Inf)"


@dataclass(frozen=True)
class Rate(Slices):
    """Slices of time in which a counter grows fast enough, or not too fast.

    Attributes:
        metric, matchers: which series; their rates are added up.
        example: the labels of one of them, for tests.
        busy: a gauge that is above 0 while there is work, with its matchers and example; without work a slice is not
            judged. None where every slice is.
        limit: per second.
        side: the side on which it is bad, `above` or `below`.
        reach, offset: milliseconds: the range of the rate, and by how much it lies back, as for increments.
        slice, sentence: as of all slices.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    example: tuple[tuple[str, str], ...]
    busy: tuple[str, tuple[Matcher, ...], tuple[tuple[str, str], ...]] | None
    limit: Fraction
    side: Literal["above", "below"]
    reach: int
    offset: int
    slice: int
    sentence: str

    def _judged(self) -> str:
        return f"count({self._rate}){self._while}"

    def _beyond(self) -> str:
        return f"({self._rate} {'<' if self.side == 'below' else '>'} bool {number(self.limit)}){self._while}"

    @property
    def _rate(self) -> str:
        series = selector(self.metric, self.matchers, self.reach)
        return f"sum(rate({series} offset {range_text(self.offset)}) >= 0)"

    @property
    def _while(self) -> str:
        if self.busy is None:
            return ""
        series = selector(self.busy[0], self.busy[1], self.reach)
        return f" and on() (sum(min_over_time({series} offset {range_text(self.offset)})) > 0)"


@dataclass(frozen=True)
class Score(Slices):
    """Slices of time in which a drift score was judged; bad are those in which it was above the tolerance at its worst.

    Attributes:
        model, monitor, signal, statistic: the labels of the score.
        above: the score from which on (exclusive) a slice is bad; None where that is the calibrated critical value,
            which is exported beside the score. Both may change within a slice: the largest of each are compared.
        stale_after: milliseconds after which an evaluation no longer counts.
        slice, sentence: as of all slices.
        judged_by: who evaluates the monitor: `failsoft serve`, the rules over what processes count, or a job.
        budgeted: whether a budget of false alarms says what is too much, and not the author of the SLO.
    """

    model: str
    monitor: str
    signal: str
    statistic: str
    above: Decimal | None
    stale_after: int
    slice: int
    sentence: str
    judged_by: Literal["serve", "rules", "job"] = "serve"
    budgeted: bool = False

    @property
    def score_matchers(self) -> tuple[Matcher, ...]:
        """The labels of the score's series."""
        pairs = (
            ("model", self.model),
            ("monitor", self.monitor),
            ("signal", self.signal),
            ("statistic", self.statistic),
        )
        return tuple(Matcher(label, "=", value) for label, value in pairs)

    @property
    def evaluated_matchers(self) -> tuple[Matcher, ...]:
        """The labels of the evaluation's series."""
        return self.score_matchers[:-1]

    @property
    def paging_matchers(self) -> tuple[Matcher, ...]:
        """The labels of the series that say from when on a page is due; of any signal where the score is of all."""
        whole = self.score_matchers if self.above is None else self.score_matchers[:-1]
        labels = (one for one in whole if one.label != "signal" or one.value != ALL_SIGNALS)
        return (*labels, Matcher("severity", "=", "page"))

    def fresh(self) -> str:
        """1 where the evaluation is fresh, 0 where it is stale, was never seen, or has no critical value."""
        known = "" if self.above is not None else f" and on() {self._limit}"
        return f"({self._age} < bool {self._stale}){known} or vector(0)"

    def may_page(self) -> str:
        """Something where the budget of false pages is promised; empty where nobody asked for a promise."""
        if not self.budgeted:
            return ""
        return f"max(max_over_time({selector(DRIFT_CRITICAL, self.paging_matchers, self._reach)}))"

    def creeps(self) -> str:
        """1 where small changes have added up, by the CUSUM of the score."""
        return f"max(max_over_time({selector(DRIFT_CREEPS, self.evaluated_matchers, self._reach)})) == 1"

    def _judged(self) -> str:
        """None where the evaluation is stale or had too few rows."""
        known = "" if self.above is not None else f" and {self._limit}"
        return f"({self._worst} >= bool 0){known} and ({self._age} < {self._stale})"

    def _beyond(self) -> str:
        return f"({self._worst} > bool {self._limit}) and ({self._age} < {self._stale})"

    @property
    def _limit(self) -> str:
        if self.above is not None:
            return number(Fraction(self.above))
        return f"max(max_over_time({selector(DRIFT_CRITICAL, self.score_matchers, self._reach)}))"

    @property
    def _worst(self) -> str:
        # a score is never below 0: the comparison drops NaN
        return f"(max(max_over_time({selector(DRIFT_SCORE, self.score_matchers, self._reach)})) >= 0)"

    @property
    def _age(self) -> str:
        return f"time() - max(max_over_time({selector(DRIFT_EVALUATED, self.evaluated_matchers, self._reach)}))"

    @property
    def _stale(self) -> str:
        return number(Fraction(self.stale_after, 1000))
