"""Where pods go: GPUs, taints, cordons, selectors; and what is said of those that find no place."""

from failsoft.clients.kubernetes import Ref
from failsoft.testing.kubernetes import deployment

SPOT = {"key": "aws-node-termination-handler/spot-itn", "value": "run-1", "effect": "NoSchedule"}


def on_nodes(pods):
    return sorted(pod["spec"]["nodeName"] for pod in pods)


def waiting(world, labels=""):
    """The one pod that found no place, and what is said of it."""

    def probe():
        for pod in world.pods(labels):
            for condition in pod["status"].get("conditions") or ():
                if condition["type"] == "PodScheduled" and condition["status"] == "False":
                    return pod, condition
        return None

    return world.eventually(probe)


def spread(world, cluster, replicas, nodes=3, **spec):
    names = world.add_nodes(nodes)
    cluster.create(deployment("chat", world.where, replicas=replicas, **spec))
    return names


def test_three_pods_take_three_nodes_with_one_gpu_each(cluster, world):
    names = spread(world, cluster, 3)
    assert on_nodes(world.ready_pods(3)) == names


def test_a_fourth_pod_waits_for_a_gpu_and_gets_the_one_that_falls_free(cluster, world):
    spread(world, cluster, 4)
    ready = world.ready_pods(3)
    pod, condition = waiting(world)
    assert condition["reason"] == "Unschedulable"
    assert "nodeName" not in pod["spec"]
    assert pod["status"]["phase"] == "Pending"
    assert condition["message"] == (
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: "
        "0/3 nodes are available: 3 No preemption victims found for incoming pod."
    )

    def event():
        about = f"involvedObject.name={pod['metadata']['name']},reason=FailedScheduling"
        return cluster.list("Event", namespace=world.where, fields=about)

    said = world.eventually(event)[0]
    assert (said["type"], said["message"]) == ("Warning", condition["message"])
    assert (said["lastTimestamp"], said["source"]) == (None, {})
    assert said["eventTime"].endswith("Z")
    assert said["reportingComponent"] == "default-scheduler"
    cluster.scale(Ref("Deployment", "chat", world.where), 3)
    world.eventually(lambda: len(world.pods()) == 3)
    cluster.scale(Ref("Deployment", "chat", world.where), 4)
    waiting(world)
    leaves = ready[0]
    cluster.evict(Ref("Pod", leaves["metadata"]["name"], world.where))
    world.eventually(lambda: len(world.ready_pods(3)) == 3)


def test_a_cordoned_node_takes_no_pods_and_is_tainted(cluster, world):
    names = spread(world, cluster, 0)
    ref = Ref("Node", names[0])
    before = world.node(names[0])["spec"]
    cluster.json_patch(ref, [{"op": "add", "path": "/spec/unschedulable", "value": True}])

    def tainted():
        return [(t["key"], t["effect"]) for t in world.node(names[0])["spec"].get("taints") or ()]

    world.eventually(lambda: tainted() == [("node.kubernetes.io/unschedulable", "NoSchedule")])
    cluster.scale(Ref("Deployment", "chat", world.where), 3)
    assert on_nodes(world.ready_pods(2)) == names[1:]
    _, condition = waiting(world)
    assert condition["message"].startswith(
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient nvidia.com/gpu."
    )
    assert condition["message"].endswith(
        "0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )
    cluster.json_patch(ref, [{"op": "remove", "path": "/spec/unschedulable"}])
    world.ready_pods(3)
    world.eventually(lambda: world.node(names[0])["spec"] == before)


def test_a_cordon_and_a_taint_at_once_leave_each_others_marks(cluster, world):
    (name,) = world.add_nodes(1)
    ref = Ref("Node", name)
    cluster.json_patch(
        ref,
        [
            {"op": "add", "path": "/spec/unschedulable", "value": True},
            {"op": "add", "path": "/spec/taints", "value": [SPOT]},
        ],
    )
    both = {SPOT["key"], "node.kubernetes.io/unschedulable"}
    world.eventually(lambda: {taint["key"] for taint in world.node(name)["spec"]["taints"]} == both)
    cluster.json_patch(ref, [{"op": "remove", "path": "/spec/unschedulable"}])
    world.eventually(lambda: world.node(name)["spec"] == {"taints": [SPOT]})


def test_a_noschedule_taint_keeps_new_pods_away_and_old_ones_where_they_are(cluster, world):
    names = spread(world, cluster, 3)
    before = world.ready_pods(3)
    cluster.json_patch(Ref("Node", names[0]), [{"op": "add", "path": "/spec/taints", "value": [SPOT]}])
    here = next(pod for pod in before if pod["spec"]["nodeName"] == names[0])
    cluster.evict(Ref("Pod", here["metadata"]["name"], world.where))
    _, condition = waiting(world)
    assert condition["message"].startswith(
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient nvidia.com/gpu."
    )
    assert on_nodes(world.ready_pods(2)) == names[1:]


def test_a_toleration_opens_a_tainted_node(cluster, world):
    world.add_nodes(1, taints=(SPOT,))
    tolerations = [{"key": SPOT["key"], "operator": "Equal", "value": SPOT["value"], "effect": "NoSchedule"}]
    cluster.create(deployment("chat", world.where, tolerations=tolerations))
    world.ready_pods(1)


def test_a_node_selector_picks_its_nodes(cluster, world):
    world.add_nodes(1)
    (l4,) = world.add_nodes(1, labels={"nvidia.com/gpu.product": "NVIDIA-L4"})
    cluster.create(deployment("chat", world.where, replicas=2, nodeSelector={"nvidia.com/gpu.product": "NVIDIA-L4"}))
    assert on_nodes(world.ready_pods(1)) == [l4]
    _, condition = waiting(world)
    assert condition["message"].startswith(
        "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match Pod's node affinity/selector."
    )


def test_cpu_memory_and_pod_slots_count_too(cluster, world):
    (name,) = world.add_nodes(1, gpus=0)
    cluster.patch_status(Ref("Node", name), [{"op": "replace", "path": "/status/allocatable/pods", "value": "1"}])
    pod = world.bare_pod("big")
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "8500m", "memory": "33Gi"}}
    cluster.create(pod)
    _, condition = waiting(world)
    assert condition["message"].startswith("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.")
    cluster.create(world.bare_pod("small-1"))
    world.eventually(lambda: "nodeName" in world.pod("small-1")["spec"])
    cluster.create(world.bare_pod("small-2", labels={"second": "yes"}))
    _, condition = waiting(world, "second=yes")
    assert condition["message"].startswith("0/1 nodes are available: 1 Too many pods.")


def test_without_nodes_that_is_said(cluster, world):
    cluster.create(world.bare_pod("lone"))
    _, condition = waiting(world)
    assert condition["message"] == "no nodes available to schedule pods"


def test_gpus_that_disappear_from_a_node_leave_running_pods_alone(cluster, world):
    names = spread(world, cluster, 1, nodes=1)
    gone = [{"op": "replace", "path": "/status/allocatable/nvidia.com~1gpu", "value": "0"}]
    world.ready_pods(1)
    cluster.patch_status(Ref("Node", names[0]), gone)
    cluster.scale(Ref("Deployment", "chat", world.where), 2)
    waiting(world)
    world.ready_pods(1)
