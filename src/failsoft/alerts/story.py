"""A story by which alerts are proven, as values: what is there, and what has to be found at which moment."""

from dataclasses import dataclass
from fractions import Fraction

from failsoft.alerts.expect import State
from failsoft.alerts.timeline import Series
from failsoft.slo.series import BUDGET_REMAINING

__all__ = ["Asked", "Budget", "Check", "Scenario"]


@dataclass(frozen=True, slots=True)
class Check:
    """What an alert has to do at one evaluation.

    Attributes:
        at: milliseconds since the beginning, when rules are evaluated.
        alert: the alertname.
        labels: labels that tell it from the others.
        state: `fires` or `quiet`.
        pending: whether it is enough that its condition holds, however long it has to.
    """

    at: int
    alert: str
    labels: tuple[tuple[str, str], ...]
    state: State
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the budget at one evaluation (milliseconds): it lies between two numbers."""

    at: int
    least: Fraction
    most: Fraction
    series: str = BUDGET_REMAINING


type Asked = tuple[str, int, Fraction]
"""An expression, when it is asked in milliseconds, and the one value that it has."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story.

    Attributes:
        name: in words, after "when it".
        interval: milliseconds between samples.
        series: the input series and their values, in promtool's notation.
        checks: what is expected, in order of time.
        budget: the truth about the budget, where the story asks for it.
        asked: what else is asked.
    """

    name: str
    interval: int
    series: Series
    checks: tuple[Check, ...]
    budget: Budget | None = None
    asked: tuple[Asked, ...] = ()
