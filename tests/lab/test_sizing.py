"""The lab's numbers: two replicas carry the traffic, one does not, the fallback carries it all."""

import random

import pytest

from failsoft.lab.sizing import CHAT, CHAT_SMALL, PROMPT_CAP, SPEED, simulate
from failsoft.lab.trace import read_trace, replay, shipped_trace

TRACE = read_trace(shipped_trace())
LOST, SHIFTED, END = 60.0, 100.0, 140.0


def arrivals(seed):
    return replay(TRACE, speed=SPEED, prompt_cap=PROMPT_CAP, seed=seed)


def late(outcomes, begin, end, replicas=(0, 1, 2)):
    """The share of first tokens between two times that came later than 500 ms."""
    known = [o for o in outcomes if o.ttft is not None and o.replica in replicas]
    ttft = [o.ttft for o in known if begin <= o.arrived + o.ttft < end]
    assert ttft
    return sum(each > 0.5 for each in ttft) / len(ttft)


@pytest.mark.parametrize("seed", range(3))
def test_two_replicas_keep_the_objective_over_the_whole_trace(seed):
    outcomes = simulate([CHAT, CHAT], arrivals(seed), lambda _: (0, 1), seconds=400)

    assert late(outcomes, 0, 400) < 0.001
    assert all(outcome.ttft is not None for outcome in outcomes)


@pytest.mark.parametrize("seed", range(3))
def test_a_lost_replica_burns_within_seconds_and_the_fallback_ends_it(seed):
    dice = random.Random(seed)

    def route(arrival):
        if arrival.at < LOST:
            return (0, 1)
        if arrival.at < SHIFTED:
            return (0,)
        return (2,) if dice.random() < 0.8 else (0,)

    outcomes = simulate([CHAT, CHAT, CHAT_SMALL], arrivals(seed), route, seconds=END)

    assert late(outcomes, 0, LOST) < 0.01
    assert late(outcomes, LOST + 10, SHIFTED) == 1.0
    assert any(outcome.ttft is None for outcome in outcomes if outcome.arrived > LOST)
    assert late(outcomes, SHIFTED, END, replicas=(2,)) == 0.0
    assert late(outcomes, SHIFTED + 15, END, replicas=(0,)) == 0.0


def test_the_fallback_carries_all_of_it():
    outcomes = simulate([CHAT_SMALL], arrivals(0), lambda _: (0,), seconds=200)

    assert late(outcomes, 0, 200, replicas=(0,)) == 0.0
