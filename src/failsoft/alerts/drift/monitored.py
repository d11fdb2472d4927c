"""A counted drift monitor as a value: all that its rules, and their proof, are made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from re import escape

from failsoft.drift.alarms.analytic import Critical, Severities

__all__ = ["Matters", "Monitored", "Reference", "any_of"]


@dataclass(frozen=True, slots=True)
class Matters:
    """What is worth an alarm, however surely it is no chance.

    Attributes:
        floor: of PSI.
        share: of the growth of a share.
    """

    floor: Severities
    share: float


@dataclass(frozen=True, slots=True)
class Reference:
    """A profile that the monitor compares with.

    Attributes:
        label: its hash, as counters carry it.
        features: how many are counted.
        critical: what is too much, by feature.
        rows: of each feature, all rows and those without a value.
        bins: the names of each feature's bins, in the order of the pools, `missing` not among them.
        promised: whether the rate of false pages is; where not, what is too much is worth a ticket.
    """

    label: str
    features: int
    critical: tuple[Critical, ...]
    rows: dict[str, tuple[int, int]]
    bins: dict[str, tuple[str, ...]]
    promised: bool = False


@dataclass(frozen=True, slots=True)
class Monitored:
    """A monitor with all that its rules say.

    Attributes:
        model, monitor: names, and labels of all its series.
        references: what it compares with, one for each revision of the model.
        features: those that are counted; empty for all.
        window, every, scrape, delay: milliseconds: of a window, between two evaluations, between two scrapes, and by
            which records lie back.
        rows: the least that are judged.
        matters: what is worth an alarm.
    """

    model: str
    monitor: str
    references: tuple[Reference, ...]
    features: tuple[str, ...]
    window: int
    every: int
    scrape: int
    delay: int
    rows: int
    matters: Matters


def any_of(names: Iterable[str]) -> str:
    """A regular expression that is one of some texts."""
    return "|".join(escape(name) for name in names)
