"""The runner is killed before, between and after every two calls to the cluster; the janitor restores all of it."""

import itertools
import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from failsoft.chaos.clock import SystemClock
from failsoft.chaos.janitor import sweep
from failsoft.chaos.node_loss import NodeLoss
from failsoft.chaos.nodes import reclaim_taint
from failsoft.chaos.restore import settle
from failsoft.clients.kubernetes import Ref
from failsoft.errors import UnavailableError

CORDON = {"op": "add", "path": "/spec/unschedulable", "value": True}
THEIRS = {"key": "maintenance", "value": "tuesday", "effect": "PreferNoSchedule"}


@pytest.fixture(scope="module")
def mortals():
    """A process that forks runs which die."""
    script = Path(__file__).with_name("mortal.py")
    with subprocess.Popen([sys.executable, str(script)], stdin=-1, stdout=-1, text=True) as process:

        def live(job):
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield live
        process.stdin.close()


def job(world, run, dies_before, *, notice_s=5, hold_s=1, count=1):
    nodes = world.busy_nodes()[:count]
    draft = world.draft(run, nodes, now=0)
    return {
        "kubeconfig": str(world.kubeconfig),
        "namespace": world.where,
        "run": run,
        "nodes": [asdict(node) for node in draft.nodes],
        "pods": [asdict(pod) for pod in draft.pods],
        "taint": reclaim_taint(run),
        "dies_before": dies_before,
        "notice_s": notice_s,
        "hold_s": hold_s,
    }


def crash_everywhere(world, mortals, replicas, **times):
    """Kill a run before its first, second, ... call until one gets through; restore after each. Returns how many."""
    clock = SystemClock()
    before = world.settled_specs()
    for number in itertools.count(1):
        world.ready(replicas)
        ended = mortals(job(world, f"r{number}", number, **times))
        if ended == 0:
            assert world.settled_specs() == before
            assert (world.records(), world.lease()) == ((), None)
            return number - 1
        assert ended == -signal.SIGKILL
        swept = sweep(world.cluster, [world.where], clock=clock, everything=True)
        assert swept.failed == ()
        assert world.settled_specs() == before, f"not restored after a kill before call {number}"
        assert (world.records(), world.lease()) == ((), None)
    raise AssertionError


def test_a_kill_anywhere_is_restored(world, mortals):
    world.settle()
    assert crash_everywhere(world, mortals, 2) > 25


def test_a_kill_anywhere_is_restored_with_two_nodes_and_foreign_marks_on_them(world, mortals):
    """One node was cordoned by somebody, the other tainted; both stay as they were, whenever the runner dies."""
    world.settle(spot=2, replicas=2)
    cordoned, tainted = world.busy_nodes()
    world.cluster.json_patch(Ref("Node", cordoned), [CORDON])
    world.cluster.json_patch(Ref("Node", tainted), [{"op": "add", "path": "/spec/taints", "value": [THEIRS]}])
    before = world.settled_specs()
    assert before[cordoned]["spec"]["unschedulable"] is True

    clock = SystemClock()
    # Pods do not come back to a cordoned node, so the kills stop at the last call before the pods go.
    for number in range(1, 20):
        work = job(world, f"r{number}", number, count=2)
        work["pods"] = []
        assert mortals(work) == -signal.SIGKILL
        assert sweep(world.cluster, [world.where], clock=clock, everything=True).failed == ()
        assert world.settled_specs() == before, f"not restored after a kill before call {number}"


@pytest.mark.real_kubernetes
def test_a_kill_anywhere_is_restored_on_a_real_control_plane(real_world, mortals):
    real_world.settle()
    assert crash_everywhere(real_world, mortals, 2) > 25


class Faulty:
    """A cluster of whose calls one goes wrong: not done, or done with its reply lost."""

    def __init__(self, cluster, at, *, done):
        self._cluster, self._at, self._done, self.struck = cluster, at, done, False

    def __getattr__(self, name):
        method = getattr(self._cluster, name)

        def call(*arguments, **options):
            self._at -= 1
            if self._at:
                return method(*arguments, **options)
            self.struck = True
            if self._done:
                method(*arguments, **options)
            raise UnavailableError("the network is what it is")

        return call


@pytest.mark.parametrize("done", [False, True], ids=["refused", "reply lost"])
def test_one_broken_answer_anywhere_is_survived(world, quick, done):
    """Every call in turn is refused, or done with its reply lost: the run gets through, and its undo is whole."""
    world.settle()
    before = world.settled_specs()
    for number in itertools.count(1):
        world.ready(2)
        victim, run = world.busy_nodes()[0], f"r{number}"
        draft = world.draft(run, [victim], now=quick.now(), notice_s=3, hold_s=1)
        cluster = Faulty(world.cluster, number, done=done)
        steps = NodeLoss(cluster, world.where, run, clock=quick)
        record = steps.record(draft)
        for step in (steps.cordon, steps.taint, steps.evict, steps.delete_remaining, steps.hold):
            step()
        assert victim not in {seen.name for seen in world.snapshot().nodes}
        assert settle(cluster, record, clock=quick).complete
        assert world.settled_specs() == before, f"at call {number}"
        assert world.records() == ()
        if not cluster.struck:
            assert number > 20
            return


def test_a_lost_reply_to_the_record_itself_is_found_again(world, quick):
    """The record was written, only nobody heard: the same run's record is taken, not refused."""
    world.settle()
    victim = world.busy_nodes()[0]
    cluster = Faulty(world.cluster, 2, done=True)
    steps = NodeLoss(cluster, world.where, "r1", clock=quick)
    written = steps.record(world.draft("r1", [victim], now=quick.now()))
    assert cluster.struck
    assert [found["metadata"]["name"] for found in world.records()] == [written.name]
