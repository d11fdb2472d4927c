"""What happens to pods when their node says NoExecute, is not Ready, or is gone."""

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.testing.kubernetes import deployment, disruption_budget

OUT = {"key": "example.com/out", "effect": "NoExecute"}


def ready_condition(status):
    return {"type": "Ready", "status": status, "reason": "Test", "message": "", "lastTransitionTime": None}


@pytest.fixture
def pair(cluster, world):
    """Two nodes, one pod; the pod's node and name."""

    def start(**spec):
        world.add_nodes(2)
        cluster.create(deployment("chat", world.where, **spec))
        (pod,) = world.ready_pods(1)
        return pod["spec"]["nodeName"], pod["metadata"]["name"]

    return start


def moved(world, node):
    return world.eventually(lambda: [p for p in world.ready_pods(1) if p["spec"]["nodeName"] != node])


def test_a_noexecute_taint_moves_pods_past_their_budget(cluster, world, pair):
    node, _ = pair()
    cluster.create(disruption_budget("chat", world.where, app="chat", minAvailable=1))
    cluster.json_patch(Ref("Node", node), [{"op": "add", "path": "/spec/taints", "value": [OUT]}])
    moved(world, node)


def test_a_tolerated_noexecute_taint_moves_nobody_until_its_time_is_over(cluster, world, pair):
    patience = {"key": OUT["key"], "operator": "Exists", "effect": "NoExecute"}
    node, name = pair(tolerations=[patience | {"tolerationSeconds": 1}])
    cluster.json_patch(Ref("Node", node), [{"op": "add", "path": "/spec/taints", "value": [OUT]}])
    assert "deletionTimestamp" not in world.pod(name)["metadata"]
    moved(world, node)


def test_a_node_that_is_not_ready_is_tainted_and_takes_no_pods(cluster, world):
    name, _ = world.add_nodes(2)
    ref = Ref("Node", name)
    before = world.node(name)["spec"]
    cluster.patch_status(ref, [{"op": "replace", "path": "/status/conditions/0", "value": ready_condition("False")}])

    def taints():
        return {(t["key"], t["effect"]) for t in world.node(name)["spec"].get("taints") or ()}

    not_ready = "node.kubernetes.io/not-ready"
    world.eventually(lambda: taints() == {(not_ready, "NoSchedule"), (not_ready, "NoExecute")})
    cluster.patch_status(ref, [{"op": "replace", "path": "/status/conditions/0", "value": ready_condition("True")}])
    world.eventually(lambda: world.node(name)["spec"] == before)


def test_the_last_ready_node_lost_drives_nobody_out(cluster, world):
    (name,) = world.add_nodes(1)
    replace = {"op": "replace", "path": "/status/conditions/0", "value": ready_condition("False")}
    since = cluster.patch_status(Ref("Node", name), [replace])["metadata"]["resourceVersion"]
    seen = [e.object for e in cluster.watch("Node", resource_version=since, timeout_s=3) if e.type == "MODIFIED"]
    taints = [[(t["key"], t["effect"]) for t in node["spec"].get("taints") or ()] for node in seen]
    assert taints[-1] == [("node.kubernetes.io/not-ready", "NoSchedule")]
    assert "NoExecute" not in str(taints)


def test_pods_leave_a_node_that_is_not_ready_when_they_will_not_wait(cluster, world, pair):
    keys = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    patience = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}
    node, _ = pair(tolerations=[patience | {"key": key} for key in keys])
    cluster.patch_status(
        Ref("Node", node), [{"op": "replace", "path": "/status/conditions/0", "value": ready_condition("False")}]
    )
    moved(world, node)


def test_a_pod_stays_bound_for_a_while_after_its_node_object_is_gone(cluster, world, pair):
    node, name = pair()
    cluster.delete(Ref("Node", node))
    assert world.pod(name)["spec"]["nodeName"] == node
