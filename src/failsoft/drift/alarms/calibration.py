"""Critical values for a budget, the rate of false alarms that results, how sure that is, and what it costs in delay."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from failsoft.drift.alarms.cusum import Cusum
from failsoft.drift.alarms.power import SHIFTS, Delay, delay, shifted
from failsoft.drift.alarms.promise import Evidence, doubts
from failsoft.drift.alarms.rules import Budget, Cadence, Rule, level_for, overlap
from failsoft.drift.alarms.signals import ShareTest, Signal, TableTest, Test, test_of
from failsoft.drift.alarms.tables import Floats
from failsoft.drift.alarms.tail import Tail, fit, loudest
from failsoft.drift.alarms.tickets import cusums

__all__ = ["Calibrated", "Calibration", "Plan", "calibrate", "overlapping"]

_ALLOWED = 1.5
"""How far above the budget the rate may be at the upper end of what is likely."""

_UPPER = 0.9
_STEP, _REACH = 0.1, 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the author wants.

    Attributes:
        budget: false alarms.
        cadence: when windows are judged.
        rows: of a window; the least that is judged, so that larger ones are judged more strictly than promised.
        rule: what pages.
        floor: PSI below which a window is never bad, however surely it differs.
        strata: routes, tenants or model revisions in which every feature is judged apart.
        block: held-out windows that belong together, such as those of one day.
        inside: whether the held-out rows are among the reference's.
    """

    budget: Budget
    cadence: Cadence
    rows: int
    rule: Rule = field(default_factory=Rule)
    floor: float = 0.02
    strata: int = 1
    block: int = 1
    inside: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """One test with its numbers.

    Attributes:
        test: what is tested.
        z: the score above which a window is bad.
        ticket_z: the score above which a single window is worth a ticket.
        value: the same as PSI in a window of the planned rows; for a share, as a share.
        wander: the largest design effect: how many times the variance of chance windows have in their worst direction.
        cusum: what raises tickets; None for a share.
        delays: for each of `SHIFTS`; none for a share.
    """

    test: Test
    z: float
    ticket_z: float
    value: float
    wander: float
    cusum: Cusum | None
    delays: tuple[Delay, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The alarms of a monitor.

    Attributes:
        plan: what was asked for.
        tests: each test with its numbers.
        unjudged: features whose table has one bin only.
        level: -log(chance) that each test may have in one window.
        ticket_level: the same for tickets on single windows, where nobody keeps CUSUM's sums from window to window.
        pages, low, high: false pages per 30 days, estimated, and the 5th and 95th percentile of what is likely.
        tickets: false tickets of CUSUM per 30 days.
        evidence: what the promise rests on.
        doubts: why no rate of pages is promised, in words; empty where one is.
        tail: the tail model of the held-out windows, or None.
        levels: of the held-out windows, what would have paged, shape (windows,).
    """

    plan: Plan
    tests: tuple[Calibrated, ...]
    unjudged: tuple[str, ...]
    level: float
    ticket_level: float
    pages: float
    low: float
    high: float
    tickets: float
    evidence: Evidence
    doubts: tuple[str, ...]
    tail: Tail | None
    levels: Floats

    @property
    def promised(self) -> bool:
        """Whether a page may be sent; where not, its alarms are tickets."""
        return not self.doubts


def calibrate(signals: Sequence[Signal], plan: Plan, seed: int = 20261121) -> Calibration:
    """Find the critical values at which a monitor keeps its budget.

    All tests get the same level. It is the smallest at which (1) the laws of the tests together and (2) the tail model
    of the held-out windows, persistence and all features in it, allow no more than the budget, and (3) at the upper
    90 % of what the reference's size and the number of held-out windows leave open, no more than 1.5 times the budget.

    Args:
        signals: the features; all have the same held-out windows.
        plan: what the author wants.
        seed: of the resampling.

    Raises `ValueError` where no feature can be judged.
    """
    made = [(signal, test_of(signal, plan.rows, plan.block, inside=plan.inside)) for signal in signals]
    tests = [test for _, test in made if test is not None]
    if not tests:
        raise ValueError("no feature has two bins with enough rows to be judged")
    pages = _pages(tests, plan.rule)
    tail = fit(pages, plan.block) if len(pages) else None
    rng = np.random.default_rng(seed)
    search = _Search(tests, plan, tail, rng)
    level = search.level()
    ticket_level = _ticket_level(tests, plan)
    estimate, low, high = (rate * plan.cadence.windows for rate in search.rates())
    made_cusums, tickets = cusums(tests, plan.budget, plan.cadence, plan.strata, rng)
    scarce = min(tests, key=lambda test: _rows(test) / test.rows)
    evidence = Evidence(
        windows=len(pages),
        blocks=-(-len(pages) // plan.block),
        wanted=plan.cadence.windows,
        budget=plan.budget.false_pages_per_30d,
        reference=_rows(scarce),
        rows=scarce.rows,
        heaviness=tail.heaviness if tail is not None else 0.0,
        kept=search.kept,
        kurtosis=max(_kurtosis(test) for test in tests) if plan.rule.least == 1 else 0.0,
    )
    calibrated = tuple(
        _calibrated(test, (level, ticket_level), plan, cusum) for test, cusum in zip(tests, made_cusums, strict=True)
    )
    unjudged = tuple(signal.name for signal, test in made if test is None)
    return Calibration(
        plan=plan,
        tests=calibrated,
        unjudged=unjudged,
        level=level,
        ticket_level=ticket_level,
        pages=estimate,
        low=low,
        high=high,
        tickets=tickets,
        evidence=evidence,
        doubts=doubts(evidence),
        tail=tail,
        levels=pages,
    )


def _pages(tests: Sequence[Test], rule: Rule) -> Floats:
    columns = [test.levels() for test in tests]
    if min(len(column) for column in columns) <= rule.among:
        return np.zeros(0)
    # the first windows have too few before them to page
    return np.concatenate([np.zeros(rule.among - 1), loudest(np.stack(columns, axis=1), rule)])


def _kurtosis(test: Test) -> float:
    return test.held.kurtosis if isinstance(test, TableTest) and test.held is not None else 0.0


def _rows(test: Test) -> float:
    return float(test.reference.sum()) if isinstance(test, TableTest) else test.total


def _ticket_level(tests: Sequence[Test], plan: Plan) -> float:
    """The level at which single windows raise no more tickets than the budget, by the laws and by the tail model."""
    single, wanted = Rule(), plan.budget.false_tickets_per_30d / plan.cadence.windows
    first = level_for(wanted, single, len(tests) * plan.strata)
    ladder = np.arange(first, first + _REACH, _STEP)
    levels = _pages(tests, single)
    rate, most = np.zeros(len(ladder)), np.ones(len(ladder))
    for test in tests:
        z = np.array([test.critical(level, plan.floor) for level in ladder])
        more = overlapping(test, ladder, z, plan.cadence.evaluations)
        rate += plan.strata * more * test.chance(z)
        most = np.maximum(most, more)
    if len(levels):
        rate = np.maximum(rate, plan.strata * most * fit(levels, plan.block).rates(ladder)[0])
    within = rate <= wanted * (1 + 1e-9)
    return float(ladder[int(within.argmax()) if within.any() else -1])


class _Search:
    """Rates of pages over a ladder of levels, as estimated and as they may be."""

    def __init__(self, tests: Sequence[Test], plan: Plan, tail: Tail | None, rng: np.random.Generator) -> None:
        self.wanted = plan.budget.false_pages_per_30d / plan.cadence.windows
        first = level_for(self.wanted, plan.rule, len(tests) * plan.strata)
        self.ladder = np.arange(first, first + _REACH, _STEP)
        draws = int(np.clip(2000 // len(tests), 40, 200))
        weights = _resampled(tail, draws, rng)
        self.estimate = np.zeros(len(self.ladder))
        self.likely = np.zeros((draws, len(self.ladder)))
        most = np.ones(len(self.ladder))
        for test in tests:
            z = np.array([test.critical(level, plan.floor) for level in self.ladder])
            more = overlapping(test, self.ladder, z, plan.cadence.evaluations)
            self.estimate += plan.strata * more * plan.rule.rate(test.chance(z))
            self.likely += plan.strata * more * plan.rule.rate(_chances(test, z, weights, draws, rng))
            most = np.maximum(most, more)
        if tail is not None:
            self.estimate = np.maximum(self.estimate, plan.strata * most * tail.rates(self.ladder)[0])
            self.likely = np.maximum(self.likely, plan.strata * most * tail.rates(self.ladder, weights))
        self.upper = np.quantile(self.likely, _UPPER, axis=0)

        within = (self.estimate <= self.wanted * (1 + 1e-9)) & (self.upper <= self.wanted * _ALLOWED)
        self.kept = bool(within.any())
        self._at = int(within.argmax()) if self.kept else len(self.ladder) - 1

    def level(self) -> float:
        return float(self.ladder[self._at])

    def rates(self) -> tuple[float, float, float]:
        low, high = np.quantile(self.likely[:, self._at], [0.05, 0.95])
        return float(self.estimate[self._at]), float(low), float(high)


def _resampled(tail: Tail | None, draws: int, rng: np.random.Generator) -> Floats | None:
    if tail is None:
        return None
    blocks = len(tail.sizes)
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=draws).astype(np.float64)


def overlapping(test: Test, ladder: Floats, z: Floats, evaluations: float) -> Floats:
    """How many times as often a test alarms because windows overlap, at each level.

    Args:
        test: the test.
        ladder: levels, shape (levels,).
        z: the critical scores at them, shape (levels,).
        evaluations: for each window's length.
    """
    if evaluations <= 1:
        return np.ones(len(ladder))
    if isinstance(test, ShareTest):
        return np.full(len(ladder), evaluations)
    law = test.law
    return np.array(
        [overlap(at, law.mean, law.hazard(level), evaluations) for level, at in zip(ladder, z, strict=True)]
    )


def _chances(test: Test, z: Floats, weights: Floats | None, draws: int, rng: np.random.Generator) -> Floats:
    if isinstance(test, ShareTest):
        return np.broadcast_to(test.chance(z), (draws, len(z)))
    return np.stack(
        [np.exp(test.redrawn(rng, None if weights is None else weights[draw]).log_sf(z)) for draw in range(draws)]
    )


def _calibrated(test: Test, levels: tuple[float, float], plan: Plan, cusum: Cusum | None) -> Calibrated:
    z, ticket_z = (test.critical(level, plan.floor) for level in levels)
    if isinstance(test, ShareTest):
        return Calibrated(test, z, ticket_z, (z + 0.5) / test.rows, 1.0, None, ())
    wander = 1.0 if test.held is None else test.held.wander
    delays = tuple(delay(shift, test.moved(shifted(test.reference, shift)), z, plan.rule, cusum) for shift in SHIFTS)
    return Calibrated(test, z, ticket_z, z * test.error, wander, cusum, delays)
