"""One judgement: a window against the reference, or why there is none."""

from dataclasses import dataclass, replace
from enum import StrEnum

from failsoft.drift.distribution import Distribution, Histogram, paired
from failsoft.drift.monitors.alarm import Alarm, Judged
from failsoft.drift.monitors.bins import Reference
from failsoft.drift.monitors.window import Unusable
from failsoft.drift.statistics.ks import ks_grid
from failsoft.drift.statistics.psi import psi
from failsoft.drift.statistics.tvd import tvd
from failsoft.findings import amount

__all__ = ["Score", "Verdict", "alarmed", "score"]


class Verdict(StrEnum):
    """Whether a window could be judged, and how, where there is a critical value."""

    JUDGED = "judged"
    IN_TOLERANCE = "in-tolerance"
    DRIFTED = "drifted"
    DRIFTED_WITH_INPUT = "drifted-with-input"
    TOO_FEW_ROWS = "too-few-rows"
    ROLLOUT = "rollout"
    NO_DATA = "no-data"
    NOT_COMPARABLE = "not-comparable"


_UNMADE = {Verdict.NO_DATA, Verdict.NOT_COMPARABLE}


@dataclass(frozen=True, slots=True)
class Score:
    """How far a window is from its reference.

    Attributes:
        verdict: whether it could be judged, and how.
        rows: rows of the window; None where they are not known.
        psi, tvd: the statistics; set where the window was compared, else None and never a number that looks healthy.
        ks: the same for histograms, over their bounds: what moved inside a bucket is not seen.
        reason: why it could not be judged, in words for a person; empty where it could.
        alarm: the window beside its critical value; None where there is none.
    """

    verdict: Verdict
    rows: float | None = None
    psi: float | None = None
    tvd: float | None = None
    ks: float | None = None
    reason: str = ""
    alarm: Judged | None = None

    @property
    def made(self) -> bool:
        """Whether an evaluation was really made: the data were there, though there may have been too few of them."""
        return self.verdict not in _UNMADE

    @property
    def moved(self) -> bool | None:
        """Whether the window is beyond its critical value; None where nobody knows."""
        return None if self.alarm is None else self.alarm.bad

    def beside_input(self, *, moved: bool | None) -> "Score":
        """The same, of something that the model makes, knowing whether what people send has moved."""
        return replace(self, verdict=Verdict.DRIFTED_WITH_INPUT) if moved and self.moved else self


def score(reference: Distribution, window: Distribution | Unusable, *, min_rows: int) -> Score:
    """Compare a window with its reference.

    Args:
        reference: the counts of the reference.
        window: the counts of the window over the same bins, or why there are none.
        min_rows: fewer rows than this are too few to judge.
    """
    if isinstance(window, Unusable):
        return Score(Verdict(window.why.value), reason=window.reason)
    rows = window.rows
    if rows < min_rows:
        return Score(Verdict.TOO_FEW_ROWS, rows, reason=f"{amount(rows, 'row')} in the window, {min_rows:,} are needed")
    left, right = paired(reference, window)
    over_bounds = ks_grid(left, right) if isinstance(reference, Histogram) else None
    ks = over_bounds.value if over_bounds is not None else None
    return Score(Verdict.JUDGED, rows, psi(left, right), tvd(left, right), ks)


def alarmed(alarm: Alarm, reference: Reference, window: Distribution | Unusable, *, min_rows: int) -> Score:
    """Compare a window with its reference, and hold it against its critical value.

    Args:
        alarm: the limits of the signal.
        reference: the reference.
        window: as for `score`.
        min_rows: fewer rows than this, or than half of what the limits are for, are too few to judge.
    """
    found = score(reference.distribution, window, min_rows=max(min_rows, -(-alarm.rows // 2)))
    if found.verdict is not Verdict.JUDGED or isinstance(window, Unusable):
        return found
    judged = alarm.judge(reference, window)
    if judged is None:
        return found
    return replace(found, verdict=Verdict.DRIFTED if judged.bad else Verdict.IN_TOLERANCE, alarm=judged)
