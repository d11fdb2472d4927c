"""The simulated engine's scheduler: what holds for every load, and what a queue does to the TTFT."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failsoft.lab.engine import Capacity, Request, Scheduler, Step

SMALL = Capacity(
    slots=3,
    kv_blocks=12,
    block_size=4,
    prefill_tokens_per_s=100.0,
    decode_tokens_per_s=10.0,
    batch_slowdown=0.1,
    max_batched_tokens=8,
    max_model_len=40,
)


@dataclass
class World:
    """A scheduler run to the end of its load, and everything that was seen on the way."""

    capacity: Capacity
    requests: list[Request]
    aborts: dict[int, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    batches: list[tuple[str, ...]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    aborted: set[str] = field(default_factory=set)

    def run(self) -> "World":
        self.scheduler = Scheduler(self.capacity)
        coming = iter(sorted(self.requests, key=lambda each: each.arrived))
        upcoming = next(coming, None)
        now = 0.0
        for number in itertools.count():
            assert number < 10_000, "the load does not end"
            while upcoming is not None and upcoming.arrived <= now:
                if self.scheduler.add(upcoming) is not None:
                    self.refused.append(upcoming.id)
                upcoming = next(coming, None)
            length = self.scheduler.begin_step(now)
            self.check()
            if length is None:
                if upcoming is None:
                    return self
                now = upcoming.arrived
                continue
            assert length > 0
            self.batches.append(self.scheduler.in_flight()[: self.scheduler.running])
            if (victim := self.aborts.get(number)) and self.scheduler.abort(victim):
                self.aborted.add(victim)
                self.check()
            now += length
            self.steps.append(self.scheduler.end_step(now))
            self.check()
        raise AssertionError

    def check(self) -> None:
        held = self.scheduler.held_blocks()
        assert self.scheduler.free_blocks + sum(held.values()) == self.capacity.kv_blocks
        assert self.scheduler.free_blocks >= 0
        assert self.scheduler.running <= self.capacity.slots
        waiting = self.scheduler.in_flight()[self.scheduler.running :]
        assert all(held[each] == 0 for each in waiting)

    @property
    def tokens(self):
        return [token for step in self.steps for token in step.tokens]


@st.composite
def loads(draw: st.DrawFn) -> list[Request]:
    lengths = st.tuples(st.integers(1, 30), st.integers(1, 10), st.integers(1, 20))
    gaps = draw(st.lists(st.floats(0, 3), min_size=1, max_size=12))
    times = itertools.accumulate(gaps)
    return [Request(str(n), *draw(lengths), arrived=at) for n, at in enumerate(times)]


@given(load=loads(), aborts=st.dictionaries(st.integers(0, 40), st.integers(0, 11).map(str), max_size=5))
@settings(max_examples=150)
def test_whatever_the_load_blocks_are_kept_and_every_request_ends(load, aborts):
    world = World(SMALL, load, aborts).run()

    finished = {token.request.id for token in world.tokens if token.finished}
    assert finished | world.aborted == {request.id for request in load}
    assert not finished & world.aborted
    assert world.scheduler.kv_usage == 0
    for request in load:
        positions = [token.position for token in world.tokens if token.request.id == request.id]
        assert positions == list(range(1, len(positions) + 1))
        if request.id in finished:
            assert len(positions) == min(request.max_tokens, request.natural_tokens)


@given(load=loads())
@settings(max_examples=100)
def test_first_come_first_served(load):
    world = World(SMALL, load).run()

    first_seen = list(dict.fromkeys(each for batch in world.batches for each in batch))
    assert first_seen == [request.id for request in load]


@given(load=loads())
@settings(max_examples=100)
def test_the_phases_of_a_request_add_up(load):
    for token in World(SMALL, load).run().tokens:
        if token.finished is None:
            continue
        times = token.finished.timeline
        assert min(times.queue, times.prefill, times.decode) >= 0
        assert times.queue + times.inference == pytest.approx(times.e2e)


def test_a_sequence_alone_decodes_at_the_stated_rate_and_a_batch_mildly_slower():
    alone = World(SMALL, [Request("a", 4, 5, 99, 0.0)]).run()
    gaps = [token.since_previous for token in alone.tokens]
    assert gaps[0] == pytest.approx(4 / 100)
    assert gaps[1:] == [pytest.approx(1 / 10)] * 4

    three = World(SMALL, [Request(name, 2, 5, 99, 0.0) for name in "abc"]).run()
    assert max(token.since_previous for token in three.tokens) == pytest.approx((1 + 0.1 * 2) / 10)


def test_a_long_prompt_is_computed_in_chunks_between_other_peoples_tokens():
    world = World(SMALL, [Request("a", 1, 10, 99, 0.0), Request("long", 28, 1, 1, 0.05)]).run()

    first = next(number for number, step in enumerate(world.steps) if any(t.request.id == "long" for t in step.tokens))
    before = [token.request.id for step in world.steps[:first] for token in step.tokens]
    assert before.count("a") >= 4
    assert max(step.computed_tokens for step in world.steps) == SMALL.max_batched_tokens


def test_when_blocks_run_out_the_youngest_is_preempted_and_still_ends():
    world = World(SMALL, [Request(name, 14, 20, 99, 0.0) for name in "abc"]).run()

    ends = [token.finished for token in world.tokens if token.finished]
    assert ends[0].request.id == "a"
    assert world.scheduler.preemptions > 0
    assert ends[0].preemptions == 0
    assert sum(end.preemptions for end in ends) == world.scheduler.preemptions


def test_who_was_preempted_comes_before_who_never_ran():
    world = World(SMALL, [*(Request(name, 14, 20, 99, 0.0) for name in "abc"), Request("late", 4, 2, 99, 0.01)]).run()

    first = next(batch for batch in world.batches if "late" in batch)
    preempted = {token.request.id for token in world.tokens if token.finished and token.finished.preemptions}
    assert {"b", "c"} <= preempted
    assert first == ("b", "c", "late")


def test_the_ttft_grows_with_the_queue():
    world = World(SMALL, [Request(str(n), 4, 10, 99, 0.0) for n in range(12)]).run()

    ttft = {token.request.id: token.since_previous for token in world.tokens if token.position == 1}
    rounds = [max(ttft[str(n)] for n in range(first, first + 3)) for first in range(0, 12, 3)]
    assert rounds == sorted(rounds)
    assert rounds[-1] > 3 * 10 / 10


def test_admission_control_counts_running_requests_too():
    capacity = Capacity(slots=2, max_num_queued_reqs=3)
    scheduler = Scheduler(capacity)
    answers = [scheduler.add(Request(str(n), 5, 5, 5, 0.0)) for n in range(4)]
    assert answers == [None, None, None, "max_num_queued_reqs"]

    scheduler.begin_step(0.0)
    assert scheduler.running == 2
    assert scheduler.add(Request("5", 5, 5, 5, 0.0)) == "max_num_queued_reqs"
    assert scheduler.rejections == 2


def test_an_answer_stops_by_itself_or_is_cut():
    assert Request("a", 1, 10, 5, 0.0).finish_reason == "stop"
    assert Request("a", 1, 10, 10, 0.0).finish_reason == "stop"
    assert Request("a", 1, 10, 11, 0.0).finish_reason == "length"


@pytest.mark.parametrize(
    "request_",
    [Request("a", 35, 6, 9, 0.0), Request("a", 0, 5, 5, 0.0), Request("a", 5, 0, 5, 0.0), Request("a", 5, 5, 0, 0.0)],
)
def test_a_request_that_could_never_be_served_is_an_error(request_):
    with pytest.raises(ValueError, match="token"):
        Scheduler(SMALL).add(request_)


@pytest.mark.parametrize(
    "change",
    [{"slots": 0}, {"kv_blocks": 9}, {"decode_tokens_per_s": 0.0}, {"max_batched_tokens": 2}, {"batch_slowdown": -1.0}],
)
def test_a_capacity_on_which_requests_could_hang_is_an_error(change):
    settings_ = {"slots": 3, "kv_blocks": 10, "block_size": 4, "max_batched_tokens": 8, "max_model_len": 40}
    Capacity(**settings_)
    with pytest.raises(ValueError, match=r"must|need|cannot"):
        Capacity(**(settings_ | change))
