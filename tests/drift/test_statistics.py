"""The statistics agree with examples computed elsewhere, and keep what mathematics promises of them."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.drift import Categories, Histogram, psi, tvd
from failsoft.drift.distribution import paired

WORKED = json.loads((Path(__file__).parents[1] / "data" / "drift-worked-examples.json").read_text())["examples"]

counts = st.one_of(st.integers(0, 10**9), st.floats(0, 1e9, allow_nan=False))
tables = st.lists(st.tuples(counts, counts), min_size=1, max_size=70)


def same(one, other):
    return one is other is None or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


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


@given(tables)
def test_any_counts_have_a_defined_answer(pairs):
    left, right = zip(*pairs, strict=True)
    empty = not sum(left) or not sum(right)
    for value, highest in ((psi(left, right), math.inf), (tvd(left, right), 1.0)):
        if empty:
            assert value is None, "no data must not look like no drift"
        else:
            assert value is not None
            assert math.isfinite(value)
            assert 0 <= value <= highest


@given(tables)
def test_both_sides_count_alike(pairs):
    left, right = zip(*pairs, strict=True)
    for statistic in (psi, tvd):
        assert same(statistic(left, right), statistic(right, left))


@given(tables.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))))
def test_the_order_of_bins_does_not_matter(both):
    pairs, shuffled = both
    for statistic in (psi, tvd):
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
    for statistic in (psi, tvd):
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
