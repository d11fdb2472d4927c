"""The statistics agree with examples computed elsewhere, and keep what mathematics promises of them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.drift import Categories, Histogram, fit_arrays, psi, tvd
from failsoft.drift.distribution import paired
from failsoft.drift.statistics import chi_square, js, ks_exact, ks_grid, missing_share, new_share, w1_exact, w1_grid

WORKED = json.loads((Path(__file__).parents[1] / "data" / "drift-worked-examples.json").read_text())["examples"]

SIDES = ("reference", "current")
counts = st.one_of(st.integers(0, 10**9), st.floats(0, 1e9, allow_nan=False))
tables = st.lists(st.tuples(counts, counts), min_size=1, max_size=70)


def same(one, other):
    return one is other is None or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def chi_value(left, right):
    found = chi_square(left, right)
    return None if found is None else found.statistic


def both_sides(example):
    if example["kind"] == "numeric":
        cuts = tuple(example["cuts"])
        return tuple(Histogram(cuts, tuple(example[f"{side}_counts"])) for side in ("reference", "current"))
    sides = []
    for side in ("reference", "current"):
        rows = [row for row in example[side] if row is not None]
        sides.append(Categories({name: rows.count(name) for name in rows}))
    return tuple(sides)


@pytest.mark.parametrize("name", WORKED)
def test_worked_examples_agree_to_nine_digits(name):
    example = WORKED[name]
    left, right = paired(*both_sides(example))
    assert psi(left, right) == pytest.approx(example["statistics"]["psi"], rel=1e-9, abs=0)
    assert tvd(left, right) == pytest.approx(example["statistics"]["tvd"], rel=1e-9, abs=0)
    assert js(left, right) == pytest.approx(example["statistics"]["js"], rel=1e-9, abs=0)
    if example["kind"] == "numeric":
        rows = [np.array([np.nan if row is None else float(row) for row in example[side]]) for side in SIDES]
        assert ks_exact(*rows) == pytest.approx(example["statistics"]["ks"], rel=1e-9, abs=0)
        for side, share in zip(rows, example["missing"], strict=True):
            assert missing_share(int(np.isnan(side).sum()), side.size) == pytest.approx(share, rel=1e-9, abs=0)
    else:
        wanted, found = example["statistics"]["chi2"], chi_square(left, right)
        assert found.dof == wanted["dof"]
        assert found.statistic == pytest.approx(wanted["statistic"], rel=1e-9)
        assert found.log10_p == pytest.approx(wanted["log10_p"], rel=1e-9)


@pytest.mark.parametrize("name", [name for name in WORKED if WORKED[name]["kind"] == "numeric"])
def test_the_cuts_of_the_worked_examples_are_met_to_the_last_bit(name):
    example = WORKED[name]
    feature = fit_arrays({"x": example["reference"]}).features["x"] if name != "missing_and_infinite" else None
    if feature is None:
        rows = [np.nan if row is None else float(row) for row in example["reference"]]
        feature = fit_arrays({"x": np.array(rows)}).features["x"]
    assert feature.cuts == tuple(example["cuts"])
    assert feature.distribution.counts == tuple(example["reference_counts"])


@given(tables)
def test_any_counts_have_a_defined_answer(pairs):
    left, right = zip(*pairs, strict=True)
    empty = not sum(left) or not sum(right)
    grid = ks_grid(left, right)
    statistic = chi_square(left, right)
    for value, highest in (
        (psi(left, right), math.inf),
        (tvd(left, right), 1.0),
        (js(left, right), 1.0),
        (None if grid is None else grid.value, 1.0),
        (None if grid is None else grid.error, 1.0),
        (None if statistic is None else statistic.statistic, math.inf),
        (None if statistic is None else -statistic.log10_p, 300.0),
    ):
        if empty:
            assert value is None, "no data must not look like no drift"
        else:
            assert value is not None
            assert math.isfinite(value)
            assert 0 <= value <= highest


@given(tables)
def test_both_sides_count_alike(pairs):
    left, right = zip(*pairs, strict=True)
    for statistic in (psi, tvd, js, chi_value):
        assert same(statistic(left, right), statistic(right, left))


@given(tables.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))))
def test_the_order_of_bins_does_not_matter(both):
    pairs, shuffled = both
    for statistic in (psi, tvd, js, chi_value):
        assert same(statistic(*zip(*pairs, strict=True)), statistic(*zip(*shuffled, strict=True)))


@given(tables, st.integers(2, 9))
def test_equal_shares_have_no_distance(pairs, factor):
    left = [count for count, _ in pairs]
    if sum(left):
        assert psi(left, left) == 0
        assert tvd(left, [count * factor for count in left]) == pytest.approx(0, abs=1e-12)


@given(tables.filter(lambda pairs: len(pairs) > 1))
def test_merging_bins_never_raises_the_variation_distance(pairs):
    left, right = (list(side) for side in zip(*pairs, strict=True))
    whole = tvd(left, right)
    merged = tvd([left[0] + left[1], *left[2:]], [right[0] + right[1], *right[2:]])
    assert (whole is None) is (merged is None)
    if whole is not None:
        assert merged <= whole + 1e-12


def test_a_growing_shift_has_a_growing_index():
    reference = [100, 200, 400, 200, 100]
    moved = [psi(reference, [100 - step, 200, 400, 200, 100 + step]) for step in range(0, 101, 10)]
    assert moved == sorted(moved)
    assert moved[0] == 0


@pytest.mark.parametrize("bad", [[-1, 2], [math.nan, 2], [math.inf, 2]])
def test_counts_that_are_none_are_refused(bad):
    for statistic in (psi, tvd, js, ks_grid, chi_square):
        with pytest.raises(ValueError, match="negative or not finite"):
            statistic(bad, [1, 1])
        with pytest.raises(ValueError, match="negative or not finite"):
            statistic([1, 1], bad)
        with pytest.raises(ValueError, match="bins"):
            statistic([1, 1], [1, 1, 1])


def test_rare_categories_of_the_reference_share_one_bin():
    reference = Categories({f"c{number:03}": 100 - number for number in range(60)})
    left, right = paired(reference, Categories({"c055": 3, "c000": 1}))
    assert len(left) == 51
    assert left[-1] == sum(100 - number for number in range(50, 60))
    assert right[-1] == 3
    assert right[0] == 1


def test_ties_for_the_last_bin_are_broken_by_the_text():
    reference = Categories(dict.fromkeys(sorted((f"c{number:02}" for number in range(51)), reverse=True), 1))
    left, right = paired(reference, Categories({"c50": 5}))
    assert (left[-1], right[-1]) == (1, 5), "c50 comes last by its text, so it is the rest"


def test_a_category_that_the_reference_never_had_is_new_even_where_it_was_exported_as_zero():
    left, right = paired(
        Categories({"stop": 90, "length": 10, "error": 0}), Categories({"stop": 5, "error": 4, "x": 1})
    )
    assert left == (90, 10, 0)
    assert right == (5, 0, 5)


rows = st.lists(st.one_of(st.floats(width=64), st.sampled_from([0.0, 1.0, -1.0, 1e-5, 5e-324, 1e308])), max_size=40)


@given(rows, rows)
def test_any_rows_have_a_defined_answer(left, right):
    """Empty, constant, missing, infinite, denormal and huge values included: a number, or None, never NaN."""
    sides = np.array(left), np.array(right)
    empty = any(not np.isfinite(side).size or np.isnan(side).all() for side in sides)
    found = ks_exact(*sides)
    assert found is None if empty else 0 <= found <= 1
    for iqr in (0.0, 5e-324, 1.0, 1e308):
        w1 = w1_exact(*sides, iqr)
        assert w1 is None or (math.isfinite(w1) and w1 >= 0)
        if empty or not iqr:
            assert w1 is None


numbers = st.integers(-50, 50).map(float)


@given(st.lists(numbers, min_size=1, max_size=60), st.lists(numbers, min_size=1, max_size=60))
def test_the_exact_distances_are_those_of_scipy(left, right):
    from scipy import stats

    sides = np.array(left), np.array(right)
    with np.errstate(all="ignore"):
        assert ks_exact(*sides) == pytest.approx(stats.ks_2samp(*sides, method="asymp").statistic, abs=1e-12)
    assert w1_exact(*sides, 2.0) == pytest.approx(stats.wasserstein_distance(*sides) / 2, rel=1e-9, abs=1e-12)


@given(
    st.lists(numbers, min_size=1, max_size=60), st.lists(numbers, min_size=1, max_size=60), st.sets(numbers, min_size=1)
)
def test_the_exact_distance_is_within_the_error_of_the_grid(left, right, cuts):
    edges = np.array(sorted(cuts))
    table = [np.bincount(edges.searchsorted(side), minlength=len(edges) + 1).tolist() for side in (left, right)]
    found = ks_grid(*table)
    exact = ks_exact(np.array(left), np.array(right))
    assert found.value <= exact + 1e-12
    assert exact <= found.value + found.error + 1e-12


@given(tables)
def test_chi_square_is_the_one_of_scipy_without_correction(pairs):
    from scipy.stats import chi2_contingency

    table = np.array([pair for pair in pairs if sum(pair) > 0], dtype=float).T
    if table.size and table.shape[1] > 1 and (table.sum(axis=1) > 1e-6).all() and (table.sum(axis=0) > 1e-6).all():
        wanted = chi2_contingency(table, correction=False)
        found = chi_square(table[0].tolist(), table[1].tolist())
        assert found.statistic == pytest.approx(wanted.statistic, rel=1e-6, abs=1e-9)
        assert found.dof == wanted.dof


def test_a_w1_from_a_grid_is_near_the_exact_one():
    dice = np.random.default_rng(20261121)
    before, now = np.sort(dice.normal(0, 1, 20_000)), dice.normal(0.4, 1.2, 20_000)
    cuts = np.quantile(before, np.linspace(0, 1, 65))[1:-1]
    iqr = float(np.subtract(*np.quantile(before, [0.75, 0.25])))
    table = [np.bincount(cuts.searchsorted(side), minlength=64).tolist() for side in (before, now)]
    assert w1_grid(cuts.tolist(), *table, iqr) == pytest.approx(w1_exact(before, now, iqr), rel=0.1)


@pytest.mark.parametrize("share", [missing_share, new_share])
def test_a_part_is_within_its_whole(share):
    assert share(0, 0) is None
    with pytest.raises(ValueError, match="no share"):
        share(3, 2)
