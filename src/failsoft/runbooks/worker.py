"""What a worker does all the time: renew its lease, free the runs of the dead, start and wake runs, send letters."""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import sqlalchemy as sa

from failsoft.errors import FailsoftError, UnavailableError
from failsoft.runbooks.deliver import Deliverer
from failsoft.runbooks.port import Ended, Engine, HandedOverError, Pause
from failsoft.runbooks.store import leases, runs
from failsoft.runbooks.store.database import Database
from failsoft.runbooks.store.engine import tidy
from failsoft.runbooks.store.schema import wakes

__all__ = ["Drained", "Worker"]

_log = logging.getLogger(__name__)

_DRAIN_S = 15.0


class AdvancingDriver(Protocol):
    """A driver without `release`, such as the interpreter."""

    def claim(self, run_id: str) -> int | None:
        """As the port says."""

    def advance(self, run_id: str, fence: int) -> Pause | Ended:
        """As the port says."""


class Drained:
    """A driver that can be told to begin nothing more, and knows when all it began has ended. A `Driver`.

    Attributes:
        released: runs that are no longer driven here, and their fences; emptied by whoever frees them.
    """

    def __init__(self, driver: AdvancingDriver) -> None:
        self._driver = driver
        self.released: deque[tuple[str, int]] = deque()
        self._busy = 0
        self._closing = False
        self._changed = threading.Condition()

    def claim(self, run_id: str) -> int | None:
        """As the port says."""
        with self._at_work():
            return self._driver.claim(run_id)

    def advance(self, run_id: str, fence: int) -> Pause | Ended:
        """As the port says."""
        with self._at_work():
            return self._driver.advance(run_id, fence)

    def release(self, run_id: str, fence: int) -> None:
        """As the port says."""
        self.released.append((run_id, fence))

    def drain(self, limit: float) -> bool:
        """Let what was begun end, for so many seconds, and begin nothing more; whether all of it ended."""
        with self._changed:
            self._closing = True
            return self._changed.wait_for(lambda: self._busy == 0, limit)

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._changed:
            if self._closing:
                raise HandedOverError("this worker is closing")
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process's part in the runs.

    Attributes:
        name: unique to the process.
        lease: seconds for which it keeps its runs when it falls silent.
        poll: seconds between two looks for what other processes left in the database.
        patience: seconds after which a run that somebody was told to drive, and that nobody drives, is handed out
            again.
        work: set when there is something to do at once.
    """

    database: Database
    engine: Engine
    driver: Drained
    deliverer: Deliverer
    name: str
    lease: float
    poll: float
    patience: float
    work: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Work until the block ends; what was begun is ended first, and runs that wait stay for the next worker."""
        await self.database.commit(self._beat)
        await self.engine.open(self.driver, self.name)
        loops = [
            asyncio.create_task(self._again("the lease could not be renewed", self._tend)),
            asyncio.create_task(self._again("the runs could not be looked after", self._drive)),
            asyncio.create_task(self._again("the outbox could not be read", self._deliver)),
        ]
        try:
            yield
        finally:
            # the lease is renewed until the last step that was begun has written its result
            if not await asyncio.to_thread(self.driver.drain, _DRAIN_S):
                _log.warning("a step did not end within %.0f s; it will be found interrupted", _DRAIN_S)
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self.engine.close()
            with contextlib.suppress(UnavailableError):
                await self.database.commit(lambda c: leases.release(c, self.name))

    async def _again(self, complaint: str, what: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await what()
            except FailsoftError as error:
                _log.warning("%s: %s", complaint, error)
                await asyncio.sleep(self.lease / 6)
            except Exception:  # noqa: BLE001  # see below
                # without the lease or the outbox a worker is worse than dead: it goes on, and says so
                _log.exception("%s", complaint)
                await asyncio.sleep(self.lease / 6)

    async def _tend(self) -> None:
        await self.database.commit(self._beat)
        await self.database.call(partial(tidy, self.database.engine))
        await asyncio.sleep(self.lease / 3)

    async def _drive(self) -> None:
        """Deliver the wake-ups and start the runs that are in the database, whoever left them there."""
        self.work.clear()
        messages, free = await self.database.read(self._look)
        for number, run_id, topic in messages:
            await self.engine.wake(run_id, topic)
            # after the delivery: a crash in between wakes twice, which does no harm
            await self.database.commit(partial(_forget, number=number))
        while self.driver.released:
            run_id, fence = self.driver.released[0]
            await self.database.commit(partial(runs.release, run_id=run_id, worker=self.name, fence=fence))
            self.driver.released.popleft()
        if free:
            for run_id in await self.database.commit(lambda c: leases.hand_out(c, self.patience)):
                await self.engine.take_over(run_id)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.work.wait(), self.poll)

    async def _deliver(self) -> None:
        if not await self.deliverer.deliver():
            await asyncio.sleep(self.poll)

    def _beat(self, connection: sa.Connection) -> None:
        leases.heartbeat(connection, self.name, self.lease)
        for dead in leases.reap(connection):
            _log.warning("the worker %s is gone; its runs are free", dead)

    def _look(self, connection: sa.Connection) -> tuple[list[tuple[int, str, str]], bool]:
        rows = connection.execute(sa.select(wakes).order_by(wakes.c.id)).all()
        return [(row.id, row.run_id, row.topic) for row in rows], leases.any_free(connection, self.patience)


def _forget(connection: sa.Connection, number: int) -> None:
    connection.execute(sa.delete(wakes).where(wakes.c.id == number))
