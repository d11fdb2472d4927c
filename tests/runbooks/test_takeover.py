"""Workers die and pause: their runs are taken over once, and a worker that comes back can write nothing."""

import threading

import pytest
import sqlalchemy as sa

from failsoft.errors import UnavailableError
from failsoft.runbooks.interpreter import Interpreter, World
from failsoft.runbooks.port import HandedOverError
from failsoft.runbooks.store import incidents, leases, runs
from failsoft.runbooks.store.engine import transaction
from failsoft.runbooks.store.schema import leases as lease_table
from failsoft.runbooks.store.schema import runs as run_table


@pytest.fixture
def workspace(declare, runbook):
    return declare(runbook("- approve: {}\n- scale: {replicas: 3}"))


@pytest.fixture
def run_id(database, workspace):
    with transaction(database) as connection:
        incident, _ = incidents.open_incident(
            connection,
            slo="chat-ttft",
            model="chat",
            team="assistants",
            origin="alert",
            severity="page",
            failure_mode="latency-degraded",
        )
        return runs.add(connection, incident, "shift", workspace.runbooks["shift"].spec)


@pytest.fixture
def worker(database, workspace, kubernetes):
    def made(name, lease=60.0):
        with transaction(database) as connection:
            leases.heartbeat(connection, name, lease)
        return Interpreter(database, World(workspace, kubernetes.cluster(), None), name)

    return made


def expire(database, name):
    with transaction(database) as connection:
        connection.execute(sa.update(lease_table).where(lease_table.c.worker == name).values(expires_at=0.0))


def test_the_runs_of_a_dead_worker_are_handed_out_to_one(database, run_id, worker):
    worker("dead").claim(run_id)
    worker("alive")
    with transaction(database) as connection:
        assert leases.hand_out(connection, 0.0) == ()
    expire(database, "dead")
    found = []

    def reap():
        with transaction(database) as connection:
            dead = leases.reap(connection)
            found.append((dead, leases.hand_out(connection, 60.0)))

    threads = [threading.Thread(target=reap) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(found) == (("dead",), (run_id,))
    assert sum(bool(dead) for dead, _ in found) == 1
    assert sum(len(runs_) for _, runs_ in found) == 1


def test_a_worker_that_was_only_paused_can_do_nothing_any_more(database, run_id, worker, kubernetes):
    paused = worker("paused")
    fence = paused.claim(run_id)
    paused.advance(run_id, fence)
    expire(database, "paused")
    other = worker("other")
    with transaction(database) as connection:
        leases.reap(connection)
        # it comes back, renews its lease, and goes on with what it had in hand
        leases.heartbeat(connection, "paused", 60.0)
    with pytest.raises(HandedOverError):
        paused.advance(run_id, fence)
    taken = other.claim(run_id)
    assert taken > fence
    with pytest.raises(HandedOverError):
        paused.advance(run_id, fence)
    assert other.advance(run_id, taken).seconds > 0


def test_a_worker_without_a_lease_may_not_take_a_run(database, run_id, worker):
    late = worker("late")
    expire(database, "late")
    with pytest.raises(HandedOverError, match="holds no lease"):
        late.claim(run_id)


def test_a_lease_that_ran_out_stops_a_change_before_it_is_made(database, declare, runbook, worker, run_id, kubernetes):
    acting = worker("acting")
    fence = acting.claim(run_id)
    with transaction(database) as connection:
        spec = declare(runbook("- scale: {replicas: 3}", mode="auto")).runbooks["shift"].spec
        document = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        runs.change(connection, run_id, spec=document, mode="auto")
    acting.advance(run_id, fence)
    expire(database, "acting")
    with pytest.raises(HandedOverError, match="ran out"):
        acting.advance(run_id, fence)
    assert kubernetes.effects == ()


def test_a_run_that_kills_every_worker_is_given_up_with_a_page(database, run_id, worker):
    doomed = worker("doomed")
    fences = [doomed.claim(run_id) for _ in range(11)]
    assert None not in fences[:10]
    assert fences[-1] is None
    with transaction(database) as connection:
        run = runs.read(connection, run_id)
        pages = connection.execute(sa.text("SELECT payload FROM outbox WHERE kind = 'page'")).all()
    assert (run.state, run.outcome, len(pages)) == ("ended", "failed", 1)


def test_a_start_that_was_lost_is_handed_out_again(database, run_id):
    with transaction(database) as connection:
        assert leases.hand_out(connection, 60.0) == (run_id,)
        assert leases.hand_out(connection, 60.0) == ()
        connection.execute(sa.update(run_table).values(handed_at=1.0))
        assert leases.hand_out(connection, 60.0) == (run_id,)


def test_a_defect_in_a_step_ends_the_run_with_a_page(database, run_id, worker, monkeypatch):
    broken = worker("broken")
    monkeypatch.setattr("failsoft.runbooks.interpreter.core.approve_step", lambda *_: 1 / 0)
    fence = broken.claim(run_id)
    broken.advance(run_id, fence)
    assert broken.advance(run_id, fence).outcome == "failed"
    with transaction(database) as connection:
        (page,) = connection.execute(sa.text("SELECT payload FROM outbox WHERE kind = 'page'")).all()
    assert "failsoft has a defect there: ZeroDivisionError" in str(page.payload)


def test_a_database_that_is_away_is_waited_for(database, run_id, worker, monkeypatch):
    driver = worker("waiting")
    fence = driver.claim(run_id)

    def away(*_):
        raise UnavailableError("the database did not answer")

    monkeypatch.setattr("failsoft.runbooks.interpreter.core.transaction", away)
    assert driver.advance(run_id, fence).seconds > 0


def test_clean_exit_frees_the_runs_at_once(database, run_id, worker):
    worker("leaving").claim(run_id)
    with transaction(database) as connection:
        leases.release(connection, "leaving")
        assert leases.hand_out(connection, 60.0) == (run_id,)
