"""Deliveries that come at the same time share one commit, and none pays for what is wrong with another."""

import asyncio

import pytest

from failsoft.errors import UnavailableError
from failsoft.runbooks.together import Together


class Disk:
    """Commits numbers when it is let, and refuses negative ones."""

    def __init__(self):
        self.batches = []
        self.free = asyncio.Event()

    async def commit(self, some):
        self.batches.append(list(some))
        await self.free.wait()
        if any(number < 0 for number in some):
            raise UnavailableError(f"not {min(some)}")
        return [number * 10 for number in some]


async def started(together, *numbers):
    tasks = [asyncio.create_task(together.add(number)) for number in numbers]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_during_a_commit_is_committed_in_one_go_after_it():
    disk = Disk()
    together = Together(disk.commit, 3)
    tasks = await started(together, 1)
    tasks += await started(together, 2, 3, 4, 5)
    disk.free.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40, 50]
    assert disk.batches == [[1], [2, 3, 4], [5]]


async def test_only_the_one_to_blame_is_refused():
    disk = Disk()
    together = Together(disk.commit, 10)
    tasks = await started(together, 1)
    tasks += await started(together, 2, -3, 4)
    disk.free.set()
    first, second, third, fourth = await asyncio.gather(*tasks, return_exceptions=True)
    assert (first, second, fourth) == (10, 20, 40)
    assert str(third) == "not -3"


async def test_one_who_does_not_wait_any_more_is_committed_all_the_same():
    disk = Disk()
    together = Together(disk.commit, 10)
    [gone] = await started(together, 1)
    [other] = await started(together, 2)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    disk.free.set()
    assert await other == 20
    assert disk.batches == [[1], [2]]
    assert await together.add(3) == 30
