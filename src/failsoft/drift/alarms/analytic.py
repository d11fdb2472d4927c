"""Critical values for windows of any size: by chance, from a reference alone, or from a calibration."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from failsoft.drift.alarms.calibration import overlapping
from failsoft.drift.alarms.counted import signals
from failsoft.drift.alarms.rules import Budget, Cadence, Rule, level_for
from failsoft.drift.alarms.shares import least_events
from failsoft.drift.alarms.signals import ShareTest, TableTest, Test, test_of
from failsoft.drift.alarms.stored import StoredCalibration, Watched
from failsoft.drift.profile import ReferenceProfile

__all__ = ["Critical", "Severities", "calibrated_values", "critical_values", "share_base"]

_STEP, _REACH = 0.1, 30.0
_DOUBLINGS = 9
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Severities:
    """The same for both severities."""

    ticket: float
    page: float


@dataclass(frozen=True, slots=True)
class Critical:
    """What is too much for one feature, whatever rows a window holds, from `rows` on.

    Attributes:
        feature: its name.
        into: the pool of each of its bins; empty where no table can be judged.
        z: the score PSI / (1/n + 1/m) of the pooled table above which a window is bad; None without a table.
        missing: k: a share above p + k sqrt(p (1 - p) (1/n + 1/m)) is bad, p being `share_base` of the reference.
        new: the same for categories that the reference never had; None where there are no categories.
        most: rows m beyond which a window is judged as one of so many, for what windows differ by besides chance does
            not shrink with their rows; None where they differ by chance only.
    """

    feature: str
    into: tuple[int, ...]
    z: Severities | None
    missing: Severities
    new: Severities | None
    most: int | None = None


def critical_values(
    profile: ReferenceProfile, features: Iterable[str], budget: Budget, cadence: Cadence, rows: int
) -> tuple[Critical, ...]:
    """The critical values of some features of a profile.

    The budget is shared out over all windows, features and their tests, as in `judgement`; windows that overlap alarm
    more often, which is taken into account. The laws are those of windows with `rows` rows: larger ones follow the
    chi-square law more closely, so that they are judged a little more strictly than need be. Nothing is known here of
    how windows differ without drift; `failsoft drift calibrate` learns that from held-out windows. Rows of all strata
    are taken together.

    Args:
        profile: the reference.
        features: which, each in the profile.
        budget: false alarms of all of them together.
        cadence: how long windows are, and how often they are judged.
        rows: the least that a window is judged with.
    """
    chosen = set(features)
    tests = _tests(profile, chosen, rows)
    levels = [
        _level(list(tests.values()), rate / cadence.windows, cadence)
        for rate in (budget.false_tickets_per_30d, budget.false_pages_per_30d)
    ]
    return tuple(_critical(name, tests, levels) for name in profile.features if name in chosen)


def calibrated_values(
    profile: ReferenceProfile, features: Iterable[str], kept: StoredCalibration, rows: int
) -> tuple[Critical, ...]:
    """The critical values of some features that a calibration of the profile found.

    Its budget is that of all features of the profile: of some of them, false alarms are as many or fewer. Shares need
    no held-out windows, their law is exact at its levels.

    Args:
        profile: the reference, whose rows the calibration took together.
        features: which, each in the profile.
        kept: the calibration.
        rows: the least that a window is judged with.
    """
    chosen = set(features)
    tests, levels = _tests(profile, chosen, rows), (kept.ticket_level, kept.page_level)
    found = []
    for name in (name for name in profile.features if name in chosen):
        alone, stored = _critical(name, tests, levels), kept.by_feature.get(("", name))
        if stored is None:
            found.append(replace(alone, into=(), z=None))
        else:
            found.append(replace(alone, into=stored.pools, z=Severities(stored.ticket, stored.page), most=stored.rows))
    return tuple(found)


def _tests(profile: ReferenceProfile, chosen: Container[str], rows: int) -> dict[Watched, Test]:
    made = [
        (signal.of, test_of(signal, rows, 1, inside=False))
        for signal in signals(profile.model_copy(update={"strata": None}), ())
        if signal.of is not None and signal.of.feature in chosen
    ]
    return {watched: test for watched, test in made if test is not None}


def share_base(events: float, rows: float) -> float:
    """The share that the limit of a share starts from: of the reference, with one event added to each side.

    >>> round(share_base(0, 998), 6)
    0.001
    """
    return (events + 1) / (rows + 2)


def _level(tests: Sequence[Test], rate: float, cadence: Cadence) -> float:
    """The smallest level -log(chance) of each test at which all together alarm at this rate, per window."""
    first = level_for(rate, Rule(), max(1, len(tests)))
    ladder = np.arange(first, first + _REACH, _STEP)
    total = np.zeros(len(ladder))
    for test in tests:
        z = np.array([test.critical(level, 0.0) for level in ladder])
        total += overlapping(test, ladder, z, cadence.evaluations) * np.exp(-ladder)
    within = total <= rate * (1 + 1e-9)
    return float(ladder[int(within.argmax()) if within.any() else -1])


def _critical(name: str, tests: Mapping[Watched, Test], levels: Sequence[float]) -> Critical:
    table = tests.get(Watched(name))
    missing, new = tests[Watched(name, "missing")], tests.get(Watched(name, "new"))
    assert isinstance(missing, ShareTest)  # noqa: S101  # as its signal says
    return Critical(
        name,
        table.into if isinstance(table, TableTest) else (),
        Severities(*(table.critical(level, 0.0) for level in levels)) if isinstance(table, TableTest) else None,
        Severities(*(_factor(missing, level) for level in levels)),
        Severities(*(_factor(new, level) for level in levels)) if isinstance(new, ShareTest) else None,
    )


def _factor(test: ShareTest, level: float) -> float:
    """The smallest k, in quarters, that is on the safe side of the exact law for windows from the test's size on."""
    base = share_base(test.events, test.total)
    most = 0.0
    for rows in (test.rows << step for step in range(_DOUBLINGS)):
        share = least_events(test.events, test.total, rows, level) / rows
        most = max(most, (share - base) / (base * (1 - base) * (1 / test.total + 1 / rows)) ** 0.5)
    return ceil(most * _PARTS) / _PARTS
