"""An SLO's past as numbers, one for each evaluation of its alerts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from failsoft.backtest.questions import PART

__all__ = ["Filled", "Labels", "Span", "Track", "Values"]

type Labels = tuple[tuple[str, str], ...]
"""Labels in order of their names."""

type Values = Sequence[float | None]
"""A value for each step; None where there is none."""

type Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is looked at, in steps since the epoch.

    Attributes:
        step: milliseconds between two evaluations.
        first: the oldest step that is read, so that the windows are full at `since`.
        since, last: the time that is judged, both inclusive.
    """

    step: int
    first: int
    since: int
    last: int

    @property
    def steps(self) -> int:
        """How many are read."""
        return self.last - self.first + 1

    @property
    def judged(self) -> range:
        """Indices of the steps that are judged, among those that are read."""
        return range(self.since - self.first, self.steps)

    def at(self, index: int) -> float:
        """Seconds since the epoch of a step that is read."""
        return (self.first + index) * self.step / 1000


@dataclass(frozen=True)
class Track:
    """What the rules would have recorded: bad and all events of each step.

    There are no events where it is not known which of them were bad; a value that is no number is kept as it is.
    """

    span: Span
    bad: Values
    total: Values

    @classmethod
    def of(cls, span: Span, bad: Values, total: Values) -> "Track":
        """A track of what was answered, of the same steps."""
        return cls(span, bad, [None if b is None else t for b, t in zip(bad, total, strict=True)])

    @cached_property
    def known(self) -> list[bool]:
        """Whether a step counts."""
        return [
            b is not None and t is not None and isfinite(b) and isfinite(t)
            for b, t in zip(self.bad, self.total, strict=True)
        ]


class Filled:
    """Values by part, and in it by the other labels, as answers come in.

    Args:
        span: the time; what lies outside is dropped.
    """

    def __init__(self, span: Span) -> None:
        self._span = span
        self._parts: dict[str, dict[Labels, list[float | None]]] = defaultdict(dict)

    def take(self, series: Iterable[tuple[Mapping[str, str], Points]]) -> None:
        """Points as (seconds since the epoch, value) become the values of their steps."""
        step, first, steps = self._span.step, self._span.first, self._span.steps
        for labels, points in series:
            rest = tuple(sorted((name, value) for name, value in labels.items() if name not in {PART, "__name__"}))
            values = self._parts[labels.get(PART, "")].setdefault(rest, [None] * steps)
            for at, value in points:
                index = round(at * 1000 / step) - first
                if 0 <= index < steps:
                    values[index] = value

    @property
    def parts(self) -> Mapping[str, Mapping[Labels, Values]]:
        """What came."""
        return self._parts
