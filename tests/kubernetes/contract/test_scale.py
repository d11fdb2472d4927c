"""The scale subresource, and the chain Deployment -> ReplicaSet -> Pods behind it."""

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import ConflictError, NotFoundError, RefusedError
from failsoft.testing.kubernetes import deployment


@pytest.fixture
def chat(cluster, world):
    world.add_nodes(1, gpus=8)
    cluster.create(deployment("chat", world.where, replicas=2))
    ref = Ref("Deployment", "chat", world.where)
    world.eventually(lambda: "NewReplicaSetAvailable" in str(cluster.get(ref)["status"]))
    return ref


def test_pods_come_from_the_template_through_a_replica_set(cluster, world, chat):
    (replica_set,) = cluster.list("ReplicaSet", namespace=world.where)
    owner = replica_set["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Deployment", "chat", True)
    digest = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"chat-{digest}"
    for pod in world.ready_pods(2):
        meta = pod["metadata"]
        assert meta["labels"] == {"app": "chat", "pod-template-hash": digest}
        assert meta["generateName"] == f"chat-{digest}-"
        assert meta["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
        assert pod["spec"]["containers"][0]["resources"]["requests"] == {"nvidia.com/gpu": "1"}


def test_the_status_counts_what_runs(cluster, world, chat):
    def settled():
        status = cluster.get(chat)["status"]
        return status if status.get("availableReplicas") == 2 else None

    status = world.eventually(settled)
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"]) == (2, 2, 2)
    assert "unavailableReplicas" not in status
    conditions = {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}
    assert conditions["Available"] == ("True", "MinimumReplicasAvailable")
    assert conditions["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_scaling_up_and_down_makes_and_takes_pods(cluster, world, chat):
    scale = cluster.scale(chat, 3)
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 3})
    assert scale["status"]["selector"] == "app=chat"
    world.ready_pods(3)
    cluster.scale(chat, 1)
    world.ready_pods(1)
    assert cluster.get(chat)["spec"]["replicas"] == 1


def test_scale_to_nothing_leaves_the_number_out(plane, cluster, world, chat):
    assert cluster.scale(chat, 0)["spec"] == {}
    world.eventually(lambda: not world.pods())
    path = f"/apis/apps/v1/namespaces/{world.where}/deployments/chat/scale"
    assert plane.raw("GET", path)[1]["spec"] == {}


def test_scaling_is_guarded_by_the_version(cluster, world, chat):
    before = cluster.get(chat)
    cluster.json_patch(chat, [{"op": "add", "path": "/metadata/labels/touched", "value": "yes"}])
    with pytest.raises(ConflictError):
        cluster.scale(chat, 3, resource_version=before["metadata"]["resourceVersion"])
    assert cluster.get(chat)["spec"]["replicas"] == 2
    now = cluster.get(chat)["metadata"]["resourceVersion"]
    assert cluster.scale(chat, 3, resource_version=now)["spec"] == {"replicas": 3}


def test_a_dry_scale_changes_nothing(cluster, world, chat):
    before = cluster.get(chat)
    assert cluster.scale(chat, 7, dry_run=True)["spec"] == {"replicas": 7}
    assert cluster.get(chat) == before


def test_impossible_scales_are_refused(cluster, world, chat):
    with pytest.raises(RefusedError, match="must be greater than or equal to 0"):
        cluster.scale(chat, -1)
    with pytest.raises(NotFoundError):
        cluster.scale(Ref("Deployment", "absent", world.where), 1)


def test_a_new_template_rolls_over_within_surge_and_availability(cluster, world, chat):
    image = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "example.invalid/server:2"}
    pods = {pod["metadata"]["name"]: pod for pod in world.pods()}
    since = cluster.json_patch(chat, [image])["metadata"]["resourceVersion"]
    most, least = 2, 2
    for event in cluster.watch("Pod", namespace=world.where, resource_version=since, timeout_s=20):
        name, ending = event.object["metadata"].get("name"), "deletionTimestamp" in event.object["metadata"]
        if event.type == "DELETED" or ending:
            pods.pop(name, None)
        elif event.type != "BOOKMARK":
            pods[name] = event.object
        ready = [pod for pod in pods.values() if "ContainersReady" in str(pod["status"])]
        most, least = max(most, len(pods)), min(least, len(ready))
        if len(pods) == 2 and {p["spec"]["containers"][0]["image"] for p in ready} == {"example.invalid/server:2"}:
            break
    # 25 % of two: one more while it rolls, and none less.
    assert (most, least, len(ready)) == (3, 2, 2)
    assert len(cluster.list("ReplicaSet", namespace=world.where)) == 2


def test_deleting_the_deployment_takes_all_it_made(cluster, world, chat):
    cluster.delete(chat)
    world.eventually(lambda: not cluster.list("ReplicaSet", namespace=world.where) and not world.pods())
