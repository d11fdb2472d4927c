"""What comes at the same time is committed together: one wait for the disk for all that wait."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Together"]


class Together[T, R]:
    """Gathers what comes while a commit is under way, and commits it in one go after it.

    Args:
        commit: takes several items in, all or none of them, and gives one result for each.
        most: how many at once.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Awaitable[Sequence[R]]], most: int) -> None:
        self._commit = commit
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._at_work: asyncio.Task[None] | None = None

    async def add(self, item: T) -> R:
        """Returns once the item is committed, or raises why it could not be; the others are not its fault."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._at_work is None or self._at_work.done():
            self._at_work = asyncio.create_task(self._work())
        return await done

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            if not await self._answered(batch):
                for one in batch:
                    await self._answered([one])

    async def _answered(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> bool:
        """Commit, and answer all of them; False where several failed, of which each may be the one to blame."""
        try:
            results = await self._commit([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to whoever asked
            if len(batch) > 1:
                return False
            (_, done) = batch[0]
            if not done.done():
                done.set_exception(error)
            return True
        for (_, done), result in zip(batch, results, strict=True):
            if not done.done():
                done.set_result(result)
        return True
