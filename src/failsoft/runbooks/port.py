"""The small interface to the durable engine: it calls `advance` for a run, again and again, until the run has ended.

What a run does, how far it is, what it waits for, whom it asked and what came of it stands in our own tables, and so
do cancelling, listing and its history. The engine adds that somebody always drives it: it keeps the time of a wait over
restarts, wakes a run when a message comes, and goes on with a run whose worker is gone. Nothing that an engine
remembers is believed about the world.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Driver", "Ended", "Engine", "HandedOverError", "Pause", "drive"]


class HandedOverError(asyncio.CancelledError):
    """This worker no longer drives the run: somebody else does, or will. Nothing may be written about it any more.

    It derives from `CancelledError`, so that neither an `except Exception` nor the engine takes it for an outcome.
    """


@dataclass(frozen=True, slots=True)
class Pause:
    """The run waits: advance it again after so many seconds, or when a message comes to the topic."""

    seconds: float
    topic: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run has ended."""

    outcome: str


class Driver(Protocol):
    """What an engine drives. `claim` and `advance` block, and are called from threads."""

    def claim(self, run_id: str) -> int | None:
        """Take the run over for this worker; the number that fences off everybody who had it before.

        None when the run has ended. Raises `HandedOverError` when this worker may not have it.
        """

    def advance(self, run_id: str, fence: int) -> Pause | Ended:
        """Do the next piece of the run, durably. Raises `HandedOverError` when the fence has moved on."""

    def release(self, run_id: str, fence: int) -> None:
        """Whoever held that fence drives the run no more, though it has not ended: it is handed out again, soon.

        Does not block. Without it, a run whose driver was the last to claim it and the first to give up would have
        an owner that lives and does nothing.
        """


class Engine(Protocol):
    """A durable engine, which one worker process opens once."""

    async def open(self, driver: Driver, worker: str) -> None:
        """Begin to drive runs as that worker; the name is unique to this process. Raises `UnavailableError`."""

    async def take_over(self, run_id: str) -> None:
        """See that a run is driven which nobody drives: one that is new, or one whose worker is gone.

        Two calls for one run do no harm. Raises `UnavailableError`.
        """

    async def wake(self, run_id: str, topic: str) -> None:
        """Advance the run now if it waits on that topic, or as soon as it will. Raises `UnavailableError`."""

    async def close(self) -> None:
        """Stop driving; runs that wait stay, for the next worker. Call it when no `advance` is under way."""


async def drive(
    driver: Driver,
    run_id: str,
    advance: Callable[[int], Awaitable[Pause | Ended]],
    wait: Callable[[Pause], Awaitable[None]],
) -> str:
    """What every engine does with a run: claim it, advance it until it ends, and let go of it however this ends.

    Args:
        driver: what is driven.
        run_id: the run.
        advance: advances it under a fence, in the engine's own way.
        wait: waits, in the engine's own way.

    Returns:
        its outcome.

    Raises:
        HandedOverError: somebody else drives it, or will; also instead of any other error.
    """
    claiming = asyncio.ensure_future(asyncio.to_thread(driver.claim, run_id))
    try:
        fence = await asyncio.shield(claiming)
    except asyncio.CancelledError:
        # the thread goes on, and may take the run for nobody
        claiming.add_done_callback(lambda done: _let_go(driver, run_id, done))
        raise
    except Exception as error:
        raise HandedOverError(f"{run_id} could not be claimed: {error}") from error
    if fence is None:
        return "ended"
    try:
        while not isinstance(pause := await advance(fence), Ended):
            if pause.seconds > 0:
                await wait(pause)
    except BaseException as error:
        driver.release(run_id, fence)
        if isinstance(error, Exception):
            raise HandedOverError(f"driving {run_id} failed: {type(error).__name__}: {error}") from error
        raise
    return pause.outcome


def _let_go(driver: Driver, run_id: str, claimed: "asyncio.Future[int | None]") -> None:
    if not claimed.cancelled() and claimed.exception() is None and (fence := claimed.result()) is not None:
        driver.release(run_id, fence)
