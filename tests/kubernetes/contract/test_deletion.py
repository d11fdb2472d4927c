"""Deleting pods: grace, and who ends it."""

import time
from datetime import datetime

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import NotFoundError
from failsoft.testing.kubernetes import deployment


@pytest.fixture
def bound(cluster, world):
    """A pod on a node whose kubelet does nothing."""
    (node,) = world.add_nodes(1)
    cluster.create(world.bare_pod("held", node, labels=world.unminded))
    return Ref("Pod", "held", world.where)


def test_a_bound_pod_is_only_marked_until_the_kubelet_has_ended_it(cluster, bound):
    before = cluster.get(bound)["metadata"]
    cluster.delete(bound, grace_seconds=20)
    meta = cluster.get(bound)["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 20
    due = datetime.fromisoformat(meta["deletionTimestamp"]).timestamp()
    assert due == pytest.approx(time.time() + 20, abs=5)
    assert meta["generation"] == before["generation"] + 1
    cluster.delete(bound, grace_seconds=0)
    with pytest.raises(NotFoundError):
        cluster.get(bound)


def test_the_pods_own_grace_is_the_default(cluster, bound):
    cluster.delete(bound)
    assert cluster.get(bound)["metadata"]["deletionGracePeriodSeconds"] == 30


def test_grace_can_be_shortened_but_not_lengthened(cluster, bound):
    cluster.delete(bound, grace_seconds=20)
    cluster.delete(bound, grace_seconds=100)
    assert cluster.get(bound)["metadata"]["deletionGracePeriodSeconds"] == 20
    cluster.delete(bound)
    assert cluster.get(bound)["metadata"]["deletionGracePeriodSeconds"] == 20
    first = datetime.fromisoformat(cluster.get(bound)["metadata"]["deletionTimestamp"])
    cluster.delete(bound, grace_seconds=10)
    meta = cluster.get(bound)["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 10
    assert (first - datetime.fromisoformat(meta["deletionTimestamp"])).total_seconds() == 10


def test_a_dry_delete_marks_nothing(cluster, bound):
    before = cluster.get(bound)
    cluster.delete(bound, grace_seconds=20, dry_run=True)
    assert cluster.get(bound) == before


def test_a_pod_without_a_node_goes_at_once(cluster, world):
    pod = world.bare_pod("waiting")
    pod["spec"]["nodeSelector"] = {"no-such": "node"}
    cluster.create(pod)
    cluster.delete(Ref("Pod", "waiting", world.where), grace_seconds=20)
    with pytest.raises(NotFoundError):
        world.pod("waiting")


def test_a_finished_pod_goes_at_once(cluster, bound):
    cluster.patch_status(bound, [{"op": "replace", "path": "/status/phase", "value": "Succeeded"}])
    cluster.delete(bound, grace_seconds=20)
    with pytest.raises(NotFoundError):
        cluster.get(bound)


def test_a_deleted_pod_of_a_deployment_is_replaced_while_it_still_ends(cluster, world):
    world.add_nodes(1, gpus=8)
    spec = deployment("chat", world.where, replicas=1)
    spec["spec"]["template"]["metadata"]["labels"] |= world.unminded
    cluster.create(spec)
    (old,) = world.eventually(lambda: [p for p in world.pods() if p["spec"].get("nodeName")])
    cluster.delete(Ref("Pod", old["metadata"]["name"], world.where), grace_seconds=20)
    world.eventually(lambda: len(world.pods()) == 2)
    assert "deletionTimestamp" in world.pod(old["metadata"]["name"])["metadata"]
