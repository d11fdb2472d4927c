"""What held-out windows show is in the critical value, and what they cannot support is not promised."""

import numpy as np
import pytest

from failsoft.drift.alarms import Budget, Cadence, Plan, Rule, Signal, calibrate
from failsoft.drift.alarms.heldout import compare
from failsoft.drift.alarms.laws import quadratic_form, yurdakul

MINUTES = 300_000
SHARE = np.full(10, 0.1)
NONE = np.zeros((0, 10))


def plan(**changes):
    given = {"budget": Budget(1, 1), "cadence": Cadence(MINUTES, MINUTES), "rows": 500, "block": 24} | changes
    return Plan(**given)


def windows(rng, count, sd=0.0, *, outliers=0.0):
    from scipy.special import ndtr, ndtri

    delta = rng.normal(0, sd, count) if sd else np.zeros(count)
    delta[rng.uniform(size=count) < outliers] += 0.8
    below = ndtr(ndtri(np.cumsum(SHARE)[:-1]) - delta[:, None])
    ends = np.zeros((count, 1))
    return rng.multinomial(500, np.diff(np.hstack([ends, below, ends + 1]), axis=1)).astype(float)


def signal(rng, held, name="x"):
    return Signal(name, rng.multinomial(20_000, SHARE).astype(float), held)


def test_without_held_out_windows_the_law_stands_and_nothing_is_promised():
    found = calibrate([signal(np.random.default_rng(1), NONE)], plan())
    assert found.tests[0].z == pytest.approx(yurdakul(10).critical(np.log(8640)), rel=0.03)
    assert found.pages == pytest.approx(1, rel=0.05)
    assert found.low < 1 < found.high
    assert not found.promised
    assert "no windows were held out" in found.doubts[0]


def test_a_small_reference_makes_the_rate_less_sure_and_the_alarm_later():
    rng = np.random.default_rng(2)
    small = Signal("x", rng.multinomial(2_000, SHARE).astype(float), NONE)
    large, unsure = calibrate([signal(rng, NONE)], plan()), calibrate([small], plan())
    assert unsure.high / unsure.low > 3 * large.high / large.low
    assert unsure.high < 4, "the critical value is raised until the upper end is bearable"
    assert unsure.tests[0].z > large.tests[0].z
    assert unsure.tests[0].delays[1].pages_after > large.tests[0].delays[1].pages_after


def test_a_reference_smaller_than_two_windows_promises_nothing():
    rng = np.random.default_rng(2)
    found = calibrate([Signal("x", rng.multinomial(900, SHARE).astype(float), windows(rng, 2_880))], plan())
    assert any("the reference has 900 rows" in doubt for doubt in found.doubts)


def test_enough_windows_that_differ_by_chance_keep_the_law_and_make_a_promise():
    rng = np.random.default_rng(3)
    found = calibrate([signal(rng, windows(rng, 2_880))], plan())
    assert found.promised
    assert found.tests[0].wander < 1.2
    assert found.evidence.kurtosis < 0.3
    assert found.tests[0].z == pytest.approx(33.4, rel=0.12)
    assert found.tests[0].delays[1].soon > 0.95


def test_windows_that_wander_raise_the_critical_value_and_say_what_it_costs():
    rng = np.random.default_rng(4)
    calm = calibrate([signal(rng, windows(rng, 2_880))], plan()).tests[0]
    wandering = calibrate([signal(rng, windows(rng, 2_880, 0.1))], plan()).tests[0]
    assert wandering.wander == pytest.approx(1 + 0.1**2 * 488, rel=0.15)
    assert wandering.z > 2.4 * calm.z
    assert wandering.delays[1].soon < 0.5 < calm.delays[1].soon
    assert wandering.cusum.threshold > calm.cusum.threshold


def test_the_law_of_wandering_windows_is_the_one_of_their_design_effects():
    rng = np.random.default_rng(4)
    test = calibrate([signal(rng, windows(rng, 2_880, 0.1))], plan()).tests[0].test
    expected = quadratic_form(np.array([1 + 0.1**2 * 455] + [1.0] * 8))
    for level in (3.0, 6.0, 9.0):
        assert test.law.critical(level) == pytest.approx(expected.critical(level), rel=0.12)
        assert test.law.critical(level) > 1.2 * test.base.critical(level)


def test_what_the_law_does_not_foretell_the_tail_model_does():
    rng = np.random.default_rng(7)
    calm = calibrate([signal(rng, windows(rng, 2_880))], plan())
    jumping = calibrate([signal(rng, windows(rng, 2_880, outliers=0.004))], plan())
    assert jumping.level > calm.level + 3


def test_few_held_out_windows_are_tickets_only_and_the_words_say_what_would_do():
    rng = np.random.default_rng(5)
    found = calibrate([signal(rng, windows(rng, 400))], plan(block=20))
    assert not found.promised
    assert "400 held-out windows are 1.39 days" in found.doubts[0]
    assert "need 2,880" in found.doubts[0]
    assert calibrate([signal(rng, windows(rng, 400))], plan(block=20, budget=Budget(8, 8))).promised


def test_few_days_are_said_to_be_few():
    rng = np.random.default_rng(6)
    found = calibrate([signal(rng, windows(rng, 2_880))], plan(block=1_000))
    assert any("3 blocks" in doubt for doubt in found.doubts)


def test_outliers_among_held_out_windows_are_not_promised_away_but_two_in_a_row_are():
    rng = np.random.default_rng(7)
    held = windows(rng, 2_880, outliers=0.004)
    found = calibrate([signal(rng, held)], plan())
    assert any("outliers" in doubt for doubt in found.doubts)
    assert calibrate([signal(rng, held)], plan(rule=Rule(2, 2))).promised


def test_a_tail_without_end_is_promised_nothing():
    rng = np.random.default_rng(17)
    held = windows(rng, 2_880)
    held[::40] = rng.multinomial(500, np.eye(10)[0], size=72)  # now and then all rows are in one bin
    found = calibrate([signal(rng, held)], plan())
    assert not found.promised
    assert "outliers" in found.doubts[0]


def test_persistence_is_counted_on_windows_as_they_came():
    rng = np.random.default_rng(8)
    fresh = windows(rng, 2_880, 0.1)
    z = compare(SHARE * 20_000, fresh, 24, inside=False).z
    lasting = fresh[np.argsort(z, kind="stable")]  # the same windows, the far ones one after another
    two = plan(rule=Rule(2, 2))
    apart, together = (calibrate([Signal("x", SHARE * 20_000, held)], two) for held in (fresh, lasting))
    assert together.tests[0].z > 1.5 * apart.tests[0].z


def test_windows_of_the_reference_itself_are_left_out_of_it_block_by_block():
    rng = np.random.default_rng(9)
    held = windows(rng, 20, 0.1)
    reference = held.sum(axis=0)
    fair, blind = (compare(reference, held, 1, inside=inside).z.mean() for inside in (True, False))
    assert fair > 1.05 * blind, "a window in its own reference looks closer than the next one will be"
    one = compare(reference, held, 4, inside=True)
    without = reference - held[:4].sum(axis=0)
    alone = compare(without, held[:4], 4, inside=False)
    np.testing.assert_allclose(one.z[:4], alone.z)


def test_a_floor_makes_alarms_rarer_and_later_than_the_budget_asks():
    rng = np.random.default_rng(10)
    held = signal(rng, NONE)
    low, high = calibrate([held], plan(floor=0.0)), calibrate([held], plan(floor=0.1))
    assert low.pages == pytest.approx(1, rel=0.05)
    assert high.pages < 0.1
    assert high.tests[0].value == pytest.approx(0.1)
    assert high.tests[0].delays[1].soon < low.tests[0].delays[1].soon


def test_features_and_strata_share_the_budget():
    rng = np.random.default_rng(11)
    one = calibrate([signal(rng, NONE)], plan())
    three = calibrate([signal(rng, NONE, f"f{index}") for index in range(3)], plan())
    strata = calibrate([signal(rng, NONE)], plan(strata=3))
    assert three.level == pytest.approx(one.level + np.log(3), abs=0.15)
    assert strata.level == pytest.approx(three.level, abs=0.25)
    assert three.pages <= 1.001


def test_overlapping_windows_need_a_higher_critical_value():
    rng = np.random.default_rng(12)
    apart = calibrate([signal(rng, NONE)], plan(cadence=Cadence(3_600_000, 3_600_000)))
    sliding = calibrate([signal(rng, NONE)], plan(cadence=Cadence(3_600_000, 60_000)))
    assert sliding.level > apart.level + 1.5
    assert sliding.pages == pytest.approx(1, rel=0.15)


def test_missing_rows_alarm_when_they_grow_and_not_when_they_vanish():
    share = Signal("x: missing", np.array([400.0, 19_600.0]), np.zeros((0, 2)), share=True)
    found = calibrate([share], plan()).tests[0]
    assert 0.03 < found.value < 0.06
    test = found.test
    assert test.chance(np.array([24.5]))[0] < 1 / 2000 < test.chance(np.array([14.5]))[0]


def test_what_is_always_the_same_cannot_be_judged():
    flat = Signal("flat", np.array([20_000.0]), np.zeros((0, 1)))
    found = calibrate([flat, signal(np.random.default_rng(13), NONE)], plan())
    assert found.unjudged == ("flat",)
    with pytest.raises(ValueError, match="no feature"):
        calibrate([flat], plan())


def test_the_same_seed_gives_the_same_alarms():
    held = signal(np.random.default_rng(14), windows(np.random.default_rng(15), 2_880, 0.05))
    one, other = calibrate([held], plan()), calibrate([held], plan())
    assert (one.level, one.pages, one.low, one.high, one.tickets) == (
        other.level,
        other.pages,
        other.low,
        other.high,
        other.tickets,
    )


def test_an_empty_window_is_no_drift_and_no_error():
    rng = np.random.default_rng(16)
    held = windows(rng, 2_880)
    held[100] = 0
    found = calibrate([signal(rng, held)], plan())
    assert found.tests[0].test.held.z[100] == 0
    assert np.isfinite(found.tests[0].z)
