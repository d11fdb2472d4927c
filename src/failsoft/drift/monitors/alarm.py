"""The alarm of one signal: its window's pooled table beside the critical value, and the CUSUM of small changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from failsoft.drift.distribution import Distribution
from failsoft.drift.monitors.bins import Reference, bins_of, pooled
from failsoft.drift.statistics.psi import psi

if TYPE_CHECKING:
    from failsoft.drift.alarms.stored import StoredCusum

__all__ = ["Alarm", "Judged", "Sum"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A window beside its limit.

    Attributes:
        pooled: PSI of the alarm's table, in which rare bins are pooled.
        critical: above which the window is bad.
        z: the score PSI / (1/n + 1/m), which CUSUM adds up.
    """

    pooled: float
    critical: float
    z: float

    @property
    def bad(self) -> bool:
        """Whether the window is beyond its critical value."""
        return self.pooled > self.critical


@dataclass(frozen=True, slots=True)
class Alarm:
    """The limits of a signal, as they were calibrated.

    Attributes:
        pools: of each bin of the reference, its pool.
        rows: of the windows that the limits are for.
        z: the critical score.
        cusum: of the scores; None where there is none.
        severity: `page` where the budget is promised, else `ticket`.
    """

    pools: tuple[int, ...]
    rows: int
    z: float
    cusum: "StoredCusum | None"
    severity: Literal["page", "ticket"]

    def judge(self, reference: Reference, counted: Distribution) -> Judged | None:
        """Hold a window against its reference; None where either has no rows.

        A window that is smaller than planned is judged by the same score, a larger one by the same PSI, as one of the
        planned rows: what windows differ by besides chance does not shrink with their rows.
        """
        before = pooled(bins_of(reference, reference.distribution), self.pools)
        now = pooled(bins_of(reference, counted), self.pools)
        found = psi(before, now)
        if found is None:
            return None
        error = self.error(sum(before), sum(now))
        return Judged(found, self.z * error, found / error)

    def error(self, reference: float, rows: float) -> float:
        """1/n + 1/m, by which the score is multiplied to be a PSI."""
        return 1 / reference + 1 / min(rows, self.rows)


@dataclass(frozen=True, slots=True)
class Sum:
    """The CUSUM of a signal over windows that share no row.

    Attributes:
        value: S.
        raised: whether it has crossed its threshold and has not been at 0 since.
        until: when the last window ended that is in it, seconds since the epoch.
    """

    value: float = 0.0
    raised: bool = False
    until: float = 0.0

    def after(self, cusum: "StoredCusum", z: float, end: float, seconds: float) -> "Sum":
        """The sum with one more window of so many seconds; the same where the window shares rows with the last one.

        >>> from failsoft.drift.alarms.stored import StoredCusum
        >>> limits = StoredCusum(mean=9.0, sd=4.0, threshold=8.0)
        >>> Sum().after(limits, 49.0, 3600, 3600).after(limits, 49.0, 5000, 3600)
        Sum(value=9.5, raised=True, until=3600)
        """
        if end - self.until < seconds:
            return self
        return Sum(*cusum.after(self.value, z, raised=self.raised), end)
