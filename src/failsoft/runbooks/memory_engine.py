"""The engine without durability: tasks of this process, and nothing that outlives it.

For unit tests and dry runs, and to keep the port honest: what runs on it shows that the truth is in our own tables,
for a run goes on after a restart with this engine as well.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict

from failsoft.errors import UnavailableError
from failsoft.runbooks.port import Driver, Ended, HandedOverError, Pause, drive

__all__ = ["MemoryEngine"]

_log = logging.getLogger(__name__)


class MemoryEngine:
    """Implements `Engine` with one task for each run."""

    def __init__(self) -> None:
        self._driver: Driver | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._messages: defaultdict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)

    async def open(self, driver: Driver, worker: str) -> None:  # noqa: ARG002  # the port's
        """As the port says."""
        self._driver = driver

    async def take_over(self, run_id: str) -> None:
        """As the port says."""
        if self._driver is None:
            raise UnavailableError("the engine of the runbooks is not open")
        # one that still drives it here is too slow, or was fenced off
        if (stale := self._tasks.pop(run_id, None)) is not None:
            stale.cancel()
        self._tasks[run_id] = asyncio.create_task(self._drive(self._driver, run_id), name=run_id)

    async def wake(self, run_id: str, topic: str) -> None:
        """As the port says."""
        self._messages[run_id, topic].set()

    async def close(self) -> None:
        """As the port says."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._driver = None

    async def _drive(self, driver: Driver, run_id: str) -> None:
        async def advance(fence: int) -> Pause | Ended:
            return await asyncio.to_thread(driver.advance, run_id, fence)

        try:
            await drive(driver, run_id, advance, lambda pause: self._wait(run_id, pause))
        except HandedOverError as error:
            _log.info("%s", error)
        finally:
            if self._tasks.get(run_id) is asyncio.current_task():
                del self._tasks[run_id]

    async def _wait(self, run_id: str, pause: Pause) -> None:
        message = self._messages[run_id, pause.topic]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(message.wait(), pause.seconds)
        self._messages.pop((run_id, pause.topic), None)
