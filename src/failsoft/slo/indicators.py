"""Indicators as values: how many events were bad, and how many there were, as PromQL over any window."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from failsoft.slo.promql import Matcher, number, range_text, selector
from failsoft.slo.series import DRIFT_EVALUATED, DRIFT_SCORE

__all__ = ["EventRatio", "Score", "Sli", "Threshold"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Events of a histogram; bad are those above a bucket bound.

    Attributes:
        family: the histogram, without `_bucket`.
        matchers: which series.
        le: the bucket of the good events.
        bound: the same bound as a number, in the family's unit.
        sentence: what a bad event is, to follow "x % of".
    """

    family: str
    matchers: tuple[Matcher, ...]
    le: Matcher
    bound: Decimal
    sentence: str

    def total(self, window: int, offset: int = 0) -> str:
        """All events over `window` milliseconds, which end `offset` milliseconds ago."""
        return _increase(f"{self.family}_count", self.matchers, window, offset)

    def bad(self, window: int, offset: int = 0) -> str:
        """Bad events of the same time.

        No `or 0` for the good ones: a bucket that is not there must read as no data, neither as all good nor as all
        bad. Clamped, for the two sums are of different series and scrapes.
        """
        good = _increase(f"{self.family}_bucket", (*self.matchers, self.le), window, offset)
        return f"clamp_min({self.total(window, offset)} - {good}, 0)"


@dataclass(frozen=True, slots=True)
class EventRatio:
    """Bad events among all events, both counters.

    Attributes:
        total_metric, total_matchers: all events.
        bad_metric, bad_matchers: the bad ones.
        total_example, bad_example: the labels of one good and one bad event's series, for tests.
        sentence: what a bad event is, to follow "x % of".
    """

    total_metric: str
    total_matchers: tuple[Matcher, ...]
    bad_metric: str
    bad_matchers: tuple[Matcher, ...]
    total_example: tuple[tuple[str, str], ...]
    bad_example: tuple[tuple[str, str], ...]
    sentence: str

    def total(self, window: int, offset: int = 0) -> str:
        """All events over `window` milliseconds, which end `offset` milliseconds ago."""
        return _increase(self.total_metric, self.total_matchers, window, offset)

    def bad(self, window: int, offset: int = 0) -> str:
        """Bad events of the same time; 0, not nothing, while no failure has made its counter yet."""
        return f"{_increase(self.bad_metric, self.bad_matchers, window, offset)} or 0 * {self.total(window, offset)}"


@dataclass(frozen=True, slots=True)
class Score:
    """Slices of time in which a drift score was judged; bad are those in which it was above the tolerance at its worst.

    Attributes:
        model, monitor, signal, statistic: the labels of the score.
        above: the score from which on (exclusive) a slice is bad.
        stale_after: milliseconds after which an evaluation no longer counts.
        slice: milliseconds of one slice, the recording step.
        sentence: what a bad slice is, to follow "x % of".
    """

    model: str
    monitor: str
    signal: str
    statistic: str
    above: Decimal
    stale_after: int
    slice: int
    sentence: str

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

    def total(self, window: int) -> str:
        """Judged slices over `window` milliseconds; none where the evaluation is stale or had too few rows."""
        return self._over(f"({self._worst} >= bool 0) and ({self._age} < {self._stale})", window)

    def bad(self, window: int) -> str:
        """Slices out of tolerance over `window` milliseconds."""
        return self._over(
            f"({self._worst} > bool {number(Fraction(self.above))}) and ({self._age} < {self._stale})", window
        )

    def fresh(self) -> str:
        """1 where the evaluation is fresh, 0 where it is stale or was never seen."""
        return f"({self._age} < bool {self._stale}) or vector(0)"

    def _over(self, one: str, window: int) -> str:
        # a window shorter than a slice is judged by the one slice there is
        return one if window <= self.slice else f"sum_over_time(({one})[{range_text(window)}:{range_text(self.slice)}])"

    @property
    def _worst(self) -> str:
        # a score is never below 0: the comparison drops NaN
        return f"(max(max_over_time({selector(DRIFT_SCORE, self.score_matchers, self._reach)})) >= 0)"

    @property
    def _age(self) -> str:
        return f"time() - max(max_over_time({selector(DRIFT_EVALUATED, self.evaluated_matchers, self._reach)}))"

    @property
    def _reach(self) -> int:
        # without its edge, on which a closed window (Prometheus 2) would count a score in two slices
        return self.slice - 1

    @property
    def _stale(self) -> str:
        return number(Fraction(self.stale_after, 1000))


type Sli = Threshold | EventRatio | Score


def _increase(metric: str, matchers: tuple[Matcher, ...], window: int, offset: int) -> str:
    ago = f" offset {range_text(offset)}" if offset else ""
    # the comparison drops NaN, which one broken exporter would otherwise spread over the sum
    return f"sum(increase({selector(metric, matchers, window)}{ago}) >= 0)"
