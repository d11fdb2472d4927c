"""What the simulated engine is asked, what it can do, and what a step of it yields: the values of the scheduler."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Capacity", "FinishReason", "Finished", "Rejection", "Request", "Step", "Timeline", "Token"]

type FinishReason = Literal["stop", "length"]
type Rejection = Literal["max_num_queued_reqs"]
"""The value of the label `reason` of `vllm:admission_rejections_total`."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one replica can do.

    Attributes:
        slots: sequences in one batch at most (vLLM's `--max-num-seqs`).
        kv_blocks: blocks of the KV cache.
        block_size: tokens in one block.
        prefill_tokens_per_s: prompt tokens computed in a second.
        decode_tokens_per_s: tokens that a sequence alone in the batch gets in a second.
        batch_slowdown: growth of the time of a decode step with each further sequence, as a share of the time of a
            sequence alone. Decoding is bound by memory bandwidth, so a step grows mildly with its batch.
        max_batched_tokens: tokens scheduled in one step at most (vLLM's `--max-num-batched-tokens`); a long prompt is
            computed in chunks of it.
        max_model_len: tokens of prompt and answer together at most.
        max_num_queued_reqs: requests in flight, waiting or running, at most; 0 for no limit. vLLM 0.32 counts both
            under this name and refuses the next one with 503.
    """

    slots: int = 32
    kv_blocks: int = 8192
    block_size: int = 16
    prefill_tokens_per_s: float = 10_000.0
    decode_tokens_per_s: float = 30.0
    batch_slowdown: float = 0.01
    max_batched_tokens: int = 1024
    max_model_len: int = 2048
    max_num_queued_reqs: int = 0

    def __post_init__(self) -> None:
        """Raises `ValueError` for a capacity on which some legal request could never finish."""
        if min(self.slots, self.kv_blocks, self.block_size, self.max_batched_tokens, self.max_model_len) < 1:
            raise ValueError("slots, KV blocks, block size, batched tokens and model length must be at least 1")
        if min(self.prefill_tokens_per_s, self.decode_tokens_per_s) <= 0 or self.batch_slowdown < 0:
            raise ValueError("rates must be positive, and the slowdown of a batch not negative")
        if self.max_batched_tokens < self.slots:
            raise ValueError(f"{self.max_batched_tokens} batched tokens cannot serve {self.slots} slots in one step")
        if self.blocks(self.max_model_len) > self.kv_blocks:
            raise ValueError(
                f"a sequence of {self.max_model_len} tokens needs {self.blocks(self.max_model_len)} KV blocks of "
                f"{self.block_size}; there are {self.kv_blocks}"
            )

    def blocks(self, tokens: int) -> int:
        """Blocks that hold so many tokens."""
        return -(-tokens // self.block_size)

    def step_seconds(self, prefill_tokens: int, decodes: int) -> float:
        """How long a step with so many prompt tokens and so many decoding sequences takes."""
        decode = (1 + self.batch_slowdown * (decodes - 1)) / self.decode_tokens_per_s if decodes else 0.0
        return decode + prefill_tokens / self.prefill_tokens_per_s


@dataclass(frozen=True, slots=True)
class Request:
    """One completion.

    Attributes:
        id: unique among the requests in flight.
        prompt_tokens: at least 1.
        max_tokens: tokens of the answer at most, at least 1.
        natural_tokens: the token of the answer at which the model would stop by itself, at least 1.
        arrived: seconds on the caller's clock.
    """

    id: str
    prompt_tokens: int
    max_tokens: int
    natural_tokens: int
    arrived: float

    @property
    def output_tokens(self) -> int:
        """How long the answer gets."""
        return min(self.max_tokens, self.natural_tokens)

    @property
    def finish_reason(self) -> FinishReason:
        """Whether the model stops by itself or is cut at `max_tokens`."""
        return "stop" if self.natural_tokens <= self.max_tokens else "length"


@dataclass(frozen=True, slots=True)
class Timeline:
    """The phases of a finished request in seconds, as vLLM defines them.

    Attributes:
        queue: from arrival to the first time in a batch.
        prefill: from there to the first token.
        decode: from the first to the last token.
        e2e: from arrival to the last token.
    """

    queue: float
    prefill: float
    decode: float
    e2e: float

    @property
    def inference(self) -> float:
        """From the first time in a batch to the last token."""
        return self.prefill + self.decode


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a request that came to its last token; an aborted one has none."""

    request: Request
    timeline: Timeline
    preemptions: int


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer.

    Attributes:
        request: whose.
        position: 1 for the first.
        since_previous: seconds since the token before, for the first one since the arrival (the TTFT).
        finished: with the last token, the end of the request.
    """

    request: Request
    position: int
    since_previous: float
    finished: Finished | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the engine yielded, and how many tokens it computed."""

    tokens: tuple[Token, ...]
    computed_tokens: int
