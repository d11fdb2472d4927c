"""What a promise of few false pages rests on, and the words for why none can be made."""

from dataclasses import dataclass
from math import ceil

from failsoft.drift.alarms.rules import DAYS
from failsoft.findings import amount

__all__ = ["KURTOSIS", "LEAST_BLOCKS", "LEAST_SHARE", "OUTLIERS", "Evidence", "doubts"]

LEAST_BLOCKS = 10
"""Blocks (days) of held-out windows without which nobody knows how days differ."""

LEAST_SHARE = 1 / 3
"""The held-out windows must span this share of the time in which one false page is allowed: the tail is drawn out three
times as far as anything was seen, not further."""

OUTLIERS = 2.3
"""The tail's shape in standard errors above which outliers are taken for a fact: once in a hundred by chance."""

KURTOSIS = 0.5
"""The excess kurtosis above which windows are no normal wander, beyond two of its standard errors (24/H)^0.5. It tells
outliers from far fewer windows than the tail does."""

_RATIO = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a time in which nothing had changed.

    Attributes:
        windows, blocks: held out.
        wanted: windows in 30 days.
        budget: false pages in 30 days.
        reference: rows of the smallest reference.
        rows: of a window.
        heaviness: of the tail of what the held-out windows would have paged for, in standard errors.
        kurtosis: the largest excess kurtosis of the tests' held-out windows; 0 where one bad window is not enough.
        kept: whether some critical value keeps the budget at all.
    """

    windows: int
    blocks: int
    wanted: float
    budget: float
    reference: float
    rows: int
    heaviness: float = 0.0
    kurtosis: float = 0.0
    kept: bool = True

    @property
    def needed(self) -> int:
        """Held-out windows that the budget asks for."""
        return ceil(self.wanted / self.budget * LEAST_SHARE)

    @property
    def days(self) -> float:
        """The days that the held-out windows span."""
        return DAYS * self.windows / self.wanted


def doubts(evidence: Evidence) -> tuple[str, ...]:
    """Why no rate of false pages is promised; empty where one is.

    >>> doubts(Evidence(8640, 30, 8640, 1, 20_000, 500))
    ()
    >>> doubts(Evidence(400, 10, 8640, 1, 20_000, 500))[0][:33]
    '400 held-out windows are 1.39 day'
    """
    found: list[str] = []
    if evidence.reference < _RATIO * evidence.rows:
        found.append(
            f"the reference has {amount(round(evidence.reference), 'row')}, a window {evidence.rows:,}: fit a "
            f"reference of at least {_RATIO * evidence.rows:,} rows; from {40 * evidence.rows:,} on its own error "
            "hardly matters"
        )
    if not evidence.windows:
        found.append(
            "no windows were held out: the rate holds where windows differ by chance only, and nothing shows that "
            "they do; hold out windows of a time without change"
        )
        return tuple(found)
    if evidence.windows < evidence.needed:
        longer = evidence.needed / evidence.windows
        found.append(
            f"{amount(evidence.windows, 'held-out window')} {'is' if evidence.windows == 1 else 'are'} "
            f"{evidence.days:.3g} days, and {amount(evidence.budget, 'false page')} in {DAYS} days need "
            f"{evidence.needed:,}: hold out more, allow {amount(_up(evidence.budget * longer), 'page')}, or judge "
            f"windows {_up(longer):,g} times as long"
        )
    if evidence.blocks < LEAST_BLOCKS:
        blocks = amount(evidence.blocks, "block")
        found.append(
            f"the held-out windows fall into {blocks}, fewer than {LEAST_BLOCKS}: how one day differs from another is "
            "not known"
        )
    if evidence.heaviness > OUTLIERS or evidence.kurtosis > KURTOSIS + 2 * (24 / evidence.windows) ** 0.5:
        found.append(
            "some held-out windows are outliers, further off than the law of the others foretells, and nobody knows "
            "how far the next one will be: page on two windows in a row, or judge longer windows"
        )
    if not evidence.kept:
        found.append("no critical value keeps the budget: the tail of the held-out windows has no end in sight")
    return tuple(found)


def _up(value: float) -> float:
    """Rounded up, so that what is asked for is enough.

    >>> _up(1.23), _up(123.4)
    (1.3, 124)
    """
    return ceil(10 * value) / 10 if value < 10 else ceil(value)  # noqa: PLR2004  # digits
