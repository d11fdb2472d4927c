"""A budget is shared out over windows, features, persistence and burn rates, and comes out as it went in."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.drift.alarms.rules import Cadence, Rule, level_for, overlap
from failsoft.drift.alarms.tail import loudest

rules = st.integers(1, 12).flatmap(lambda among: st.builds(Rule, st.integers(1, among), st.just(among)))


@given(rules, st.floats(1e-7, 1e-2), st.integers(1, 500))
def test_the_level_spends_exactly_the_budget(rule, rate, tests):
    level = level_for(rate, rule, tests)
    assert tests * rule.rate(np.array(math.exp(-level))) == pytest.approx(rate, rel=1e-6)


@given(rules, st.floats(1e-6, 1e-2), st.integers(1, 100))
def test_more_features_ask_for_more_and_persistence_for_less(rule, rate, tests):
    assert level_for(rate, rule, tests + 1) > level_for(rate, rule, tests)
    if rule.least > 1:
        assert level_for(rate, rule, tests) < level_for(rate, Rule(), tests)


def test_no_budget_is_no_alarm():
    assert level_for(0.0, Rule(), 3) == math.inf


@pytest.mark.parametrize("rule", [Rule(), Rule(2, 2), Rule(2, 12), Rule(3, 5)], ids=str)
def test_the_rate_of_a_rule_bounds_the_pages_of_a_simulated_stream(rule):
    rng = np.random.default_rng(3)
    chance = 0.02
    bad = rng.uniform(size=1_000_000) < chance
    recent = np.convolve(bad, np.ones(rule.among, dtype=int))[: len(bad)]
    firing = bad & (recent >= rule.least)
    pages = np.count_nonzero(firing[1:] & ~firing[:-1]) / len(bad)
    promised = float(rule.rate(np.array(chance)))
    assert 0.6 * promised < pages < 1.1 * promised


@pytest.mark.parametrize(
    ("threshold", "step", "bad", "window", "rule"),
    [
        (Fraction(144, 1000), 300_000, 1, 300_000, Rule(2, 12)),
        (Fraction(144, 10_000), 300_000, 1, 300_000, Rule(1, 12)),
        (Fraction(144, 1000), 300_000, 4, 300_000, Rule(4, 12)),
        (Fraction(144, 1000), 300_000, 4, 900_000, Rule(2, 4)),
        (Fraction(144, 1000), 300_000, 12, 3_600_000, Rule(1, 1)),
    ],
)
def test_slices_that_share_a_window_count_once(threshold, step, bad, window, rule):
    assert Rule.of_burn(threshold, 3_600_000, step, bad=bad, window=window) == rule


def test_a_rule_that_cannot_be_met_is_refused():
    with pytest.raises(ValueError, match="no rule"):
        Rule(3, 2)


def test_a_cadence_counts_windows_that_share_no_row():
    assert Cadence(window=3_600_000, every=60_000).windows == 720
    assert Cadence(window=3_600_000, every=60_000).evaluations == 60
    assert Cadence(window=300_000, every=3_600_000).windows == 720, "what nobody looks at alarms nobody"
    assert Cadence(window=300_000, every=3_600_000).evaluations == 1


@given(st.floats(1, 200), st.floats(1, 60), st.floats(0.05, 0.5), st.floats(1, 60))
def test_overlapping_windows_alarm_no_more_often_than_they_are_looked_at(z, mean, hazard, evaluations):
    assert 1 <= overlap(z, mean, hazard, evaluations) <= evaluations


@given(st.lists(st.floats(0, 50), min_size=13, max_size=40), rules)
def test_the_loudest_level_is_the_highest_that_would_have_paged(levels, rule):
    found = loudest(np.array(levels)[:, None], rule)
    for at, level in enumerate(found, start=rule.among - 1):
        window = levels[at - rule.among + 1 : at + 1]
        assert window[-1] >= level
        assert sum(one >= level for one in window) >= rule.least
        assert window[-1] <= level or sum(one > level for one in window) < rule.least
