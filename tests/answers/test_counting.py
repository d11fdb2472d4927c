"""Counting in a gateway: by route up to a cap, from many threads, and never in the way of an answer."""

import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from failsoft.drift.answers import Answer, AnswerCounter, Expected, Freshness
from failsoft.drift.answers.freshness import UPDATED


@pytest.fixture
def registry():
    return CollectorRegistry()


def test_a_share_has_its_denominator_from_the_first_answer(registry):
    counter = AnswerCounter("chat", registry=registry, expected=Expected(json=True))
    counter.observe(Answer('{"a": 1}', "stop", mean_logprob=-0.2))
    counter.observe(Answer("nope", "made up"))
    value = registry.get_sample_value
    each = {"model": "chat", "route": ""}
    assert value("failsoft_answers_total", each) == 2
    assert value("failsoft_answers_checked_total", each | {"check": "invalid-json"}) == 2
    assert value("failsoft_answers_flagged_total", each | {"check": "invalid-json"}) == 1
    assert value("failsoft_answers_flagged_total", each | {"check": "refusal"}) == 0
    assert value("failsoft_answers_checked_total", each | {"check": "wrong-script"}) is None
    assert value("failsoft_answers_finished_total", each | {"reason": "other"}) == 1
    assert value("failsoft_answer_mean_logprob_count", each) == 1
    assert value("failsoft_answer_characters_count", each) == 2


def test_routes_are_capped_and_what_is_beyond_is_seen(registry):
    counter = AnswerCounter("chat", registry=registry, routes=2)
    for route in ("a", "b", "c", "d", "a"):
        counter.observe(Answer("Yes."), route=route)
    routes = {
        route: registry.get_sample_value("failsoft_answers_total", {"model": "chat", "route": route}) for route in "abc"
    }
    assert routes == {"a": 2, "b": 1, "c": None}
    assert registry.get_sample_value("failsoft_answers_total", {"model": "chat", "route": "other"}) == 2
    assert registry.get_sample_value("failsoft_answer_routes_dropped_total", {"model": "chat"}) == 2


def test_threads_lose_nothing(registry):
    counter = AnswerCounter("chat", registry=registry)

    def work():
        for _ in range(200):
            counter.observe(Answer("I can't help with that.", "stop"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    labels = {"model": "chat", "route": "", "check": "refusal"}
    assert registry.get_sample_value("failsoft_answers_flagged_total", labels) == 1_600


def test_what_cannot_be_looked_at_is_counted_and_served_all_the_same(registry):
    counter = AnswerCounter("chat", registry=registry)
    counter.observe(Answer(None))
    assert registry.get_sample_value("failsoft_answer_errors_total", {"model": "chat"}) == 1


def test_no_text_is_exported(registry):
    counter = AnswerCounter("chat", registry=registry)
    counter.observe(Answer("patient Jane Roe", "Jane"), route="support")
    assert b"Jane" not in generate_latest(registry)


def test_freshness_is_the_time_of_the_data_and_no_time_ahead(registry):
    fresh = Freshness("chat", registry=registry, clock=lambda: 1_000.0)
    fresh.updated("features")
    fresh.updated("index", at=400)
    assert registry.get_sample_value(UPDATED, {"model": "chat", "data": "features"}) == 1_000
    assert registry.get_sample_value(UPDATED, {"model": "chat", "data": "index"}) == 400
    for wrong in (float("nan"), float("inf"), 1_000_000):
        with pytest.raises(ValueError, match="is no time up to now"):
            fresh.updated("index", at=wrong)
    assert registry.get_sample_value(UPDATED, {"model": "chat", "data": "index"}) == 400
