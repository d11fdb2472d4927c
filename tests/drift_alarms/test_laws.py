"""The law of a score without drift: chi-square where rows are many and independent, and right where they are not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtrc, chndtr

from failsoft.drift import psi
from failsoft.drift.alarms.laws import quadratic_form, raised, small_sample, yurdakul
from failsoft.drift.alarms.tables import LEAST_EXPECTED, merged, pools, signed_roots

counts = st.lists(st.integers(0, 5000), min_size=2, max_size=60)


@given(st.integers(2, 60), st.floats(0.01, 25))
def test_the_chi_square_law_is_the_one_of_the_books(bins, level):
    z = yurdakul(bins).critical(level)
    assert chdtrc(bins - 1, z) == pytest.approx(math.exp(-level), rel=0.02)


@given(st.integers(2, 40), st.floats(0, 60), st.floats(0.5, 14))
def test_a_shifted_sum_of_squares_is_noncentral_chi_square(terms, shift, level):
    law = quadratic_form(np.ones(terms), np.append(np.zeros(terms - 1), shift))
    z = law.critical(level)
    assert 1 - chndtr(z, terms, shift) == pytest.approx(math.exp(-level), rel=0.05)


def test_one_direction_that_wanders_has_the_tail_that_simulation_shows():
    weights = np.array([5.9] + [1.0] * 8)
    law = quadratic_form(weights)
    drawn = np.random.default_rng(1).standard_normal((600_000, 9)) ** 2 @ weights
    for z in (40.0, 60.0, 75.0):
        assert math.exp(law.log_sf(np.array([z]))[0]) == pytest.approx((drawn > z).mean(), rel=0.2)
    assert law.mean == pytest.approx(drawn.mean(), rel=0.01)
    assert law.variance == pytest.approx(drawn.var(), rel=0.03)


SCARCE = small_sample((2000.0,) * 10, 100)


@given(st.floats(0.1, 30), st.floats(0.1, 30))
def test_a_higher_level_is_a_higher_score_beyond_the_table_too(one, other):
    law = SCARCE
    low, high = sorted((one, other))
    assert law.critical(low) <= law.critical(high)
    assert -law.log_sf(np.array([law.critical(high)]))[0] == pytest.approx(
        max(high, -law.log_tail[0]), rel=0.02, abs=0.3
    )


def test_ten_rows_a_bin_alarm_more_often_than_chi_square_says_and_the_small_sample_law_knows():
    rng = np.random.default_rng(2)
    share = np.full(10, 0.1)
    reference = rng.multinomial(20_000, share, size=40)
    z = np.concatenate(
        [(signed_roots(one, rng.multinomial(100, share, size=8_000)) ** 2).sum(axis=1) for one in reference]
    ) / (1 / 20_000 + 1 / 100)
    level = math.log(2000)
    plain = (z > yurdakul(10).critical(level)).mean() * 2000
    known = (z > SCARCE.critical(level)).mean() * 2000
    assert plain > 1.3
    assert 0.7 < known < 1.3


def test_the_larger_tail_counts():
    both = raised(yurdakul(3), quadratic_form(np.array([6.0, 0.1])))
    for z in (0.5, 3.0, 20.0, 100.0):
        at = np.array([z])
        each = (yurdakul(3).log_sf(at)[0], quadratic_form(np.array([6.0, 0.1])).log_sf(at)[0])
        assert both.log_sf(at)[0] == pytest.approx(max(each), abs=0.02)


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=2, max_size=60))
def test_squared_roots_add_up_to_psi(pairs):
    left, right = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    if left.sum() and right.sum():
        roots = signed_roots(left, right[None, :])
        assert (roots**2).sum() == pytest.approx(psi(left.tolist(), right.tolist()), rel=1e-9, abs=1e-15)


@given(counts, st.integers(1, 5000), st.booleans())
def test_pools_take_in_every_bin_and_hold_enough_rows(reference, rows, ordered):
    into = pools(reference, rows, ordered=ordered)
    assert len(into) == len(reference)
    assert set(into) == set(range(max(into) + 1))
    held = merged(np.array(reference), into)
    assert held.sum() == sum(reference)
    if len(held) > 1:
        assert (held * min(1, rows / sum(reference)) >= LEAST_EXPECTED - 1e-9).all()
    if ordered:
        assert list(into) == sorted(into), "a pool holds neighbours only"


@given(counts, st.integers(50, 5000))
def test_what_the_reference_never_had_is_pooled(reference, rows):
    into = pools([*reference, 0], rows, ordered=False)
    assert len(set(into)) == 1 or into.count(into[-1]) > 1
