"""The janitor: whom it lets live, what it undoes, and what it says about the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.chaos.janitor import due, sweep
from failsoft.chaos.ledger import Ledger, experimenter
from failsoft.chaos.lock import Holder, Lock, holder
from failsoft.chaos.marks import MANAGED_BY, RUN
from failsoft.chaos.nodes import reclaim_taint
from failsoft.chaos.record import Entry, Record, Target
from failsoft.clients.kubernetes import Ref
from failsoft.errors import PermanentError, RefusedError
from failsoft.testing.kubernetes import Denial


def record(run="r1", **changes):
    values = {
        "run": run,
        "experiment": "e",
        "model": "chat",
        "namespace": "prod",
        "requester": "ana",
        "owner": "h:1",
        "nodes": (Target("n", "u"),),
        "pods": (),
        "taint": reclaim_taint(run),
        "started_at": 100.0,
        "notice_until": 105.0,
        "hold_until": 110.0,
        "undo_by": 140.0,
        "entries": (Entry("n", "u", "/spec/unschedulable", None, after=True),),
    }
    return Record(**(values | changes))


@pytest.mark.parametrize(
    ("lock", "now", "everything", "why"),
    [
        (Holder("r1", 130), 120, False, ""),
        (Holder("r1", 130), 120, True, "everything was asked for"),
        (Holder("r1", 115), 120, False, "its runner is dead"),
        (Holder("r2", 130), 120, False, "its runner is dead"),
        (Holder(), 120, False, "its runner is dead"),
        (Holder("r1", 150), 141, False, "its time is up"),
    ],
)
def test_a_run_is_undone_when_its_time_is_up_or_its_runner_is_dead(lock, now, everything, why):
    assert due(record(), lock, now, everything=everything) == why


def start(world, clock, run="r1"):
    """A run as far as its fault, with a living supervisor."""
    lock = Lock(world.cluster, world.where, run, clock)
    lock.acquire()
    victim = world.busy_nodes()[0]
    steps = world.steps(run, clock)
    steps.record(world.draft(run, [victim], now=clock.now()))
    steps.cordon()
    steps.taint()
    return lock


def test_a_living_run_is_left_alone_and_a_dead_one_is_undone(world, quick):
    world.settle()
    before = world.settled_specs()
    lock = start(world, quick)

    swept = sweep(world.cluster, [world.where], clock=quick)
    assert ([r.run for r in swept.waiting], swept.restored) == (["r1"], ())
    assert world.specs() != before

    quick.sleep(14)
    lock.renew()
    quick.sleep(14)
    assert sweep(world.cluster, [world.where], clock=quick).restored == ()

    quick.sleep(2)
    swept = sweep(world.cluster, [world.where], clock=quick)
    assert [(r.run, why) for r, why in swept.restored] == [("r1", "its runner is dead")]
    assert world.settled_specs() == before
    assert (world.records(), world.lease()) == ((), None)


def test_a_run_whose_time_is_up_is_undone_although_its_runner_lives(world, quick):
    world.settle()
    before = world.settled_specs()
    lock = start(world, quick)
    for _ in range(4):
        quick.sleep(12)
        lock.renew()
    swept = sweep(world.cluster, [world.where], clock=quick)
    assert [why for _, why in swept.restored] == ["its time is up"]
    assert world.settled_specs() == before


def test_a_second_sweep_finds_nothing(world, quick):
    world.settle()
    start(world, quick)
    sweep(world.cluster, [world.where], clock=quick, everything=True)
    again = sweep(world.cluster, [world.where], clock=quick, everything=True)
    assert (again.restored, again.waiting, again.failed) == ((), (), ())


def test_one_node_that_cannot_be_restored_does_not_keep_the_others(world, quick, fake):
    world.settle(spot=2)
    before = world.settled_specs()
    steps = world.steps("r1", quick)
    steps.record(world.draft("r1", world.busy_nodes(), now=quick.now()))
    steps.cordon()
    steps.taint()
    broken, healthy = world.busy_nodes()
    fake.fail_next("PATCH", f"/nodes/{broken}$", status=500, count=-1)

    swept = sweep(world.cluster, [world.where], clock=quick)
    assert len(swept.failed) == 1
    assert broken in swept.failed[0]
    assert world.records() != (), "what is left is still on record"
    assert world.settled_specs()[healthy] == before[healthy]

    fake.clear_faults()
    assert sweep(world.cluster, [world.where], clock=quick).failed == ()
    assert world.settled_specs() == before


def test_a_record_that_nobody_can_read_is_told_and_the_others_are_undone(world, quick):
    world.settle()
    before = world.settled_specs()
    start(world, quick)
    meta = {"name": "failsoft-chaos-x", "namespace": world.where, "labels": {MANAGED_BY: "failsoft", RUN: "x"}}
    world.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"record.json": "{"}})
    swept = sweep(world.cluster, [world.where], clock=quick, everything=True)
    assert [r.run for r, _ in swept.restored] == ["r1"]
    assert ["failsoft-chaos-x" in problem for problem in swept.failed] == [True]
    assert world.settled_specs() == before
    world.cluster.delete(Ref("ConfigMap", "failsoft-chaos-x", world.where))


def test_without_permission_nothing_is_called_undone(world, quick, fake):
    world.settle()
    start(world, quick)
    fake.deny(Denial("patch", "nodes"))
    swept = sweep(world.cluster, [world.where], clock=quick, everything=True)
    assert not swept.restored[0][0].complete
    assert swept.failed
    assert world.records() != ()


def test_a_lock_without_a_record_goes_when_its_holder_is_dead(world, quick):
    world.settle()
    Lock(world.cluster, world.where, "r1", quick).acquire()
    sweep(world.cluster, [world.where], clock=quick)
    assert holder(world.cluster, world.where).run == "r1"
    quick.sleep(16)
    sweep(world.cluster, [world.where], clock=quick)
    assert world.lease() is None


def test_one_run_holds_the_lock_and_a_dead_one_loses_it(world, quick):
    world.settle()
    first, second = (Lock(world.cluster, world.where, run, quick) for run in ("r1", "r2"))
    first.acquire()
    with pytest.raises(RefusedError, match="another run, r1"):
        second.acquire()
    quick.sleep(16)
    second.acquire()
    with pytest.raises(RefusedError, match="another run, r2"):
        first.renew()
    first.release()
    assert holder(world.cluster, world.where).run == "r2"
    second.release()
    assert world.lease() is None


def test_who_runs_an_experiment_on_a_model_is_known_from_the_fault_to_the_end_of_the_observation(world, quick):
    world.settle()

    def who(model="chat"):
        return experimenter(world.cluster, [world.where], model, clock=quick)

    assert who() is None
    lock = Lock(world.cluster, world.where, "r1", quick, requester="ben", model="chat")
    lock.acquire()
    world.steps("r1", quick).record(world.draft("r1", world.busy_nodes()[:1], now=quick.now()))
    assert (who(), who("other")) == ("ana", None)
    Ledger(world.cluster, world.where).close("r1")
    assert (who(), who("other")) == ("ben", None), "the fault is undone, the run still watches"
    quick.sleep(16)
    assert who() is None, "its runner is dead"
    Lock(world.cluster, world.where, "r2", quick, requester="cleo", model="other").acquire()
    assert (who(), who("other")) == (None, "cleo")


def test_a_record_survives_its_config_map():
    written = record(entries=(Entry("n", "u", "/spec/taints", None, {"key": "k"}),))
    assert Record.of(written.config_map()) == written


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5),
    st.integers(0, 30),
)
def test_a_record_that_somebody_edited_is_an_error_or_whole_never_a_crash(value, at):
    config_map = record().config_map()
    content = json.loads(config_map["data"]["record.json"])
    key = sorted(content)[at % len(content)]
    config_map["data"]["record.json"] = json.dumps(content | {key: value})
    try:
        read = Record.of(config_map)
    except PermanentError:
        return
    assert read.undo_by == read.undo_by, "a time that is no number would never be up"
