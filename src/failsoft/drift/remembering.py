"""One more window: CUSUM's sums go on, and its being bad is remembered."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from failsoft.drift.alarms.stored import StoredCalibration, StoredCusum, Watched
from failsoft.drift.comparison import Compared
from failsoft.drift.judgement import shares
from failsoft.drift.limits import Calibrated, Severity, Tolerance
from failsoft.drift.memory import Memory, Remembered

__all__ = ["following"]


class _Scored(NamedTuple):
    cusum: StoredCusum
    z: float


def following(
    memory: Memory | None,
    features: Sequence[Compared],
    calibration: StoredCalibration,
    tolerance: Tolerance,
    newest: str,
) -> Memory:
    """What is remembered after one more window.

    A window that was remembered already changes nothing, so that a job may be run again. A memory of another
    calibration is none: its sums are of other scores.

    Args:
        memory: until now; None before the first window.
        features: what was measured of the window.
        calibration: whose tests they are.
        tolerance: what is too small to matter.
        newest: a hash of the window's counts.
    """
    before = memory if memory is not None and memory.calibration == calibration.digest else None
    if before is not None and before.newest == newest:
        return before
    old = {} if before is None else before.by_test
    held = Calibrated(tolerance, calibration)
    tests = tuple(
        _next(old.get(watched, _first(watched)), bad, scored, calibration.rule.among)
        for one in features
        for watched, bad, scored in _seen(one, held, calibration, tolerance)
    )
    windows = 1 if before is None else before.windows + 1
    return Memory(calibration=calibration.digest, windows=windows, newest=newest, tests=tests)


def _first(watched: Watched) -> Remembered:
    return Remembered(feature=watched.feature, stratum=watched.stratum, what=watched.what)


def _next(test: Remembered, bad: bool, scored: _Scored | None, among: int) -> Remembered:  # noqa: FBT001
    total, ticket = test.sum, test.ticket
    if scored is not None:
        total, ticket = scored.cusum.after(test.sum, scored.z, raised=test.ticket)
    kept = (*test.bad, bad)[-among:]
    return test.model_copy(update={"sum": total, "ticket": ticket, "bad": kept})


def _seen(
    one: Compared, held: Calibrated, calibration: StoredCalibration, tolerance: Tolerance
) -> Iterator[tuple[Watched, bool, _Scored | None]]:
    """Each test of a feature: whether the window is bad, and its score for CUSUM (None for none)."""
    enough = one.rows.current >= held.least(one)
    scored = held.scored(one) if enough else None
    watched = Watched(one.name, "distribution", one.stratum)
    if scored is None:
        yield watched, False, None
    else:
        test, z, _ = scored
        yield watched, z > test.page, None if test.cusum is None or test.cusum.sd <= 0 else _Scored(test.cusum, z)
    levels = (calibration.ticket_level, calibration.page_level)
    found = shares(one, tolerance, levels, tabled=scored is not None) if enough else {}
    for what in ("missing", "new", "unusual"):
        yield watched._replace(what=what), found.get(what) is Severity.PAGE, None
