"""Small changes that last add up to a ticket, and declared bounds are kept whatever was seen before."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import false_discovery_control

from failsoft.drift.alarms import adjusted
from failsoft.drift.alarms.bounds import Bound, start, watch
from failsoft.drift.alarms.cusum import Cusum, advance, run_length, threshold
from failsoft.drift.alarms.laws import quadratic_form, yurdakul
from failsoft.drift.alarms.shares import log_tails


def alarms(cusum, z):
    sums, found = np.zeros(z.shape[1]), 0.0
    for row in z:
        sums, raised = advance(sums, (row - cusum.mean) / cusum.sd, cusum.threshold)
        found += raised.sum()
    return found


@pytest.mark.parametrize("shift", [0.0, 4.6])
def test_the_average_run_length_is_the_one_that_simulation_shows(shift):
    law = quadratic_form(np.ones(9), np.append(np.zeros(8), shift))
    cusum = Cusum(9.0, 18**0.5, 5.0)
    z = np.random.default_rng(1).noncentral_chisquare(9, shift or 1e-9, (1500, 600))
    assert run_length(law, cusum) == pytest.approx(z.size / alarms(cusum, z), rel=0.06)


@given(st.floats(math.log(50), math.log(400_000)))
@settings(max_examples=20)
def test_the_threshold_gives_the_rate_that_was_asked_for(log_length):
    rate = math.exp(-log_length)
    height = threshold([yurdakul(10)], 9.0, 18**0.5, rate)
    assert 1 / run_length(yurdakul(10), Cusum(9.0, 18**0.5, height)) == pytest.approx(rate, rel=0.02)


def test_a_small_shift_is_seen_within_twenty_windows_at_one_false_ticket_in_thirty_days():
    height = threshold([yurdakul(10)], 9.0, 18**0.5, 1 / 8640)
    shifted = quadratic_form(np.ones(9), np.append(np.zeros(8), 0.1**2 * 0.93 / (1 / 500 + 1 / 20_000)))
    assert run_length(shifted, Cusum(9.0, 18**0.5, height)) < 20


@given(st.floats(0.001, 0.5), st.integers(0, 400), st.floats(0, 1))
def test_evidence_against_a_bound_does_not_grow_on_average_while_it_is_kept(share, rows, part):
    """The mean of what follows is at most one more than what was: a supermartingale plus a new start each window."""
    bound, kept = Bound(share, 1e12), share * part
    events = np.arange(rows + 1)
    log_chance = gammaln(rows + 1) - gammaln(events + 1) - gammaln(rows - events + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_chance += np.where(events, events * np.log(kept), 0) + np.where(
            rows - events, (rows - events) * np.log1p(-kept), 0
        )
    before = np.full((len(events), start().shape[1]), 3.0)
    after, alarm = watch(bound, before, events, np.full(len(events), rows))
    quiet = alarm == 0
    mean = (np.exp(log_chance)[quiet, None] * after[quiet]).sum(axis=0)
    assert (mean <= 4.0 * (1 + 1e-9)).all()


def test_a_bound_that_is_broken_alarms_and_one_that_is_met_does_not():
    rng = np.random.default_rng(2)
    bound = Bound(0.03, 8640)
    for share, fewest, most in ((0.03, 0, 2), (0.045, 200, 10_000)):
        evidence, found = start(20), 0.0
        for events in rng.binomial(500, share, size=(200, 20)):
            evidence, alarm = watch(bound, evidence, events, np.full(20, 500))
            found += alarm.sum()
        assert fewest <= found <= most


@pytest.mark.parametrize(("share", "windows"), [(0.0, 10), (1.0, 10), (0.1, math.inf), (0.1, 0.5)])
def test_a_bound_that_says_nothing_is_refused(share, windows):
    with pytest.raises(ValueError, match="bound"):
        Bound(share, windows)


@given(st.integers(0, 60), st.integers(1, 2000), st.integers(1, 300))
def test_the_chance_of_a_share_is_the_exact_hypergeometric_one(events, reference, rows):
    reference += events
    found = np.exp(log_tails(events, reference, rows, min(rows, 12)))
    for x, chance in enumerate(found):
        together = x + events
        ways = sum(math.comb(rows, k) * math.comb(reference, together - k) for k in range(x, min(together, rows) + 1))
        assert chance == pytest.approx(ways / math.comb(rows + reference, together), rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=60))
def test_reports_adjust_for_how_many_features_there_are(chances):
    found = [10**value for value in adjusted([math.log10(chance) for chance in chances])]
    np.testing.assert_allclose(found, false_discovery_control(chances), rtol=1e-6)
