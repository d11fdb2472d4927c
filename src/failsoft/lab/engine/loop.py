"""The engine's loop: steps the scheduler in real seconds and hands each request its tokens."""

import asyncio
import itertools
from collections.abc import Callable

from failsoft.lab.engine.model import FinishReason, Rejection, Request, Step, Token
from failsoft.lab.engine.scheduler import Scheduler

__all__ = ["Cut", "EngineLoop", "Output"]


class Cut:
    """The end of a request whose engine went away before its last token."""


class Output:
    """The tokens of one request as they come.

    A stream is told of its first token at once and then of every `interval` tokens, as vLLM's `--stream-interval` does;
    a request that does not stream only of its end.
    """

    def __init__(self, request: Request, interval: int | None) -> None:
        self.request = request
        self._interval = interval
        self._told = 0
        self._queue: asyncio.Queue[tuple[int, FinishReason | None] | Cut] = asyncio.Queue()

    async def next(self) -> tuple[int, FinishReason | None] | Cut:
        """The position of the newest token, and with the last one the reason of the end."""
        return await self._queue.get()

    def tell(self, position: int, reason: FinishReason | None) -> None:
        """A token has come."""
        due = self._interval is not None and (position == 1 or position - self._told >= self._interval)
        if due or reason is not None:
            self._told = position
            self._queue.put_nowait((position, reason))

    def cut(self) -> None:
        """No more will come."""
        self._queue.put_nowait(Cut())


class EngineLoop:
    """Owns the scheduler and the clock.

    Args:
        scheduler: the state machine; nobody else changes it.
        observe: called with every finished step.
        clock: seconds, monotonic.
    """

    def __init__(self, scheduler: Scheduler, observe: Callable[[Step], None], clock: Callable[[], float]) -> None:
        self._scheduler = scheduler
        self._observe = observe
        self._clock = clock
        self._outputs: dict[str, Output] = {}
        self._ids = itertools.count(1)
        self._work = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Requests, waiting or running."""
        return len(self._outputs)

    def submit(
        self, prompt_tokens: int, max_tokens: int, natural_tokens: int, *, interval: int | None
    ) -> Output | Rejection:
        """Queue a request, or say why not. Raises `ValueError` when it is too long for the model."""
        request = Request(str(next(self._ids)), prompt_tokens, max_tokens, natural_tokens, self._clock())
        if (reason := self._scheduler.add(request)) is not None:
            return reason
        output = self._outputs[request.id] = Output(request, interval)
        self._work.set()
        return output

    def abort(self, output: Output) -> None:
        """Forget the request (its client went away); nothing happens when it has ended."""
        self._scheduler.abort(output.request.id)
        self._outputs.pop(output.request.id, None)

    def cut_all(self) -> None:
        """End every request without its last token."""
        for output in tuple(self._outputs.values()):
            self.abort(output)
            output.cut()

    async def run(self) -> None:
        """Step until cancelled."""
        while True:
            begun = self._clock()
            length = self._scheduler.begin_step(begun)
            if length is None:
                self._work.clear()
                await self._work.wait()
                continue
            await asyncio.sleep(max(0.0, begun + length - self._clock()))
            step = self._scheduler.end_step(self._clock())
            self._observe(step)
            for token in step.tokens:
                self._tell(token)

    def _tell(self, token: Token) -> None:
        output = self._outputs[token.request.id]
        if token.finished is None:
            output.tell(token.position, None)
        else:
            output.tell(token.position, token.request.finish_reason)
            del self._outputs[token.request.id]
