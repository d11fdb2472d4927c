"""The numbers of the lab's world, and a simulation in virtual time that shows what they do to the TTFT.

What is compressed: arrivals (`SPEED` times the trace's), the cold start (minutes on real hardware), notices, and the
SLO period. What is real: prefill, decode and bucket bounds, in seconds.

The numbers are chosen so that two replicas of `chat` carry the traffic with hardly a first token later than 500 ms, one
alone cannot, whatever the part of the trace (its queue grows until admission control refuses), and one of `chat-small`
carries all of it.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from failsoft.lab.engine import Capacity, Request, Scheduler
from failsoft.lab.trace import Arrival

__all__ = [
    "CHAT",
    "CHAT_SMALL",
    "COLD_START",
    "MAX_TOKENS",
    "PROMPT_CAP",
    "SPEED",
    "Outcome",
    "engine_args",
    "simulate",
]

SPEED = 1.5
"""Compression of the arrivals: 5 req/s of the shipped slice become 7.5."""

PROMPT_CAP = 1024
"""Tokens of a prompt at most; longer ones of the trace are cut."""

MAX_TOKENS = 128
"""`max_tokens` of every request; answers of the trace that are longer finish by `length`."""

COLD_START = 15.0
"""Seconds until a new replica of `chat` is ready; 4 minutes on real hardware."""

CHAT = Capacity(
    slots=44,
    kv_blocks=4096,
    prefill_tokens_per_s=24_000.0,
    decode_tokens_per_s=25.0,
    batch_slowdown=0.018,
    max_num_queued_reqs=64,
)
"""The large model, one GPU: some 5 requests a second, 20 more may wait."""

CHAT_SMALL = Capacity(
    slots=64,
    kv_blocks=8192,
    prefill_tokens_per_s=50_000.0,
    decode_tokens_per_s=60.0,
    batch_slowdown=0.01,
    max_num_queued_reqs=128,
)
"""The fallback, one GPU: some 20 requests a second."""


def engine_args(model: str, capacity: Capacity, *, cold_start: float) -> list[str]:
    """The command line of `failsoft.lab.engine` for such a replica, without its port."""
    return [
        f"--model={model}",
        f"--slots={capacity.slots}",
        f"--kv-blocks={capacity.kv_blocks}",
        f"--prefill-tokens-per-s={capacity.prefill_tokens_per_s:g}",
        f"--decode-tokens-per-s={capacity.decode_tokens_per_s:g}",
        f"--batch-slowdown={capacity.batch_slowdown:g}",
        f"--max-num-queued-reqs={capacity.max_num_queued_reqs}",
        f"--cold-start={cold_start:g}",
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: its replica, when it came, its TTFT in seconds (None when it was refused)."""

    replica: int
    arrived: float
    ttft: float | None


def simulate(
    replicas: Sequence[Capacity],
    arrivals: Iterable[Arrival],
    route: Callable[[Arrival], Sequence[int]],
    *,
    seconds: float,
) -> list[Outcome]:
    """Run the engines' schedulers in virtual time.

    Args:
        replicas: the engines.
        arrivals: in the order of their times.
        route: for a request, the replicas that may take it; the one with the fewest in flight does.
        seconds: where to stop; requests without a first token by then are left out.

    Returns:
        the outcomes, in the order in which they were known.
    """
    engines = [Scheduler(capacity) for capacity in replicas]
    stepping = [False] * len(engines)
    ends: list[tuple[float, int]] = []
    outcomes: list[Outcome] = []

    def start_step(index: int, now: float) -> None:
        if not stepping[index] and (length := engines[index].begin_step(now)) is not None:
            stepping[index] = True
            heapq.heappush(ends, (now + length, index))

    def finish_steps(until: float) -> None:
        while ends and ends[0][0] <= until:
            now, index = heapq.heappop(ends)
            stepping[index] = False
            outcomes.extend(
                Outcome(index, token.request.arrived, token.since_previous)
                for token in engines[index].end_step(now).tokens
                if token.position == 1
            )
            start_step(index, now)

    for number, arrival in enumerate(takewhile(lambda each: each.at < seconds, arrivals)):
        finish_steps(arrival.at)
        index = min(route(arrival), key=lambda each: engines[each].running + engines[each].waiting)
        request = Request(str(number), arrival.prompt_tokens, MAX_TOKENS, arrival.output_tokens, arrival.at)
        if engines[index].add(request) is None:
            start_step(index, arrival.at)
        else:
            outcomes.append(Outcome(index, arrival.at, None))
    finish_steps(seconds)
    return outcomes
