"""The rest of the table: cycles, burn rates, sliding windows, shares, tickets, declared bounds."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter
from scipy.special import bdtrc

from bench.drift_lines import (
    LEVEL,
    SEED,
    WINDOWS,
    Line,
    Measured,
    Setting,
    calibrated,
    measure,
    pages_each,
    plan_of,
    three,
    within_two,
)
from bench.drift_worlds import DECILES, World, calm, cycle, normal, scores
from failsoft.drift.alarms.bounds import Bound, start, watch
from failsoft.drift.alarms.calibration import Calibration, calibrate
from failsoft.drift.alarms.cusum import Cusum, advance
from failsoft.drift.alarms.laws import yurdakul
from failsoft.drift.alarms.rules import Cadence, Rule
from failsoft.drift.alarms.signals import ShareTest, Signal, TableTest
from failsoft.drift.alarms.tables import Floats, merged

__all__ = ["bounds", "burn", "cusum", "daily", "lasting", "shares", "sliding"]

_DAY = 288


def daily(times: int) -> Iterator[Line]:
    """A daily cycle of the mean, with one reference for all hours and with one for each."""
    some, world = max(2, times // 2), World(DECILES, 500, cycle(0.15, _DAY))
    for held, name in ((0, "nothing held out"), (8_640, "30 days held out")):
        setting = Setting(world, held=held)
        found = measure(setting, plan_of(500, block=_DAY), some)
        yield found.line(f"daily cycle of 0.15 sd, one reference, {name}", setting)
    # to a reference of its own every hour is a world in which the mean moves by what it does in an hour
    setting = Setting(World(DECILES, 500, cycle(0.15 * np.pi / 24, 12)), held=8_640)
    yield measure(setting, plan_of(500, block=12), some).line("the same, a reference for each hour", setting)


def burn(times: int) -> Iterator[Line]:
    """The page that leaves Alertmanager on two bad slices among twelve."""
    setting, plan, measured = Setting(World(DECILES, 500, calm())), plan_of(500, rule=Rule(2, 12)), Measured()
    months = 20
    for index in range(times):
        rng = np.random.default_rng([SEED, 13, index])
        found = calibrated(rng, setting, plan)
        bad = rng.uniform(size=months * WINDOWS) < pages_each(rng, setting.world, found)[0]
        measured.false.append(_episodes(bad, plan.rule) / months)
        measured.promised.append(found.promised)
        measured.soon.append(within_two(rng, setting.world, found))
    yield measured.line("a burn-rate tier: 2 bad slices among 12, pages counted", setting, most_mean=1.5)


def lasting(times: int) -> Iterator[Line]:
    """Traffic that wanders for longer than a window, which persistence does not take for chance twice."""
    plan, measured, months = plan_of(500, rule=Rule(2, 2), block=_DAY), Measured(), 6
    for index in range(max(2, times // 2)):
        rng = np.random.default_rng([SEED, 14, index])
        reference = rng.multinomial(20_000, DECILES).astype(np.float64)
        found = calibrate([Signal("x", reference, _autoregressive(rng, 2_880))], plan)
        test = _table(found)
        z = scores(test.reference, merged(_autoregressive(rng, months * WINDOWS), test.into))
        measured.false.append(_episodes(z > found.tests[0].z, plan.rule) / months)
        measured.promised.append(found.promised)
    setting = Setting(World(DECILES, 500, calm()), held=2_880)
    yield measured.line("window means with sd 0.05, autocorrelation 0.8, two in a row, pages counted", setting)


def _autoregressive(rng: np.random.Generator, n: int) -> Floats:
    kept = 0.8
    delta = lfilter([1.0], [1.0, -kept], rng.normal(0, 0.05 * (1 - kept**2) ** 0.5, n))
    return rng.multinomial(500, World(DECILES, 500, calm()).shares(delta)).astype(np.float64)


def _episodes(bad: npt.NDArray[np.bool_], rule: Rule) -> int:
    """Pages: times at which the rule begins to hold."""
    recent = np.convolve(bad.astype(np.int64), np.ones(rule.among, dtype=np.int64))[: len(bad)]
    firing = (recent >= rule.least) & bad
    return int(np.count_nonzero(firing[1:] & ~firing[:-1]))


def _table(found: Calibration) -> TableTest:
    test = found.tests[0].test
    assert isinstance(test, TableTest)
    return test


def sliding(times: int) -> Iterator[Line]:
    """Windows that are judged 12 times each: the last hour, every 5 minutes."""
    pages, hour, months = 30.0, 3_600_000, 4
    plan = plan_of(504, pages=pages, cadence=Cadence(hour, hour // 12))
    setting, measured = Setting(World(DECILES, 504, calm())), Measured()
    for index in range(max(4, times // 2)):
        rng = np.random.default_rng([SEED, 15, index])
        found = calibrated(rng, setting, plan)
        slices = rng.multinomial(42, DECILES, size=int(plan.cadence.windows) * 12 * months)
        rows = np.cumsum(slices, axis=0)
        bad = scores(_table(found).reference, (rows[12:] - rows[:-12]).astype(np.float64)) > found.tests[0].z
        measured.false.append(_episodes(bad, Rule()) / months / pages)
        measured.promised.append(found.promised)
    yield measured.line(
        f"windows of an hour judged every 5 minutes, {pages:g} pages allowed, counted", setting, most_mean=1.5
    )


def shares(times: int) -> Iterator[Line]:
    """Missing rows, and 2 % of the rows where there were none: as a category, and beyond the largest value."""
    rows, reference = 500, 20_000
    rng = np.random.default_rng([SEED, 16])
    for name, before, after in (("missing rows, 2 % -> 5 %", 0.02, 0.05), ("a new category takes 2 %", 0.0, 0.02)):
        false, once = [], []
        for _ in range(times):
            events = rng.binomial(reference, before)
            counts = np.array([events, reference - events], dtype=np.float64)
            one = calibrate([Signal("x", counts, np.zeros((0, 2)), share=True)], plan_of(rows)).tests[0]
            assert isinstance(one.test, ShareTest)
            false.append(float(bdtrc(np.floor(one.z), rows, before)) * WINDOWS)
            once.append(float(bdtrc(np.floor(one.z), rows, after)))
        twice = np.mean([1 - (1 - each) ** 2 for each in once])
        bound = ("mean", float(np.mean(false)), 0.0, 1.5)
        seen = f"in 1 window: {np.mean(once):.3f}, within 2: {twice:.3f}"
        yield Line(name, f"B=2 N={reference:,} m={rows} F=1 H=0", f"0 of {times}", three(false), seen, (bound,))
    share = DECILES * 0.98
    share[-1] += 0.02
    z = np.stack([_against_own_reference(rng, reference, share, rows) for _ in range(times)])
    page, ticket = 1 / max(1e-9, float(np.mean(z > yurdakul(10).critical(LEVEL)))), _wait(z, Cusum(9.0, 18**0.5, 9.3))
    seen = f"page after {page:.0f} windows, ticket after {ticket:.0f}"
    yield Line(
        "2 % of the rows beyond the largest value", f"B=10 N={reference:,} m={rows} F=1 H=0", "rule only", None, seen
    )


def _against_own_reference(rng: np.random.Generator, reference: int, share: Floats, rows: int) -> Floats:
    windows = rng.multinomial(rows, share, size=4_000).astype(np.float64)
    return scores(rng.multinomial(reference, DECILES).astype(np.float64), windows)


def _wait(z: Floats, one: Cusum) -> float:
    """Windows from one ticket to the next; z has shape (streams, windows)."""
    sums, tickets = np.zeros(len(z)), 0.0
    for at in range(z.shape[1]):
        sums, alarms = advance(sums, (z[:, at] - one.mean) / one.sd, one.threshold)
        tickets += float(alarms.sum())
    return z.size / max(tickets, 0.5)


def cusum(times: int) -> Iterator[Line]:
    """Tickets on a small shift at one false ticket in 30 days."""
    for name, wander, held, most in (
        ("CUSUM, chance only", calm(), 0, 20.0),
        ("CUSUM, chance only", calm(), 8_640, 20.0),
        ("CUSUM, window means with sd 0.05", normal(0.05), 8_640, 0.0),
    ):
        setting = Setting(World(DECILES, 500, wander), held=held)
        false, small, large = [], [], []
        for index in range(2 * times if not held else times):
            rng = np.random.default_rng([SEED, 17, index])
            found = calibrated(rng, setting, plan_of(500))
            one = found.tests[0].cusum
            assert one is not None
            false.append(WINDOWS / _wait(_streams(rng, setting, found, 0.0, (24, 1_500)), one))
            small.append(_wait(_streams(rng, setting, found, 0.1, (20, 400)), one))
            large.append(_wait(_streams(rng, setting, found, 0.3, (20, 50)), one))
        limits = [("mean", float(np.mean(false)), 0.0, 1.5)]
        if most:
            limits.append(("0.1 sd after", float(np.mean(small)), 0.0, most))
        seen = f"0.1 sd after {np.mean(small):.1f} windows, 0.3 sd after {np.mean(large):.1f}"
        yield Line(name, str(setting), "tickets", three(false), seen, tuple(limits))


def _streams(
    rng: np.random.Generator, setting: Setting, found: Calibration, shift: float, shape: tuple[int, int]
) -> Floats:
    test = _table(found)
    windows = setting.world.windows(rng, shape[0] * shape[1], shift)
    return scores(test.reference, merged(windows, test.into)).reshape(shape)


def bounds(times: int) -> Iterator[Line]:
    """Refusals within a declared bound; and, to show why it is declared, within one estimated from a reference."""
    rows, length = 500, 4_320
    rng = np.random.default_rng([SEED, 18])
    for name, reference in (("declared: at most 3 %", 0), ("estimated from a reference", 20_000)):
        streams = 10 * times if not reference else max(4, times // 2)
        declared = rng.binomial(reference, 0.03, streams) / reference if reference else np.array([0.03])
        each = streams // len(declared)
        false = np.concatenate([_alarms(rng, float(share), 0.03, (length, each)) for share in declared])
        more = np.concatenate([_alarms(rng, float(share), 0.045, (100, each)) for share in declared])
        limits = (("mean", float(false.mean()) * WINDOWS / length, 0.0, 1.5),) if not reference else ()
        seen = f"4.5 % after {100 / max(1e-9, float(more.mean())):.1f} windows"
        pages = three((false * WINDOWS / length).tolist())
        setting = f"N={reference:,} m={rows}, {streams} streams of 15 days"
        yield Line(f"e-detector of refusals, bound {name}", setting, "tickets", pages, seen, limits)


def _alarms(rng: np.random.Generator, declared: float, share: float, shape: tuple[int, int]) -> Floats:
    """Alarms of each stream; shape is (windows, streams)."""
    bound, evidence, found = Bound(declared, WINDOWS), start(shape[1]), np.zeros(shape[1])
    rows = np.full(shape[1], 500)
    for events in rng.binomial(500, share, size=shape):
        evidence, alarms = watch(bound, evidence, events, rows)
        found += alarms
    return found
