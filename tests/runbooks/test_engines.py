"""The port of the durable engine, kept by both implementations: who drives, who waits, who lets go."""

import asyncio
import threading
from collections import defaultdict

import pytest
from dbos._sys_db_postgres import PostgresSystemDatabase

from failsoft.errors import RefusedError, UnavailableError
from failsoft.runbooks.dbos_engine import DbosEngine
from failsoft.runbooks.memory_engine import MemoryEngine
from failsoft.runbooks.port import Ended, HandedOverError, Pause
from failsoft.runbooks.store.engine import open_engine
from failsoft.runbooks.store.migrations import migrate

PIECES = [Pause(0, ""), Pause(60, "answer"), Ended("done")]


class Script:
    """A driver that plays given pieces, one for each call, and writes down who called."""

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.claims = defaultdict(int)
        self.fences = []
        self.released = []
        self.claimed = threading.Event()

    def claim(self, run_id):
        self.claims[run_id] += 1
        self.claimed.set()
        return self.claims[run_id] if self.pieces else None

    def advance(self, run_id, fence):
        self.fences.append(fence)
        piece = self.pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def release(self, run_id, fence):
        self.released.append((run_id, fence))


@pytest.fixture(params=["memory", "dbos-sqlite", "dbos-postgres"])
async def engine(request, tmp_path):
    if request.param == "memory":
        made = MemoryEngine()
        yield made
        await made.close()
        return
    url = (
        request.getfixturevalue("postgres_url") if "postgres" in request.param else f"sqlite:///{tmp_path / 'x.sqlite'}"
    )
    database = open_engine(url)
    migrate(database)
    made = DbosEngine(database)
    yield made
    await made.close()
    database.dispose()


async def test_a_run_is_advanced_until_it_ends_and_waits_for_its_message(engine, until):
    script = Script(PIECES)
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await until(lambda: len(script.pieces) == 1)
    await engine.wake("run-1", "another topic")
    await asyncio.sleep(0.3)
    assert len(script.pieces) == 1
    await engine.wake("run-1", "answer")
    await until(lambda: not script.pieces)
    assert script.fences == [1, 1, 1]
    assert script.released == []


async def test_a_message_that_comes_before_the_wait_is_not_lost(engine, until):
    before = threading.Event()

    class Slow(Script):
        def advance(self, run_id, fence):
            before.wait(60)
            return super().advance(run_id, fence)

    script = Slow(PIECES[1:])
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await until(script.claimed.is_set)
    await until(lambda: True)
    await engine.wake("run-1", "answer")
    before.set()
    await until(lambda: not script.pieces)


async def test_a_wait_ends_with_its_time(engine, until):
    script = Script([Pause(0.2, "answer"), Ended("done")])
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await until(lambda: not script.pieces)


async def test_waking_what_nobody_knows_does_no_harm(engine):
    await engine.open(Script([]), "worker-1")
    await engine.wake("run-unknown", "answer")


@pytest.mark.parametrize("error", [HandedOverError("fenced off"), RuntimeError("a defect"), UnavailableError("away")])
async def test_a_run_that_is_not_ended_is_let_go_and_can_be_taken_over_again(engine, until, error):
    script = Script([Pause(0, ""), error, Pause(0, ""), Ended("done")])
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await until(lambda: script.released)
    assert script.released == [("run-1", 1)]
    await engine.take_over("run-1")
    await until(lambda: not script.pieces)
    assert script.claims["run-1"] == 2
    assert script.fences[-1] == 2


async def test_taking_over_twice_leaves_one_driver(engine, until):
    script = Script([Pause(0.3, "t")] * 4 + [Ended("done")])
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await engine.take_over("run-1")
    await until(lambda: not script.pieces)
    await asyncio.sleep(0.3)
    assert len(script.fences) == 5


async def test_a_waiting_run_is_let_go_when_the_engine_closes(engine, until):
    script = Script(PIECES)
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await until(lambda: len(script.pieces) == 1)
    await engine.close()
    assert script.released == [("run-1", 1)]
    with pytest.raises(UnavailableError):
        await engine.take_over("run-1")


async def test_dbos_goes_on_where_another_worker_was(tmp_path, until):
    database = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    migrate(database)
    script = Script(PIECES)
    first = DbosEngine(database)
    await first.open(script, "worker-1")
    await first.take_over("run-1")
    await until(lambda: len(script.pieces) == 1)
    await first.close()
    second = DbosEngine(database)
    await second.open(script, "worker-2")
    await second.take_over("run-1")
    await second.wake("run-1", "answer")
    await until(lambda: not script.pieces)
    await second.close()
    database.dispose()
    # the pieces that were done are not asked for again
    assert script.fences == [1, 1, 2]


async def test_a_message_whose_notification_is_lost_is_heard_all_the_same(postgres_url, until, monkeypatch):
    """As at the start, when DBOS does not listen yet."""
    over = threading.Event()
    monkeypatch.setattr(PostgresSystemDatabase, "_notification_listener", lambda _: over.wait(60))
    database = open_engine(postgres_url)
    migrate(database)
    engine, script = DbosEngine(database), Script(PIECES)
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await until(lambda: len(script.pieces) == 1)
    await engine.wake("run-1", "answer")
    await until(lambda: not script.pieces, within=30)
    over.set()
    await engine.close()
    database.dispose()


async def test_closing_dbos_waits_for_what_its_threads_still_do(tmp_path, until):
    """A thread that asks the database when that is closed already would open a connection for nobody."""
    entered, leave = threading.Event(), threading.Event()

    class Slow(Script):
        def advance(self, run_id, fence):
            entered.set()
            leave.wait(60)
            return super().advance(run_id, fence)

    database = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    migrate(database)
    engine = DbosEngine(database)
    await engine.open(Slow(PIECES), "worker-1")
    await engine.take_over("run-1")
    await until(entered.is_set)
    closing = asyncio.create_task(engine.close())
    done, _ = await asyncio.wait([closing], timeout=2)
    assert not done
    leave.set()
    await closing
    database.dispose()


async def test_dbos_is_opened_once_in_a_process(tmp_path):
    database = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    migrate(database)
    first, second = DbosEngine(database), DbosEngine(database)
    await first.open(Script([]), "worker-1")
    with pytest.raises(RefusedError, match="once in a process"):
        await second.open(Script([]), "worker-2")
    await first.close()
    await second.open(Script([]), "worker-2")
    await second.close()
    database.dispose()


async def test_a_claim_that_comes_too_late_to_be_used_is_let_go(until):
    """The worst order: the one who gave up claims last, and would own the run for ever."""
    hold = threading.Event()

    class LateClaim(Script):
        def claim(self, run_id):
            first = not self.claims[run_id]
            if first:
                self.claims[run_id] = 100
                self.claimed.set()
                hold.wait(60)
                return 101
            return super().claim(run_id)

    script = LateClaim([Pause(60, "answer"), Ended("done")])
    engine = MemoryEngine()
    await engine.open(script, "worker-1")
    await engine.take_over("run-1")
    await until(script.claimed.is_set)
    await engine.take_over("run-1")
    hold.set()
    await until(lambda: script.released)
    assert script.released == [("run-1", 101)]
    await engine.close()
