"""What other tools get wrong, one by one: our answer beside the reasoned truth.

The numbers are those of the list of disagreements that this room was built from: 1 chi-square, 2 bins, 3 empty bins,
4 the base of JS, 5 the norm of W1, 6 approximations of large references, 7 missing values, 8 sides of different size
and constants, 9 tiny p-values.
"""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy import stats

from failsoft.drift import Accumulator, fit_arrays
from failsoft.drift.comparison import compare, exactly
from failsoft.drift.judgement import Severity, judge
from failsoft.drift.limits import Tolerance
from failsoft.drift.statistics import chi_square, js

AT = datetime(2026, 11, 21, tzinfo=UTC)
DICE = np.random.default_rng(20261121)


def beside(reference, current):
    window = Accumulator(fit_arrays({"x": reference}, at=AT))
    window.update({"x": current})
    return compare(window)[0]


@pytest.mark.parametrize(
    ("reference", "window", "wrong"), [(1_000, 1_000, 0.32), (10_000, 1_000, 0.07), (1_000, 10_000, 0.93)]
)
def test_1_chi_square_takes_both_sides_for_samples(reference, window, wrong):
    """As if the reference were exact, a nominal 5 % test alarms in 32 % of windows as large as the reference."""
    dice, shares = np.random.default_rng(reference + window), np.full(5, 0.2)
    ours = theirs = 0
    for _ in range(1_000):
        left, right = dice.multinomial(reference, shares), dice.multinomial(window, shares)
        ours += chi_square(left.tolist(), right.tolist()).log10_p < math.log10(0.05)
        theirs += stats.chisquare(right, left / reference * window).pvalue < 0.05
    assert 30 <= ours <= 75, "5 % of 1,000"
    assert theirs / 1_000 == pytest.approx(wrong, abs=0.04)


def test_1_a_table_of_two_by_two_has_no_correction():
    """Yates's correction makes p too large: 0.0493 where 0.0417 is right."""
    found = chi_square([100, 900], [129, 871])
    truth = stats.chi2_contingency([[100, 900], [129, 871]], correction=False)
    corrected = stats.chi2_contingency([[100, 900], [129, 871]], correction=True)
    assert (found.statistic, found.dof) == (pytest.approx(truth.statistic, rel=1e-9), 1)
    assert 10**found.log10_p == pytest.approx(truth.pvalue, rel=1e-9)
    assert corrected.pvalue > 1.1 * truth.pvalue


def test_2_one_outlier_swallows_no_bin():
    before, now = DICE.normal(0, 1, 5_000), np.append(DICE.normal(0.5, 1, 3_999), 1e6)
    alone = beside(before, now[:-1])
    found = beside(before, now)
    assert found.statistics.psi == pytest.approx(alone.statistics.psi, abs=0.002)
    assert found.statistics.psi > 0.2
    assert found.statistics.js == pytest.approx(alone.statistics.js, abs=0.002)
    edges = np.histogram_bin_edges(np.concatenate([before, now]), bins="sturges")
    assert np.count_nonzero(np.histogram(now, edges)[0]) == 2, "equal widths put all rows but one in one bin"


def test_2_the_cuts_do_not_move_with_the_window():
    profile = fit_arrays({"x": DICE.normal(size=5_000)}, at=AT)
    bounds = []
    for far in (1.0, 1e9):
        window = Accumulator(profile)
        window.update({"x": np.append(DICE.normal(size=100), far)})
        bounds.append(window.counts["x"].bounds.tolist())
    assert bounds[0] == bounds[1]


def test_3_an_empty_bin_has_a_bounded_weight():
    found = beside(DICE.uniform(0, 1, 5_000), DICE.uniform(2, 3, 4_000))
    p = np.full(10, 500.5) / 5_005
    q = np.append(np.full(9, 0.5), 4_000.5) / 4_005
    assert found.statistics.psi == pytest.approx(float(np.sum((q - p) * np.log(q / p))), rel=1e-9), "half a row a bin"
    assert 8 < found.statistics.psi < 9, "other tools say 15 or 1,414 for the same rows"
    new = beside(["a"] * 900 + ["b"] * 100, ["a"] * 900 + ["c"] * 100)
    assert new.statistics.psi < 2


def test_4_js_is_of_base_two():
    assert js([10, 0], [0, 10]) == 1.0
    assert beside(DICE.uniform(0, 1, 5_000), DICE.uniform(2, 3, 4_000)).statistics.js > 0.8326, "the largest in base e"


@pytest.mark.parametrize("unit", [1e-5, 1.0, 1e12])
def test_5_a_unit_changes_nothing(unit):
    dice = np.random.default_rng(5)
    before, now = dice.normal(0, 1, 5_000) * unit, dice.normal(1, 1, 4_000) * unit
    found = exactly(beside(before, now), before, now)
    assert found.statistics.w1_iqr == pytest.approx(1 / 1.349, rel=0.1), "one sd in interquartile ranges"
    assert beside(before, now).statistics.w1_iqr == pytest.approx(found.statistics.w1_iqr, rel=0.1)


def test_6_an_outlier_in_a_large_reference_hides_no_shift():
    before = np.append(DICE.normal(0, 1, 19_999), 1e6)
    now = DICE.normal(0.3, 1, 5_000)
    truth = stats.ks_2samp(before, now).statistic
    found = beside(before, now).statistics
    assert found.ks <= truth <= found.ks + found.ks_error
    assert found.ks > 0.9 * truth, "10,000 equal widths say 0.00005"
    assert found.js > 0.1


def test_7_missing_rows_are_neither_dropped_in_silence_nor_poison():
    before, now = DICE.normal(size=5_000), DICE.normal(size=4_000)
    before[::20], now[::5] = np.nan, np.nan
    found = beside(before, now)
    assert (found.missing.reference, found.missing.current) == (0.05, 0.2)
    assert found.statistics.ks < 0.05
    (judged,) = judge([found], Tolerance())
    assert judged.moved == ("missing",)
    assert judged.severity is Severity.PAGE


def test_8_sides_of_different_size_and_constants_have_an_answer():
    found = beside(["a", "b"] * 100, ["a", "b", "b"] * 100)
    assert found.statistics.chi2.dof == 1
    constant = beside(["a"] * 100, ["a"] * 200)
    assert constant.statistics.chi2 == (0.0, 0, 0.0), "nothing to compare, and p is 1, not NaN"


def test_9_a_tiny_p_is_a_logarithm():
    found = chi_square([50_000, 50_000], [51_500, 48_500])
    wanted = stats.chi2.logsf(found.statistic, 1) / math.log(10)
    assert found.log10_p == pytest.approx(wanted, rel=1e-9)
    assert -300 < found.log10_p < -9
    assert chi_square([10_000, 0], [0, 10_000]).log10_p == -300, "float32 would say that p is 0 from 1e-45 on"


def test_7_no_data_is_not_no_drift():
    found = beside(DICE.normal(size=5_000), [])
    assert found.statistics.psi is None
    assert found.reason == "no rows in the window"
    (judged,) = judge([found], Tolerance())
    assert judged.severity is Severity.UNJUDGED


def test_a_zipf_column_of_fifty_categories_is_quiet_without_drift():
    """Other tools say p < 0.001 here."""
    names, weights = [f"c{i:02}" for i in range(50)], 1 / np.arange(1, 51)
    shares = weights / weights.sum()
    found = [beside(*(DICE.choice(names, size, p=shares).tolist() for size in (5_000, 4_000))) for _ in range(15)]
    assert np.median([one.statistics.chi2.log10_p for one in found]) > -1
    (judged,) = judge(found[:1], Tolerance())
    assert judged.severity is Severity.NONE
