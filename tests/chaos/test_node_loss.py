"""Losing a node and getting it back: what is added is taken away again, and nothing else."""

import copy

import pytest

from failsoft.chaos.ledger import Ledger
from failsoft.chaos.marks import RECLAIM_TAINT
from failsoft.chaos.node_loss import NodeLoss
from failsoft.chaos.restore import restore, settle
from failsoft.clients.kubernetes import Ref
from failsoft.errors import RefusedError

CORDON = {"op": "add", "path": "/spec/unschedulable", "value": True}
THEIRS = {"key": "maintenance", "value": "tuesday", "effect": "NoSchedule"}


def lose(world, run, names, clock, **times):
    """Everything but the undo; returns the record."""
    steps = world.steps(run, clock)
    record = steps.record(world.draft(run, names, now=clock.now(), **times))
    steps.cordon()
    steps.taint()
    return steps, record


def test_a_node_is_lost_and_comes_back_byte_equal(any_world, quick):
    any_world.settle()
    before = any_world.settled_specs()
    (victim, other) = any_world.busy_nodes()
    steps, record = lose(any_world, "r1", [victim], quick)

    lost = any_world.node(victim)["spec"]
    assert lost["unschedulable"] is True
    assert [t for t in lost["taints"] if t["key"] == RECLAIM_TAINT] == [dict(record.taint)]
    assert any_world.specs()[other] == before[other]

    assert steps.evict().left == []
    assert steps.delete_remaining().left == []
    steps.hold()
    any_world.ready(2)
    assert victim not in any_world.busy_nodes()

    outcome = settle(any_world.cluster, record, clock=quick)
    assert outcome.complete
    assert outcome.undone == (victim,)
    assert any_world.settled_specs() == before
    assert any_world.records() == ()


def test_undoing_twice_changes_nothing_more(any_world, quick):
    any_world.settle()
    victim = any_world.busy_nodes()[0]
    _, record = lose(any_world, "r1", [victim], quick)
    assert restore(any_world.cluster, record, clock=quick).undone == (victim,)
    any_world.settled_specs()
    untouched = any_world.node(victim)["metadata"]["resourceVersion"]
    assert restore(any_world.cluster, record, clock=quick).clean == (victim,)
    assert any_world.node(victim)["metadata"]["resourceVersion"] == untouched


def test_a_cordon_and_a_taint_that_were_there_before_stay(any_world, quick):
    any_world.settle()
    victim = any_world.busy_nodes()[0]
    any_world.cluster.json_patch(Ref("Node", victim), [CORDON])
    any_world.settled_specs()
    taints = any_world.node(victim)["spec"]["taints"]
    any_world.cluster.json_patch(
        Ref("Node", victim), [{"op": "add", "path": "/spec/taints", "value": [THEIRS, *taints]}]
    )
    before = any_world.settled_specs()

    steps, record = lose(any_world, "r1", [victim], quick)
    assert not record.cordons(victim)
    assert steps.cordon() == []
    assert len(any_world.node(victim)["spec"]["taints"]) == len(before[victim]["spec"]["taints"]) + 1

    settle(any_world.cluster, record, clock=quick)
    assert any_world.settled_specs() == before


def test_what_another_controller_changes_meanwhile_is_kept(any_world, quick):
    any_world.settle()
    victim = any_world.busy_nodes()[0]
    before = any_world.settled_specs()
    _, record = lose(any_world, "r1", [victim], quick)
    any_world.settled_specs()
    mine_first = any_world.node(victim)["spec"]["taints"]
    any_world.cluster.json_patch(
        Ref("Node", victim), [{"op": "add", "path": "/spec/taints", "value": [THEIRS, *reversed(mine_first)]}]
    )

    settle(any_world.cluster, record, clock=quick)
    expected = copy.deepcopy(before[victim])
    expected["spec"]["taints"] = [THEIRS, *(before[victim]["spec"].get("taints") or [])]
    assert any_world.settled_specs()[victim] == expected


def test_a_cordon_that_somebody_lifts_meanwhile_is_not_put_back_and_the_mark_goes(world, quick):
    world.settle()
    victim = world.busy_nodes()[0]
    before = world.settled_specs()
    _, record = lose(world, "r1", [victim], quick)
    world.cluster.json_patch(Ref("Node", victim), [{"op": "remove", "path": "/spec/unschedulable"}])
    settle(world.cluster, record, clock=quick)
    assert world.settled_specs() == before


def test_a_node_cordoned_between_the_record_and_our_cordon_stays_cordoned_by_the_other(world, quick):
    world.settle()
    victim = world.busy_nodes()[0]
    steps = world.steps("r1", quick)
    record = steps.record(world.draft("r1", [victim], now=quick.now()))
    world.cluster.json_patch(Ref("Node", victim), [CORDON])
    theirs = world.settled_specs()
    assert steps.cordon() == []
    steps.taint()
    settle(world.cluster, record, clock=quick)
    assert world.settled_specs() == theirs


def test_a_cordon_lifted_between_the_record_and_our_cordon_is_not_ours_to_set(world, quick):
    world.settle()
    victim = world.busy_nodes()[0]
    world.cluster.json_patch(Ref("Node", victim), [CORDON])
    steps = world.steps("r1", quick)
    steps.record(world.draft("r1", [victim], now=quick.now()))
    world.cluster.json_patch(Ref("Node", victim), [{"op": "remove", "path": "/spec/unschedulable"}])
    with pytest.raises(RefusedError, match="was cordoned when the undo was recorded"):
        steps.cordon()
    assert "unschedulable" not in world.node(victim)["spec"]


def test_a_stale_patch_never_overwrites_a_concurrent_one(any_world, quick):
    """Somebody adds a taint between our read and our write: the write is refused, read again, and both taints stand."""
    any_world.settle()
    victim = any_world.busy_nodes()[0]
    steps = any_world.steps("r1", quick)
    steps.record(any_world.draft("r1", [victim], now=quick.now()))
    real, interfered = any_world.cluster.json_patch, []

    class Meddled:
        def __getattr__(self, name):
            return getattr(any_world.cluster, name)

        def json_patch(self, ref, operations, **options):
            if not interfered:
                interfered.append(1)
                real(ref, [{"op": "add", "path": "/spec/taints", "value": [THEIRS]}])
            return real(ref, operations, **options)

    steps._cluster = Meddled()
    steps.taint()
    keys = [taint["key"] for taint in any_world.node(victim)["spec"]["taints"]]
    assert keys == ["maintenance", RECLAIM_TAINT]


def test_nothing_is_changed_without_a_record(world, quick):
    world.settle()
    before = world.specs()
    for step in (
        world.steps("never", quick).cordon,
        world.steps("never", quick).taint,
        world.steps("never", quick).evict,
    ):
        with pytest.raises(RefusedError, match="no undo record"):
            step()
    assert world.specs() == before


def test_a_run_that_the_janitor_undid_meanwhile_takes_its_last_write_back(world, quick):
    """The runner was paused between its look at the record and its write; the janitor undid the run in between."""
    world.settle()
    before = world.settled_specs()
    victim = world.busy_nodes()[0]
    steps = world.steps("r1", quick)
    steps.record(world.draft("r1", [victim], now=quick.now()))
    real = world.cluster.json_patch

    class Paused:
        def __getattr__(self, name):
            return getattr(world.cluster, name)

        def json_patch(self, ref, operations, **options):
            Ledger(world.cluster, world.where).close("r1")
            return real(ref, operations, **options)

    steps._cluster = Paused()
    with pytest.raises(RefusedError, match="no undo record"):
        steps.cordon()
    assert world.settled_specs() == before


def test_a_node_replaced_by_another_of_the_same_name_is_left_alone(world, quick):
    world.settle()
    victim = world.busy_nodes()[0]
    steps, record = lose(world, "r1", [victim], quick)
    spec = world.node(victim)
    world.cluster.delete(Ref("Node", victim))
    reborn = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": victim, "labels": spec["metadata"]["labels"]}}
    world.cluster.create(reborn | {"spec": {"taints": [dict(record.taint)]}})
    with pytest.raises(RefusedError, match="replaced"):
        steps.cordon()
    assert restore(world.cluster, record, clock=quick).clean == (victim,)
    assert dict(record.taint) in world.node(victim)["spec"]["taints"]


def test_a_node_that_is_reclaimed_for_real_is_refused(world, quick):
    world.settle()
    victim = world.busy_nodes()[0]
    real = {"key": RECLAIM_TAINT, "value": "spot-itn-real", "effect": "NoSchedule"}
    world.cluster.json_patch(Ref("Node", victim), [{"op": "add", "path": "/spec/taints", "value": [real]}])
    with pytest.raises(RefusedError, match="being reclaimed already"):
        world.steps("r1", quick).record(world.draft("r1", [victim], now=quick.now()))
    assert world.records() == ()


def test_a_disruption_budgets_refusal_is_retried_until_it_gives_way(world, quick):
    world.settle()
    world.protect(minAvailable=2)
    victim = world.busy_nodes()[0]
    _, record = lose(world, "r1", [victim], quick, notice_s=60)
    waits = []

    def relent():
        waits.append(quick.now())
        if len(waits) == 9:
            world.unprotect()

    drain = NodeLoss(world.cluster, world.where, "r1", clock=quick, attend=relent).evict()
    assert drain.refused >= 2
    assert (drain.evicted, drain.left) == ([pod.name for pod in record.pods], [])
    assert quick.now() < record.notice_until


def test_an_overloaded_api_server_is_asked_again_and_is_no_refusal(world, quick, fake):
    world.settle()
    victim = world.busy_nodes()[0]
    fake.fail_next("POST", "/eviction$", status=429, count=3)
    steps, record = lose(world, "r1", [victim], quick)
    drain = steps.evict()
    assert (drain.refused, drain.left, len(drain.evicted)) == (0, [], len(record.pods))


def test_what_a_disruption_budget_protects_to_the_end_is_deleted_at_the_deadline_and_only_then(world, quick, fake):
    world.settle()
    world.protect(minAvailable=2)
    victim = world.busy_nodes()[0]
    steps, record = lose(world, "r1", [victim], quick)
    began = quick.now()
    drain = steps.evict()
    assert drain.evicted == []
    assert drain.refused >= 2
    assert drain.left == [pod.name for pod in record.pods]
    assert quick.now() >= began + 5
    fake.forget_requests()
    assert steps.delete_remaining().left == []
    [deleted] = [request for request in fake.effects if request.method == "DELETE" and "/pods/" in request.path]
    assert deleted.body["gracePeriodSeconds"] == 0
    assert deleted.body["preconditions"] == {"uid": record.pods[0].uid}


def test_pods_that_are_not_in_the_record_are_never_touched(world, quick, fake):
    world.settle(spot=3, replicas=3)
    victim = world.busy_nodes()[0]
    steps, record = lose(world, "r1", [victim], quick)
    fake.forget_requests()
    steps.evict()
    steps.delete_remaining()
    touched = {request.path.split("/pods/")[1].split("/")[0] for request in fake.effects if "/pods/" in request.path}
    kubelet_too = {pod.name for pod in record.pods}
    assert touched & {pod.name for pod in world.snapshot().pods if pod.ready} <= kubelet_too
    evicted = {request.path for request in fake.effects if request.path.endswith("/eviction")}
    assert evicted == {f"/api/v1/namespaces/{world.where}/pods/{pod.name}/eviction" for pod in record.pods}


def test_a_run_that_is_told_to_stop_stops_at_its_next_step(world, quick):
    world.settle()
    victim = world.busy_nodes()[0]
    steps, _ = lose(world, "r1", [victim], quick)
    Ledger(world.cluster, world.where).stop("r1", "ana said so")
    for step in (steps.taint, steps.evict, steps.delete_remaining, steps.hold):
        with pytest.raises(RefusedError, match="told to stop: ana said so"):
            step()
