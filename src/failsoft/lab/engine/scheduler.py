"""Continuous batching as in vLLM's V1 scheduler, as a state machine without clock, socket or randomness.

The caller owns the time: `begin_step(now)` decides what the next step computes and says how long it takes,
`end_step(now)` books the result. Between the two, requests may arrive and be aborted.
"""

from collections import deque
from dataclasses import dataclass, field

from failsoft.lab.engine.model import Capacity, Finished, Rejection, Request, Step, Timeline, Token

__all__ = ["Scheduler"]


@dataclass(slots=True)
class _Sequence:
    """A request in flight. `computed` counts the tokens whose keys and values are in the cache."""

    request: Request
    produced: int = 0
    computed: int = 0
    blocks: int = 0
    preemptions: int = 0
    scheduled_at: float | None = None
    first_token_at: float | None = None
    last_token_at: float = field(default=0.0)

    @property
    def known(self) -> int:
        """Tokens that must be computed before the next one can come."""
        return self.request.prompt_tokens + self.produced


class Scheduler:
    """First come, first served; running sequences before waiting ones; preemption by recomputation.

    A sequence that needs a block when none is free takes it from the sequence that started last, which goes back to
    the head of the queue and computes everything again. The oldest sequence is never preempted and always fits
    (`Capacity` sees to that), so every request ends.
    """

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.preemptions = 0
        self.rejections = 0
        self._waiting: deque[_Sequence] = deque()
        self._running: list[_Sequence] = []
        self._by_id: dict[str, _Sequence] = {}
        self._plan: dict[str, int] = {}
        self._free = capacity.kv_blocks

    @property
    def running(self) -> int:
        """Sequences in the batch."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Requests in the queue, preempted ones included."""
        return len(self._waiting)

    @property
    def free_blocks(self) -> int:
        """Blocks that no sequence holds."""
        return self._free

    @property
    def kv_usage(self) -> float:
        """Blocks in use, 0 to 1. There is no prefix cache, so an idle engine uses none."""
        return 1 - self._free / self.capacity.kv_blocks

    def in_flight(self) -> tuple[str, ...]:
        """The ids of all requests, running ones first, each group in its order of service."""
        return tuple(each.request.id for each in (*self._running, *self._waiting))

    def held_blocks(self) -> dict[str, int]:
        """The blocks of each request in flight."""
        return {each.request.id: each.blocks for each in (*self._running, *self._waiting)}

    def add(self, request: Request) -> Rejection | None:
        """Queue the request, or say why not. Raises `ValueError` when it could never be served."""
        if min(request.prompt_tokens, request.max_tokens, request.natural_tokens) < 1:
            raise ValueError("a request has at least one token of prompt and one of answer")
        if (longest := request.prompt_tokens + request.max_tokens) > self.capacity.max_model_len:
            raise ValueError(f"{longest} tokens of prompt and answer exceed {self.capacity.max_model_len}")
        if request.id in self._by_id:
            raise ValueError(f"request {request.id} is already in flight")
        if self.capacity.max_num_queued_reqs and len(self._by_id) >= self.capacity.max_num_queued_reqs:
            self.rejections += 1
            return "max_num_queued_reqs"
        sequence = _Sequence(request, last_token_at=request.arrived)
        self._by_id[request.id] = sequence
        self._waiting.append(sequence)
        return None

    def abort(self, request_id: str) -> bool:
        """Forget the request, also in the middle of a step; false when it is not in flight (it may have finished)."""
        sequence = self._by_id.pop(request_id, None)
        if sequence is None:
            return False
        self._plan.pop(request_id, None)
        self._release(sequence)
        if sequence in self._running:
            self._running.remove(sequence)
        else:
            self._waiting.remove(sequence)
        return True

    def begin_step(self, now: float) -> float | None:
        """Decide the next step; its length in seconds, or None when there is nothing to do."""
        self._plan = {}
        budget = self.capacity.max_batched_tokens
        budget, preempted = self._schedule_running(budget)
        if not preempted:
            self._schedule_waiting(budget, now)
        if not self._plan:
            return None
        decodes = sum(1 for each in self._running if self._is_decode(each))
        return self.capacity.step_seconds(sum(self._plan.values()) - decodes, decodes)

    def end_step(self, now: float) -> Step:
        """Book what the step computed: tokens for the sequences that are up to date, ends for those at their last."""
        tokens: list[Token] = []
        computed = sum(self._plan.values())
        for request_id, count in self._plan.items():
            sequence = self._by_id[request_id]
            sequence.computed += count
            if sequence.computed == sequence.known:
                tokens.append(self._produce(sequence, now))
        self._plan = {}
        self._running = [each for each in self._running if each.request.id in self._by_id]
        return Step(tuple(tokens), computed)

    def _is_decode(self, sequence: _Sequence) -> bool:
        last_missing = sequence.computed == sequence.known - 1
        return sequence.produced > 0 and last_missing and sequence.request.id in self._plan

    def _schedule_running(self, budget: int) -> tuple[int, bool]:
        preempted = False
        index = 0
        while index < len(self._running) and budget:
            sequence = self._running[index]
            count = min(sequence.known - sequence.computed, budget)
            while not self._allocate(sequence, count):
                preempted = True
                victim = self._running.pop()
                self._preempt(victim)
                if victim is sequence:
                    return budget, preempted
            self._plan[sequence.request.id] = count
            budget -= count
            index += 1
        return budget, preempted

    def _schedule_waiting(self, budget: int, now: float) -> None:
        while self._waiting and budget and len(self._running) < self.capacity.slots:
            sequence = self._waiting[0]
            # All that is known must fit at once: otherwise two long prompts would preempt each other in turns.
            if self.capacity.blocks(sequence.known) > self._free:
                return
            count = min(sequence.known, budget)
            self._allocate(sequence, count)
            self._waiting.popleft()
            self._running.append(sequence)
            if sequence.scheduled_at is None:
                sequence.scheduled_at = now
            self._plan[sequence.request.id] = count
            budget -= count

    def _allocate(self, sequence: _Sequence, count: int) -> bool:
        more = self.capacity.blocks(sequence.computed + count) - sequence.blocks
        if more > self._free:
            return False
        sequence.blocks += more
        self._free -= more
        return True

    def _release(self, sequence: _Sequence) -> None:
        self._free += sequence.blocks
        sequence.blocks = 0

    def _preempt(self, sequence: _Sequence) -> None:
        self._release(sequence)
        sequence.computed = 0
        sequence.preemptions += 1
        self.preemptions += 1
        self._waiting.appendleft(sequence)

    def _produce(self, sequence: _Sequence, now: float) -> Token:
        request = sequence.request
        gap = now - sequence.last_token_at
        sequence.produced += 1
        sequence.last_token_at = now
        if sequence.first_token_at is None:
            sequence.first_token_at = now
        if sequence.produced < request.output_tokens:
            return Token(request, sequence.produced, gap)
        scheduled = request.arrived if sequence.scheduled_at is None else sequence.scheduled_at
        timeline = Timeline(
            queue=scheduled - request.arrived,
            prefill=sequence.first_token_at - scheduled,
            decode=now - sequence.first_token_at,
            e2e=now - request.arrived,
        )
        del self._by_id[request.id]
        self._release(sequence)
        return Token(request, sequence.produced, gap, Finished(request, timeline, sequence.preemptions))
