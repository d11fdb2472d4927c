"""Probes in `failsoft serve`: what is exported of a round, and what is not."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from failsoft.drift.probes import Golden, Tolerances, compare
from failsoft.drift.probes.distances import edit_distance, first_token_distance
from failsoft.server.probes import ProbeBoard, ProbeLoop

CAPITAL, SUM = "What is the capital of France? One word.", "What is 17 + 25? Only the number."
EACH = {"model": "chat", "probe": "golden"}


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def board():
    return ProbeBoard(Clock())


@pytest.fixture
def value(board):
    registry = CollectorRegistry()
    registry.register(board)

    def read(name, prompt="capital", **labels):
        labels = labels or {"prompt": prompt}
        return registry.get_sample_value(f"failsoft_probe_{name}", EACH | labels)

    return read


def ask(loaded, board):
    workspace, probe = loaded()
    asyncio.run(ProbeLoop(workspace, board).ask(probe))


def test_a_round_shows_success_time_and_change(probe, loaded, board, value, endpoint):
    probe("learn")
    endpoint.answers[CAPITAL] = ["London is."]
    ask(loaded, board)
    assert (value("success"), value("exact"), value("changed")) == (1, 0, 1)
    assert 0 < value("edit_distance_ratio") <= 1
    assert value("first_token_distance_ratio") > 0
    assert 0 < value("duration_seconds") < 2
    assert (value("exact", "sum"), value("changed", "sum")) == (1, 0)
    assert value("asked_timestamp_seconds") == 1_000


def test_no_answer_is_a_failure_and_says_nothing_of_change(probe, loaded, board, value, endpoint):
    probe("learn")
    endpoint.fail_next(429)
    ask(loaded, board)
    assert (value("success"), value("changed"), value("edit_distance_ratio")) == (0, None, None)
    assert (value("failures_total", reason="busy"), value("failures_total", reason="refused")) == (1, 0)
    assert value("changed", "sum") == 0


def test_without_stored_answers_success_is_told_all_the_same(loaded, board, value):
    ask(loaded, board)
    assert (value("success"), value("changed")) == (1, None)


def test_what_is_older_than_three_rounds_is_not_shown(probe, loaded, board, value):
    probe("learn")
    ask(loaded, board)
    board.clock.now += 901
    assert (value("success"), value("changed")) == (None, None)
    assert value("asked_timestamp_seconds") == 1_000


def test_a_dead_endpoint_is_asked_three_times_a_round_and_no_more(folder, probe, loaded, board, value, endpoint):
    file = folder / "failsoft.yaml"
    more = "".join(f'    - {{name: more-{n}, ask: "{n}?"}}\n' for n in range(6))
    file.write_text(file.read_text() + more)
    probe("learn", "--times", "1")
    endpoint.asked.clear()
    endpoint.fail_next(503, times=99)
    ask(loaded, board)
    assert len(endpoint.asked) == 3
    assert value("success", "more-5") == 0
    assert value("failures_total", reason="unavailable") == 8


def test_a_secret_that_is_gone_is_a_failure_of_every_prompt(probe, loaded, board, value, monkeypatch):
    probe("learn")
    monkeypatch.delenv("CHAT_TOKEN")
    ask(loaded, board)
    assert (value("success"), value("failures_total", reason="refused")) == (0, 2)


@given(st.text(max_size=60), st.text(max_size=60))
def test_distances_are_shares_and_the_same_both_ways(left, right):
    found = edit_distance(left, right)
    assert 0 <= found <= 1
    assert found == edit_distance(right, left)
    assert (found == 0) == (left == right)


LOGPROBS = st.dictionaries(st.text(max_size=3), st.floats(-20, 0), max_size=5)


@given(LOGPROBS, LOGPROBS)
def test_probability_that_moves_is_a_share_or_unknown(before, now):
    found = first_token_distance(before, now)
    assert (found is None) == (not before or not now)
    assert found is None or 0 <= found <= 1
    assert not before or first_token_distance(before, before) == 0


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_whatever_was_stored_is_never_a_change(texts):
    golden = Golden.of("", texts)
    for text in texts:
        assert not compare(text, {}, golden, Tolerances(0.0, 0.0)).changed
