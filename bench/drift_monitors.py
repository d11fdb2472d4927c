"""What DriftMonitors promise from the buckets of an engine, by simulation with seeds: learnt, then watched for years.

`python -m bench.drift_monitors` prints the table of docs/drift-alarms.md, `python -m bench drift_monitors` its bounds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from bench.rows import Row
from failsoft.drift.alarms import Rule
from failsoft.drift.alarms.tables import merged, signed_roots
from failsoft.drift.distribution import Histogram
from failsoft.drift.features import HistogramReference
from failsoft.drift.monitors.cells import RhythmName
from failsoft.drift.monitors.history import History
from failsoft.drift.monitors.learn import learn
from failsoft.drift.monitors.learned import Learned, Told
from failsoft.drift.monitors.promise import stored
from failsoft.drift.rhythm import HOURS, Rhythm
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.load import load
from failsoft.workspace.model import Document
from failsoft.workspace.quantities import Duration

__all__ = ["main", "run"]

type Floats = npt.NDArray[np.float64]

_SEED, _TIMES, _MONTHS = 20261121, 12, 100
_HOUR, _DAY, _MONDAY = 3600, 24, 345_600
_LE = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000])
_ANSWERS = (np.log(90.0), 0.8)
_MOST = 1.5


@dataclass(frozen=True)
class World:
    """Windows of an hour, while nothing changes.

    Attributes:
        name: for people.
        days: of history that is learnt from.
        rows: requests of each hour from a Monday on, by the hour's number.
        wander: the standard deviation of a window's own mean, in those of the answers' logarithm.
        cycle: the amplitude of a daily cycle of the mean, in the same.
        rhythm: which hours have references of their own.
    """

    name: str
    days: int
    rows: Callable[[Floats], Floats]
    wander: float = 0.0
    cycle: float = 0.0
    rhythm: RhythmName | None = None

    def windows(self, rng: np.random.Generator, hours: Floats, shift: float = 0.0) -> Floats:
        """Counts over the engine's buckets, shape (hours, bins)."""
        mean, sd = _ANSWERS
        moved = rng.normal(0, self.wander, len(hours)) + self.cycle * np.sin(2 * np.pi * hours / _DAY) + shift
        below = ndtr((np.log(_LE)[None, :] - mean) / sd - moved[:, None])
        shares = np.diff(below, axis=1, prepend=0.0, append=1.0)
        drawn: Floats = rng.multinomial(rng.poisson(self.rows(hours)), shares).astype(np.float64)
        return drawn


def _steady(hours: Floats) -> Floats:
    return np.full(len(hours), 600.0)


def _uneven(hours: Floats) -> Floats:
    """Twelve times as many by day as by night."""
    return 1100.0 + 1000.0 * np.sin(2 * np.pi * hours / _DAY)


WORLDS = (
    World("600 requests an hour, chance only", 14, _steady),
    World("means of hours with sd 0.05", 14, _steady, 0.05),
    World("means of hours with sd 0.05", 28, _steady, 0.05),
    World("100 requests by night and 2,100 by day, sd 0.05", 28, _uneven, 0.05),
    World("a daily cycle of 0.15 sd, one reference", 28, _steady, 0.0, 0.15),
    World("the same, a reference for each hour of the day", 28, _steady, 0.0, 0.15, "hour-of-day"),
)


@dataclass(frozen=True)
class Found:
    """One monitor, learnt and watched.

    Attributes:
        promised: whether it promises its budget.
        false: false pages in 30 days that were counted, over the budget.
        seen: the share of windows with a shift of 0.3 sd that page.
    """

    promised: bool
    false: float
    seen: float


def measured(world: World, index: int) -> Found:
    """Learn from a past, and count the pages of a future in which nothing changed: windows share no row."""
    rng = np.random.default_rng([_SEED, index])
    past = np.arange(world.days * _DAY, dtype=np.float64)
    counts = world.windows(rng, past)
    ends = (_MONDAY + (past + 1) * _HOUR).tolist()
    bounds = tuple(float(bound) for bound in _LE)
    history = History({end: Histogram(bounds, tuple(row)) for end, row in zip(ends, counts.tolist(), strict=True)})
    told = Told(datetime.fromtimestamp(ends[-1], UTC), Duration(world.days * _DAY * _HOUR * 1000), "", world.rhythm)
    learnt = learn(_MONITOR, {"output-length": history}, told, Rule())
    if not isinstance(learnt, Learned):
        raise TypeError(learnt[0].message)
    future = np.arange(_MONTHS * 30 * _DAY, dtype=np.float64)
    pages = _bad(learnt, world.windows(rng, future), future)
    seen = _bad(learnt, world.windows(rng, future[:2000], 0.3), future[:2000])
    kept = stored(_MONITOR, learnt)
    return Found(kept is not None and kept.promised, pages.sum() / _MONTHS, float(seen.mean()))


def _bad(learnt: Learned, windows: Floats, hours: Floats) -> npt.NDArray[np.bool_]:
    """Which windows are beyond their critical value, by the arithmetic of the server's loop."""
    kept, feature = stored(_MONITOR, learnt), learnt.profile.features["output-length"]
    if kept is None or not isinstance(feature, HistogramReference):
        raise TypeError("not calibrated")
    test = kept.by_feature["", "output-length"]
    whole = np.array(feature.counts, dtype=np.float64)
    reference = merged(_references(whole, learnt.profile.rhythm, hours), test.pools)
    rows = windows.sum(axis=1)
    psi = (signed_roots(reference, merged(windows, test.pools)) ** 2).sum(axis=1)
    critical = test.page * (1 / reference.sum(axis=1) + 1 / np.clip(rows, 1, test.rows))
    judged = rows >= max(_MONITOR.spec.min_rows, -(-test.rows // 2))
    bad: npt.NDArray[np.bool_] = judged & (psi > critical)
    return bad


def _references(whole: Floats, rhythm: Rhythm | None, hours: Floats) -> Floats:
    """What each window is compared with, shape (hours, bins)."""
    if rhythm is None:
        return np.broadcast_to(whole, (len(hours), len(whole)))
    each = np.array(rhythm.counts["output-length"], dtype=np.float64).reshape(len(rhythm.rows), -1)[:, :-1]
    return each[np.array(rhythm.cells)[hours.astype(np.int64) % HOURS]]


def _monitor() -> Document[DriftMonitorSpec]:
    with TemporaryDirectory() as folder:
        (Path(folder) / "failsoft.yaml").write_text(_WORKSPACE)
        return load(Path(folder))[0].monitors["bench"]


_WORKSPACE = """
kind: DriftMonitor
metadata: {name: bench}
spec: {model: chat, reference: r.json, signals: [output-length], every: 1h, falsePagesPer30d: 1}
"""
_MONITOR = _monitor()


def run() -> Sequence[Row]:
    """The bounds, and whether they hold."""
    return [row for world in WORLDS for row in (_row(world, _all(world)),) if row is not None]


def _all(world: World) -> list[Found]:
    return [measured(world, index) for index in range(_TIMES)]


def _row(world: World, found: Sequence[Found]) -> Row | None:
    kept = [one.false for one in found if one.promised]
    if not kept:
        return None
    return Row(
        f"false pages / budget of a DriftMonitor: {world.name}, {world.days} days of history", fmean(kept), "", _MOST
    )


def main() -> None:
    """Print the table."""
    print("| world | promised | false pages / budget: mean (median, largest) | a window with a shift of 0.3 sd pages |")
    print("|---|---|---|---|")
    for world in WORLDS:
        found = _all(world)
        false = [one.false for one in found]
        print(
            f"| {world.name}, {world.days} days of history | {sum(one.promised for one in found)} of {len(found)} | "
            f"{fmean(false):.2f} ({median(false):.2f}, {max(false):.2f}) | {fmean(one.seen for one in found):.3f} |"
        )


if __name__ == "__main__":
    main()
