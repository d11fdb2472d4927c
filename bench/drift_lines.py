"""A row of the table of alarms on drift, and how false pages and detection are measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from bench.drift_worlds import World, chance, scores
from failsoft.drift.alarms.calibration import Calibration, Plan, calibrate
from failsoft.drift.alarms.rules import Budget, Cadence, Rule
from failsoft.drift.alarms.signals import Signal, TableTest
from failsoft.drift.alarms.tables import merged

__all__ = [
    "CADENCE",
    "LEVEL",
    "SEED",
    "WINDOWS",
    "Line",
    "Measured",
    "Setting",
    "calibrated",
    "measure",
    "pages_each",
    "plan_of",
    "three",
    "within_two",
]

SEED = 20261121
CADENCE = Cadence(300_000, 300_000)
WINDOWS = int(CADENCE.windows)
"""Windows of 5 minutes in 30 days."""

LEVEL = float(np.log(WINDOWS))
"""One false page in 30 days: 1 in 8,640."""

NO_MOST = 1e9

type Bounds = tuple[tuple[str, float, float, float], ...]
"""What must hold: name, figure, least, most."""

type Three = tuple[float, float, float]
"""Mean, median and 90th percentile."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table.

    Attributes:
        what: the situation.
        setting: bins B, reference rows N, rows of a window m, features F, windows held out H.
        promised: in how many of the calibrations the tool promises.
        false: false alarms over the budget, over references and calibrations.
        seen: what is seen how fast.
        bounds: what must hold.
    """

    what: str
    setting: str
    promised: str
    false: Three | None
    seen: str
    bounds: Bounds = ()

    @property
    def verdict(self) -> str:
        """The bounds and whether they hold."""
        return "; ".join(
            f"{name} {_range(least, most)}{'' if least <= value <= most else f' BROKEN at {value:.3g}'}"
            for name, value, least, most in self.bounds
        )

    @property
    def cells(self) -> str:
        """The row as Markdown."""
        false = "" if self.false is None else "{:.2f} ({:.2f}, {:.2f})".format(*self.false)
        return f"| {self.what} | {self.setting} | {self.promised} | {false} | {self.seen} | {self.verdict} |"


def _range(least: float, most: float) -> str:
    if least <= 0:
        return f"<= {most:g}"
    return f">= {least:g}" if most >= NO_MOST else f"{least:g} to {most:g}"


@dataclass(frozen=True, slots=True)
class Setting:
    """The columns of a row.

    Attributes:
        world: where windows come from.
        reference: its rows.
        held: windows held out.
        features: how many, each with windows of its own.
        ordered: whether bins are those of a number.
    """

    world: World
    reference: int = 20_000
    held: int = 0
    features: int = 1
    ordered: bool = True

    def __str__(self) -> str:
        return f"B={len(self.world.share)} N={self.reference:,} m={self.world.rows:,} F={self.features} H={self.held:,}"


@dataclass(slots=True)
class Measured:
    """What many references and calibrations came to, one entry each."""

    false: list[float] = field(default_factory=list)
    promised: list[bool] = field(default_factory=list)
    soon: list[float] = field(default_factory=list)

    def line(self, what: str, setting: Setting, *, most_mean: float = 0.0, most_median: float = 0.0) -> Line:
        """The row; what is promised is held to 1.5 times the budget."""
        bounds = []
        if kept := [value for value, promised in zip(self.false, self.promised, strict=True) if promised]:
            bounds.append(("promised", float(np.mean(kept)), 0.0, 1.5))
        if most_mean:
            bounds.append(("mean", float(np.mean(self.false)), 0.0, most_mean))
        if most_median:
            bounds.append(("median", median(self.false), 0.0, most_median))
        seen = f"0.3 sd within 2 windows: {np.mean(self.soon):.3f}" if self.soon else ""
        return Line(what, str(setting), self.promises, three(self.false), seen, tuple(bounds))

    @property
    def promises(self) -> str:
        return f"{sum(self.promised)} of {len(self.promised)}"


def three(values: Sequence[float]) -> Three:
    """Mean, median, 90th percentile."""
    return float(np.mean(values)), median(values), float(np.quantile(values, 0.9))


def plan_of(
    rows: int, *, rule: Rule | None = None, pages: float = 1.0, block: int = 24, cadence: Cadence = CADENCE
) -> Plan:
    """One false page and one false ticket in 30 days, a floor of 0.02."""
    return Plan(Budget(pages, 1.0), cadence, rows, rule or Rule(), 0.02, 1, block)


def calibrated(rng: np.random.Generator, setting: Setting, plan: Plan) -> Calibration:
    """A calibration with references and held-out windows of its own."""
    world, none = setting.world, np.zeros((0, len(setting.world.share)))
    signals = []
    for index in range(setting.features):
        held = world.windows(rng, setting.held) if setting.held else none
        signals.append(Signal(f"f{index}", world.reference(rng, setting.reference), held, setting.ordered))
    return calibrate(signals, plan)


def pages_each(rng: np.random.Generator, world: World, found: Calibration) -> list[float]:
    """For each feature the chance that a window is bad while nothing has changed."""
    found_each = []
    for one in found.tests:
        assert isinstance(one.test, TableTest)
        found_each.append(chance(rng, world, one.test.reference, one.test.into, one.z))
    return found_each


def within_two(rng: np.random.Generator, world: World, found: Calibration) -> float:
    """The chance that a shift of the first feature by 0.3 sd is seen within two windows."""
    test = found.tests[0].test
    assert isinstance(test, TableTest)
    bad = scores(test.reference, merged(world.windows(rng, 4000, 0.3), test.into)) > found.tests[0].z
    pairs = bad.reshape(-1, 2)
    return float((pairs.all(axis=1) if found.plan.rule.least > 1 else pairs.any(axis=1)).mean())


def measure(setting: Setting, plan: Plan, times: int, *, stream: int = 0) -> Measured:
    """So many references, each with held-out windows and a calibration of its own; windows are independent."""
    measured = Measured()
    for index in range(times):
        rng = np.random.default_rng([SEED, stream, index])
        found = calibrated(rng, setting, plan)
        each = np.array(pages_each(rng, setting.world, found))
        pages = float(plan.rule.rate(each).sum()) * plan.cadence.windows
        measured.false.append(pages / plan.budget.false_pages_per_30d)
        measured.promised.append(found.promised)
        measured.soon.append(within_two(rng, setting.world, found))
    return measured
