"""Columns that are all but constant, and flags: a share that rises from never is seen, and nothing else is."""

import numpy as np
import pytest

from failsoft.drift import Accumulator, columns, fit_arrays
from failsoft.drift.alarms.counted import signals, window_counts
from failsoft.drift.comparison import compare
from failsoft.drift.judgement import Severity, judge
from failsoft.drift.limits import Tolerance

ROWS = 20_000


def verdict(reference, current):
    profile = fit_arrays({"x": reference}, model="chat")
    window = Accumulator(profile)
    window.update({"x": columns.column_of(current)})
    (found,) = judge(compare(window), Tolerance())
    return found


def flags(share, rows, seed=0):
    return np.random.default_rng(seed).uniform(size=rows) < share


@pytest.mark.parametrize(
    "constant",
    [np.zeros(ROWS), np.zeros(ROWS, dtype=bool), np.full(ROWS, "stop"), np.full(ROWS, 7)],
    ids=["number", "flag", "category", "integer"],
)
def test_a_constant_that_stays_is_in_tolerance_and_not_unknown(constant):
    assert verdict(constant, constant[:800]).severity is Severity.NONE


def test_a_flag_that_rises_from_hardly_ever_is_seen_though_one_bin_is_left_of_its_table():
    found = verdict(flags(0.002, ROWS), flags(0.03, 800, 1))
    assert (found.severity, found.moved) == (Severity.PAGE, ("unusual",))
    assert found.pooled is None  # one bin is left of its table
    assert " % have another value than usual, 0." in found.reason


def test_a_flag_that_never_was_is_new():
    assert verdict(np.zeros(ROWS, dtype=bool), flags(0.02, 800)).moved == ("new", "unusual")


def test_a_flag_that_is_up_now_and_then_may_be_up_as_often():
    for seed in range(20):
        assert verdict(flags(0.02, ROWS), flags(0.02, 800, seed + 1)).severity is Severity.NONE


def test_numbers_beside_a_constant_are_seen():
    current = np.where(flags(0.05, 800), 3.5, 0.0)
    found = verdict(np.zeros(ROWS), current)
    assert (found.severity, found.moved) == (Severity.PAGE, ("unusual",))


def test_what_is_judged_is_calibrated_and_shares_the_budget():
    profile = fit_arrays({"flag": flags(0.002, ROWS), "number": np.random.default_rng(1).normal(size=ROWS)})
    named = [signal.name for signal in signals(profile, [], 800)]
    assert named == ["flag", "flag: unusual", "flag: new", "flag: missing", "number", "number: missing"]
    window = Accumulator(profile)
    window.update({"flag": flags(0.03, 800, 1), "number": np.zeros(800)})
    held = {watched.text: counted.counts.tolist() for watched, counted in window_counts(window).items()}
    assert held["flag: unusual"] == [int(flags(0.03, 800, 1).sum()), 800 - int(flags(0.03, 800, 1).sum())]
