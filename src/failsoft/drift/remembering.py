"""One more window: CUSUM's sums go on, and its being bad is remembered."""

from collections.abc import Iterator, Sequence

from failsoft.drift.alarms.cusum import ALLOWANCE
from failsoft.drift.alarms.stored import StoredCalibration, Watched
from failsoft.drift.comparison import Compared
from failsoft.drift.judgement import shares
from failsoft.drift.limits import Calibrated, Severity, Tolerance
from failsoft.drift.memory import Memory, Remembered

__all__ = ["following"]


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
        _next(old.get(watched, _first(watched)), bad, step, threshold, calibration.rule.among)
        for one in features
        for watched, bad, step, threshold in _seen(one, held, calibration, tolerance)
    )
    windows = 1 if before is None else before.windows + 1
    return Memory(calibration=calibration.digest, windows=windows, newest=newest, tests=tests)


def _first(watched: Watched) -> Remembered:
    return Remembered(feature=watched.feature, stratum=watched.stratum, what=watched.what)


def _next(test: Remembered, bad: bool, step: float | None, threshold: float, among: int) -> Remembered:  # noqa: FBT001
    total, ticket = test.sum, False
    if step is not None:
        total = max(0.0, test.sum + step - ALLOWANCE)
        ticket = total > threshold
    kept = (*test.bad, bad)[-among:]
    return test.model_copy(update={"sum": 0.0 if ticket else total, "ticket": ticket, "bad": kept})


def _seen(
    one: Compared, held: Calibrated, calibration: StoredCalibration, tolerance: Tolerance
) -> Iterator[tuple[Watched, bool, float | None, float]]:
    """Each test of a feature: whether the window is bad, the step of CUSUM (None for none), and its threshold."""
    enough = one.rows.current >= held.least(one)
    scored = held.scored(one) if enough else None
    watched = Watched(one.name, "distribution", one.stratum)
    if scored is None:
        yield watched, False, None, 0.0
    else:
        test, z, _ = scored
        cusum = test.cusum
        step = None if cusum is None or cusum.sd <= 0 else (z - cusum.mean) / cusum.sd
        yield watched, z > test.page, step, 0.0 if cusum is None else cusum.threshold
    levels = (calibration.ticket_level, calibration.page_level)
    found = shares(one, tolerance, levels, tabled=scored is not None) if enough else {}
    for what in ("missing", "new", "unusual"):
        yield watched._replace(what=what), found.get(what) is Severity.PAGE, None, 0.0
