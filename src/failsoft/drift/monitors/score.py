"""One judgement: a window against the reference, or why there is none."""

from dataclasses import dataclass
from enum import StrEnum

from failsoft.drift.distribution import Distribution, Histogram, paired
from failsoft.drift.monitors.window import Unusable
from failsoft.drift.statistics.ks import ks_grid
from failsoft.drift.statistics.psi import psi
from failsoft.drift.statistics.tvd import tvd

__all__ = ["Score", "Verdict", "score"]


class Verdict(StrEnum):
    """Whether a window could be judged."""

    JUDGED = "judged"
    TOO_FEW_ROWS = "too-few-rows"
    NO_DATA = "no-data"
    NOT_COMPARABLE = "not-comparable"


@dataclass(frozen=True, slots=True)
class Score:
    """How far a window is from its reference.

    Attributes:
        verdict: whether it could be judged.
        rows: rows of the window; None where they are not known.
        psi, tvd: the statistics; set where the window was compared, else None and never a number that looks healthy.
        ks: the same for histograms, over their bounds: what moved inside a bucket is not seen.
        reason: why it could not be judged, in words for a person; empty where it could.
    """

    verdict: Verdict
    rows: float | None = None
    psi: float | None = None
    tvd: float | None = None
    ks: float | None = None
    reason: str = ""

    @property
    def made(self) -> bool:
        """Whether an evaluation was really made: the data were there, though there may have been too few of them."""
        return self.verdict in {Verdict.JUDGED, Verdict.TOO_FEW_ROWS}


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
        return Score(Verdict.TOO_FEW_ROWS, rows, reason=f"{rows:g} rows in the window, {min_rows} are needed")
    left, right = paired(reference, window)
    over_bounds = ks_grid(left, right) if isinstance(reference, Histogram) else None
    ks = over_bounds.value if over_bounds is not None else None
    return Score(Verdict.JUDGED, rows, psi(left, right), tvd(left, right), ks)
