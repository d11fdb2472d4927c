"""The database for code that runs in an event loop: its transactions run in threads of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial

import sqlalchemy as sa

from failsoft.runbooks.store.engine import open_engine, reading, transaction

__all__ = ["Database"]

_THREADS = 8


class Database:
    """One engine, and threads that end before it does.

    A cancelled task leaves its transaction running in its thread: `close` waits for those, for a connection that
    outlives its pool would never be closed.
    """

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="failsoft-database")
        self._urgent = ThreadPoolExecutor(1, thread_name_prefix="failsoft-urgent")

    async def commit[T](self, work: Callable[[sa.Connection], T], *, urgent: bool = False) -> T:
        """Run `work` in a transaction, which goes before others when it is urgent; returns after its commit.

        Raises `UnavailableError`, and what `work` raises.
        """
        within = partial(_within, partial(transaction, urgent=urgent), self.engine, work)
        return await asyncio.get_running_loop().run_in_executor(self._urgent if urgent else self._threads, within)

    async def read[T](self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` on a connection that only looks. Raises `UnavailableError`, and what `work` raises."""
        return await self.call(partial(_within, reading, self.engine, work))

    async def call[T](self, work: Callable[[], T]) -> T:
        """Run something else that uses the engine."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def close(self) -> None:
        """End the threads, then the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._urgent.shutdown)
        self.engine.dispose()


def _within[T](
    opened: Callable[[sa.Engine], AbstractContextManager[sa.Connection]],
    engine: sa.Engine,
    work: Callable[[sa.Connection], T],
) -> T:
    with opened(engine) as connection:
        return work(connection)
