"""JSON patches with `test`, and that nothing but what they name is touched."""

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import ConflictError, NotFoundError, RefusedError
from failsoft.testing.kubernetes import deployment

JSON_PATCH = "application/json-patch+json"
SPOT = {"key": "aws-node-termination-handler/spot-itn", "value": "run-1", "effect": "NoSchedule"}
THEIRS = {"key": "example.com/theirs", "effect": "NoSchedule"}


def test_a_patch_whose_test_holds_is_applied(cluster, world):
    cluster.create(world.config_map())
    ref = Ref("ConfigMap", "settings", world.where)
    patch = [
        {"op": "test", "path": "/data/colour", "value": "red"},
        {"op": "replace", "path": "/data/colour", "value": "blue"},
        {"op": "add", "path": "/data/shape", "value": "round"},
    ]
    assert cluster.json_patch(ref, patch)["data"] == {"colour": "blue", "shape": "round"}


def test_a_patch_whose_test_fails_is_a_conflict_and_changes_nothing(plane, cluster, world):
    made = cluster.create(world.config_map())
    ref = Ref("ConfigMap", "settings", world.where)
    patch = [
        {"op": "replace", "path": "/data/colour", "value": "blue"},
        {"op": "test", "path": "/data/shape", "value": "round"},
    ]
    with pytest.raises(ConflictError, match="not what the patch expects"):
        cluster.json_patch(ref, patch)
    assert cluster.get(ref) == made
    answer = plane.raw("PATCH", f"/api/v1/namespaces/{world.where}/configmaps/settings", patch, JSON_PATCH)
    assert answer == (
        422,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "the server rejected our request due to an error in our request",
            "reason": "Invalid",
            "details": {},
            "code": 422,
        },
    )


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/data/shape"},
        {"op": "replace", "path": "/no/such/member", "value": "x"},
        {"op": "remove", "path": "/metadata/finalizers/0"},
        {"op": "add", "path": "/no/such/parent", "value": "x"},
        {"op": "test", "path": "/data/colour", "value": None},
        {"op": "move", "from": "/data/shape", "path": "/data/form"},
    ],
    ids=lambda operation: operation["op"] + operation["path"],
)
def test_a_patch_of_what_is_not_there_is_a_conflict(cluster, world, operation):
    cluster.create(world.config_map())
    with pytest.raises(ConflictError):
        cluster.json_patch(Ref("ConfigMap", "settings", world.where), [operation])


def test_replacing_a_member_that_is_not_there_adds_it(cluster, world):
    cluster.create(world.config_map())
    patch = [{"op": "replace", "path": "/data/shape", "value": "round"}]
    assert cluster.json_patch(Ref("ConfigMap", "settings", world.where), patch)["data"]["shape"] == "round"


def test_absence_can_be_tested_with_null(cluster, world):
    cluster.create(world.config_map())
    ref = Ref("ConfigMap", "settings", world.where)
    absent = {"op": "test", "path": "/data/shape", "value": None}
    add = {"op": "add", "path": "/data/shape", "value": "round"}
    assert cluster.json_patch(ref, [absent, add])["data"]["shape"] == "round"
    with pytest.raises(ConflictError):
        cluster.json_patch(ref, [absent, add])


def test_a_version_can_be_tested(cluster, world):
    first = cluster.create(world.config_map())
    ref = Ref("ConfigMap", "settings", world.where)
    at_first = {"op": "test", "path": "/metadata/resourceVersion", "value": first["metadata"]["resourceVersion"]}
    cluster.json_patch(ref, [at_first, {"op": "replace", "path": "/data/colour", "value": "blue"}])
    with pytest.raises(ConflictError):
        cluster.json_patch(ref, [at_first, {"op": "replace", "path": "/data/colour", "value": "green"}])


def test_a_patch_to_a_stale_version_is_a_conflict(plane, cluster, world):
    cluster.create(world.config_map())
    stale = [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}]
    path = f"/api/v1/namespaces/{world.where}/configmaps/settings"
    status, answer = plane.raw("PATCH", path, stale, JSON_PATCH)
    assert (status, answer["reason"]) == (409, "Conflict")


def test_nothing_can_be_patched_that_is_not_there(cluster, world):
    with pytest.raises(NotFoundError):
        cluster.json_patch(Ref("ConfigMap", "absent", world.where), [])


def test_a_nodes_spec_comes_back_byte_equal(cluster, world):
    (name,) = world.add_nodes(1, taints=(THEIRS,))
    ref, before = Ref("Node", name), world.node(name)["spec"]
    assert before == {"taints": [THEIRS]}
    guard = {"op": "test", "path": "/spec/taints", "value": [THEIRS]}
    tainted = cluster.json_patch(ref, [guard, {"op": "add", "path": "/spec/taints/-", "value": SPOT}])
    assert tainted["spec"] == {"taints": [THEIRS, SPOT]}
    undo = [{"op": "test", "path": "/spec/taints/1", "value": SPOT}, {"op": "remove", "path": "/spec/taints/1"}]
    assert cluster.json_patch(ref, undo)["spec"] == before
    with pytest.raises(ConflictError):
        cluster.json_patch(ref, undo)


def test_the_last_taint_and_a_false_cordon_leave_no_empty_field(cluster, world):
    (name,) = world.add_nodes(1)
    ref = Ref("Node", name)
    cluster.json_patch(ref, [{"op": "add", "path": "/spec/taints", "value": [SPOT]}])
    empty = [{"op": "remove", "path": "/spec/taints/0"}, {"op": "add", "path": "/spec/unschedulable", "value": False}]
    assert cluster.json_patch(ref, empty)["spec"] == {}


def test_a_taint_cannot_be_added_twice_nor_with_an_unknown_effect(cluster, world):
    (name,) = world.add_nodes(1)
    ref = Ref("Node", name)
    cluster.json_patch(ref, [{"op": "add", "path": "/spec/taints", "value": [SPOT]}])
    with pytest.raises(RefusedError, match="taints must be unique by key and effect pair"):
        cluster.json_patch(ref, [{"op": "add", "path": "/spec/taints/-", "value": SPOT | {"value": "run-2"}}])
    with pytest.raises(RefusedError, match="Unsupported value"):
        cluster.json_patch(ref, [{"op": "replace", "path": "/spec/taints/0/effect", "value": "Sometimes"}])


def test_status_is_changed_through_its_subresource_only(cluster, world):
    (name,) = world.add_nodes(1)
    ref, before = Ref("Node", name), world.node(name)
    less = [{"op": "replace", "path": "/status/allocatable/nvidia.com~1gpu", "value": "0"}]
    assert cluster.json_patch(ref, less)["status"] == before["status"]
    changed = cluster.patch_status(ref, [*less, {"op": "add", "path": "/spec/unschedulable", "value": True}])
    assert changed["status"]["allocatable"]["nvidia.com/gpu"] == "0"
    assert changed["spec"] == before["spec"]


def test_a_status_patch_moves_no_generation(cluster, world):
    cluster.create(deployment("chat", world.where, replicas=0))
    ref = Ref("Deployment", "chat", world.where)
    patched = cluster.patch_status(ref, [{"op": "add", "path": "/status/collisionCount", "value": 1}])
    assert patched["metadata"]["generation"] == 1
    assert patched["status"]["collisionCount"] == 1
