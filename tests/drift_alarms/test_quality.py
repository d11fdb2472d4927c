"""A small part of `python -m bench.drift_quality`: the bounds hold, and they are not held by promising nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benches lie beside the package, not in it

from bench.drift_lines import Setting, measure, plan_of
from bench.drift_quality import analytic
from bench.drift_worlds import DECILES, ZIPF, World, calm, chance, heavy, normal, scores

from failsoft.drift.alarms import Rule


def test_a_shift_of_three_tenths_is_seen_within_two_windows_by_the_chi_square_law():
    for line in analytic(2):
        assert "BROKEN" not in line.verdict
        assert line.bounds[0][0] == "seen"


@pytest.mark.parametrize("wander", [normal(0.05), heavy(0.05)], ids=["normal", "heavy"])
def test_rare_events_are_measured_as_counting_would(wander):
    rng = np.random.default_rng(1)
    world, reference = World(DECILES, 500, wander), np.full(10, 2000.0)
    counted = (scores(reference, world.windows(rng, 150_000)) > 31).mean()
    assert chance(rng, world, reference, tuple(range(10)), 31, draws=60_000) == pytest.approx(counted, rel=0.15)


def test_rare_categories_keep_the_budget():
    found = measure(Setting(World(ZIPF, 500, calm()), ordered=False), plan_of(500), 3)
    assert 0.4 < np.mean(found.false) < 1.5


@pytest.mark.parametrize(("sd", "times"), [(0.05, 2), pytest.param(0.1, 4, marks=pytest.mark.slow)])
def test_windows_that_wander_do_not_page_more_than_budgeted(sd, times):
    world = World(DECILES, 500, normal(sd))
    few, many = (measure(Setting(world, held=held), plan_of(500), times) for held in (400, 2_880))
    assert np.median(few.false) < 4
    assert not any(few.promised)
    assert all(many.promised)
    assert 0.3 < np.mean(many.false) < 1.5


@pytest.mark.slow  # test_calibration.py shows the same of one calibration
def test_outliers_are_not_promised_unless_two_in_a_row_are_asked_for():
    setting = Setting(World(DECILES, 500, heavy(0.05)), held=2_880)
    assert sum(measure(setting, plan_of(500), 4).promised) <= 1
    two = measure(setting, plan_of(500, rule=Rule(2, 2)), 4)
    assert sum(two.promised) >= 3
    assert np.mean(two.false) < 1.5


@pytest.mark.parametrize("most", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_many_features_share_the_budget_and_cost_detection(most):
    world = World(DECILES, 500, calm())
    one, many = (measure(Setting(world, features=features), plan_of(500), 1) for features in (1, most))
    assert np.mean(many.false) < 1.5
    assert 0.8 < np.mean(many.soon) < np.mean(one.soon)
