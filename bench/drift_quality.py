"""What alarms on drift promise and what they cost, by simulation with seeds.

`python -m bench.drift_quality` prints the table of docs/drift-alarms.md, `python -m bench drift_quality` its bounds.
"""

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bench import drift_situations as situations
from bench.drift_lines import LEVEL, NO_MOST, SEED, WINDOWS, Line, Setting, measure, plan_of, three
from bench.drift_worlds import DECILES, ZIPF, World, calm, heavy, normal, scores
from bench.rows import Row
from failsoft.drift.alarms.laws import yurdakul
from failsoft.drift.alarms.rules import Rule

__all__ = ["CASES", "main", "run"]

_TIMES = 30
_EXPECTED = 200
_WINDOWS_EACH = 36_000
_HEADER = """| situation | setting | promised | false alarms / budget: mean (median, p90) | seen | bound |
|---|---|---|---|---|---|"""


def analytic(times: int) -> Iterator[Line]:
    """The chi-square law alone, false pages counted one by one, from twice as many references."""
    times *= 2
    world, critical = World(DECILES, 500, calm()), yurdakul(10).critical(LEVEL)
    for reference in (20_000, 100_000):
        false, seen = [], []
        for index in range(times):
            rng = np.random.default_rng([SEED, 1, index])
            counts = world.reference(rng, reference)
            above = np.count_nonzero(scores(counts, world.windows(rng, _WINDOWS_EACH)) > critical)
            false.append(above / _WINDOWS_EACH * WINDOWS)
            pairs = (scores(counts, world.windows(rng, 2000, 0.3)) > critical).reshape(-1, 2)
            seen.append(float(pairs.any(axis=1).mean()))
        expected = _WINDOWS_EACH * times / WINDOWS
        bounds = [("seen", float(np.mean(seen)), 0.95, NO_MOST)]
        if expected >= _EXPECTED:
            bounds.append(("mean", float(np.mean(false)), 0.7, 1.5))
        yield Line(
            f"the chi-square law alone: {times} references, {expected:.0f} pages expected",
            str(Setting(world, reference)),
            "rule only",
            three(false),
            f"0.3 sd within 2 windows: {np.mean(seen):.3f}",
            tuple(bounds),
        )


def by_chance(times: int) -> Iterator[Line]:
    """Nothing held out: nothing is promised, and where chance is all there is the budget is kept all the same."""
    for share, rows, reference, features in (
        (DECILES, 500, 20_000, 1),
        (DECILES, 500, 20_000, 50),
        (DECILES, 500, 2_000, 1),
        (DECILES, 100, 20_000, 1),
        (ZIPF, 500, 20_000, 1),
        (ZIPF, 2_600, 20_000, 1),
        (ZIPF, 2_600, 104_000, 1),
    ):
        setting = Setting(World(share, rows, calm()), reference, 0, features, share is DECILES)
        found = measure(setting, plan_of(rows), times if features == 1 else max(2, times // 8))
        kind = "deciles" if share is DECILES else "52 Zipf categories"
        yield found.line(f"chance only, {kind}", setting, most_mean=1.5)


def wandering(times: int) -> Iterator[Line]:
    """Held-out windows, and windows that differ by more than chance."""
    for name, wander, limits in (
        ("chance only", calm(), {}),
        ("window means with sd 0.05", normal(0.05), {400: 4.0, 8_640: 2.0}),
        ("window means with sd 0.1", normal(0.1), {400: 4.0, 8_640: 2.0}),
        ("window means with sd 0.05 and outliers (t, 4 degrees)", heavy(0.05), {}),
    ):
        for held in (400, 2_880, 8_640) if name == "chance only" else (0, 400, 2_880, 8_640):
            setting = Setting(World(DECILES, 500, wander), held=held)
            found = measure(setting, plan_of(500), max(2, times if held < 8_640 else times * 2 // 3), stream=held)
            yield found.line(name, setting, most_median=limits.get(held, 0.0))
    setting = Setting(World(DECILES, 500, normal(0.05)), held=2_880, features=50)
    yield measure(setting, plan_of(500), max(2, times // 8)).line("window means with sd 0.05", setting)
    for name, wander in (
        ("chance only", calm()),
        ("window means with sd 0.1", normal(0.1)),
        ("window means with sd 0.05 and outliers (t, 4 degrees)", heavy(0.05)),
    ):
        setting = Setting(World(DECILES, 500, wander), held=2_880)
        found = measure(setting, plan_of(500, rule=Rule(2, 2)), max(2, times // 2))
        yield found.line(f"{name}, a page on two in a row", setting)


CASES: tuple[Callable[[int], Iterator[Line]], ...] = (
    analytic,
    by_chance,
    wandering,
    situations.daily,
    situations.burn,
    situations.lasting,
    situations.sliding,
    situations.shares,
    situations.cusum,
    situations.bounds,
)


def main(arguments: Sequence[str]) -> int:
    """Print the table; a number says from how many references, names say which parts."""
    times = next((int(text) for text in arguments if text.isdecimal()), _TIMES)
    names = [text for text in arguments if not text.isdecimal()]
    print(_HEADER)
    broken = False
    for case in CASES:
        if names and case.__name__ not in names:
            continue
        for line in case(times):
            print(line.cells, flush=True)
            broken = broken or "BROKEN" in line.verdict
    return 1 if broken else 0


def run(times: int = _TIMES) -> list[Row]:
    """The bounds only; what has a lower one is shown as how far it may be missed."""
    found = []
    for case in CASES:
        for line in case(times):
            for name, value, least, most in line.bounds:
                what = f"drift alarms: {line.what}, {line.setting}: {name}"
                if least > 0:
                    found.append(Row(f"{what}, below {least:g} by", max(0.0, least - value), "", 0.0))
                if most < NO_MOST:
                    found.append(Row(what, value, "", most))
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
