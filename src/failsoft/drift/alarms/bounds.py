"""An alarm on a rate with a declared bound, such as "refusals at most 3 %": sound however long it is watched."""

from dataclasses import dataclass
from math import inf

import numpy as np

from failsoft.drift.alarms.tables import Counts, Floats

__all__ = ["Bound", "start", "watch"]

_EFFECTS = 12


@dataclass(frozen=True, slots=True)
class Bound:
    """What was declared.

    Attributes:
        share: the largest share of rows that is allowed, in (0, 1).
        windows_between: false alarms come at most once in so many windows on average; windows per 30 days over the
            budget.
    """

    share: float
    windows_between: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or not 1 <= self.windows_between < inf:
            raise ValueError(f"a bound of {self.share} once in {self.windows_between} windows")


def start(streams: int = 1) -> Floats:
    """The evidence before the first window; shape (streams, effects)."""
    return np.zeros((streams, _EFFECTS))


def watch(bound: Bound, evidence: Floats, events: Counts, rows: Counts) -> tuple[Floats, Floats]:
    """Take one more window into account.

    An e-detector of the Shiryaev-Roberts kind (J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: a nonparametric framework
    for sequential change detection", New England Journal of Statistics in Data Science 2 (2024)): each likelihood ratio
    of a share above the bound against the bound itself has at most mean 1 while the true share is within the bound,
    whatever it was before, so the mean time to a false alarm is at least `windows_between`, with no law assumed but
    that rows are independent given their share.

    It needs the bound declared. Against a share that was estimated, from however many rows, the estimate's own error
    is an effect that lasts, and it is found (`docs/drift-alarms.md` has the figure). For those, `shares` compares two
    samples.

    Args:
        bound: what was declared.
        evidence: what this returned for the window before, or `start()`.
        events: rows with the event in this window, shape (streams,).
        rows: all rows of it, shape (streams,).

    Returns:
        The evidence from now on, which starts anew after an alarm, and 1 for each stream that alarms, shape (streams,).

    >>> bound, evidence, alarms = Bound(0.03, 8640), start(), []
    >>> for events in (15, 14, 40, 38, 41, 39):
    ...     evidence, alarm = watch(bound, evidence, np.array([events]), np.array([500]))
    ...     alarms.append(int(alarm[0]))
    >>> alarms
    [0, 0, 1, 1, 1, 1]
    """
    # odds ratios from a tenth more to about eight times as much
    odds = bound.share / (1 - bound.share) * np.geomspace(1.1, 8, _EFFECTS)
    others = odds / (1 + odds)
    hits = np.asarray(events, dtype=np.float64)[:, None]
    misses = np.asarray(rows, dtype=np.float64)[:, None] - hits
    ratio = hits * np.log(others / bound.share) + misses * np.log((1 - others) / (1 - bound.share))
    following = (1 + evidence) * np.exp(np.minimum(ratio, 600.0))
    alarms = following.mean(axis=1) >= bound.windows_between
    return np.where(alarms[:, None], 0.0, following), alarms.astype(np.float64)
