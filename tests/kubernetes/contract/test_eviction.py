"""Eviction under PodDisruptionBudgets."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import NotFoundError, RefusedError, TemporaryError, UnavailableError
from failsoft.testing.kubernetes import deployment, disruption_budget


@pytest.fixture
def chat(cluster, world):
    """Two ready pods."""
    world.add_nodes(1, gpus=8)
    cluster.create(deployment("chat", world.where, replicas=2))
    return [Ref("Pod", pod["metadata"]["name"], world.where) for pod in world.ready_pods(2)]


@pytest.fixture
def protect(cluster, world):
    def create(name="chat", **limits):
        cluster.create(disruption_budget(name, world.where, app="chat", **limits))
        ref = Ref("PodDisruptionBudget", name, world.where)

        def settled():
            found = cluster.get(ref)
            return found if found["status"].get("observedGeneration") == found["metadata"]["generation"] else None

        world.eventually(settled)
        world.eventually(lambda: cluster.get(ref)["status"]["currentHealthy"] == 2)
        return ref

    return create


def test_without_a_budget_an_evicted_pod_is_replaced(cluster, world, chat):
    cluster.evict(chat[0])

    def replaced():
        names = {pod["metadata"]["name"] for pod in world.ready_pods(2)}
        return chat[0].name not in names and chat[1].name in names

    world.eventually(replaced)


def test_a_budget_that_is_spent_forbids_eviction_for_now(plane, cluster, world, chat, protect):
    protect(minAvailable=2)
    with pytest.raises(TemporaryError, match="needs 2 healthy pods and has 2 currently") as caught:
        cluster.evict(chat[0])
    assert not isinstance(caught.value, UnavailableError)
    with pytest.raises(TemporaryError, match="violate the pod's disruption budget"):
        cluster.evict(chat[0], dry_run=True)
    assert "deletionTimestamp" not in cluster.get(chat[0])["metadata"]
    path = f"/api/v1/namespaces/{world.where}/pods/{chat[0].name}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": chat[0].name}}
    assert plane.raw("POST", path, body) == (
        429,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "Cannot evict pod as it would violate the pod's disruption budget.",
            "reason": "TooManyRequests",
            "details": {
                "causes": [
                    {
                        "reason": "DisruptionBudget",
                        "message": "The disruption budget chat needs 2 healthy pods and has 2 currently",
                    }
                ]
            },
            "code": 429,
        },
    )


def test_a_budget_says_what_it_allows(cluster, world, chat, protect):
    status = cluster.get(protect(minAvailable=1))["status"]
    numbers = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    assert [status[number] for number in numbers] == [2, 1, 1, 2]
    assert status["conditions"][0]["reason"] == "SufficientPods"
    percent = cluster.get(protect("percent", maxUnavailable="50%"))["status"]
    assert [percent[number] for number in numbers] == [2, 1, 1, 2]
    none = cluster.get(protect("none", maxUnavailable=0))["status"]
    assert [none[number] for number in numbers] == [2, 2, 0, 2]
    assert none["conditions"][0]["reason"] == "InsufficientPods"


def test_a_budget_lets_as_many_go_as_it_can_spare(cluster, world, chat, protect):
    ref = protect(minAvailable=1)
    cluster.evict(chat[0], dry_run=True)
    assert cluster.get(ref)["status"]["disruptionsAllowed"] == 1
    cluster.evict(chat[0])
    world.eventually(lambda: chat[0].name not in {pod["metadata"]["name"] for pod in world.ready_pods(2)})
    world.eventually(lambda: cluster.get(ref)["status"]["disruptionsAllowed"] == 1)


def test_two_evictions_at_once_do_not_share_one_allowance(cluster, world, protect):
    world.add_nodes(1, gpus=8)
    spec = deployment("chat", world.where, replicas=2)
    spec["spec"]["template"]["metadata"]["labels"] |= world.unminded
    cluster.create(spec)
    world.eventually(lambda: len([pod for pod in world.pods() if pod["spec"].get("nodeName")]) == 2)
    refs = [Ref("Pod", pod["metadata"]["name"], world.where) for pod in world.pods()]
    ready = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    for ref in refs:
        running = {"phase": "Running", "conditions": ready}
        cluster.patch_status(ref, [{"op": "replace", "path": "/status", "value": running}])
    protect(minAvailable=1)

    def evict(ref):
        try:
            cluster.evict(ref, grace_seconds=100)
        except TemporaryError:
            return None
        return ref

    with ThreadPoolExecutor(2) as pool:
        (gone,) = filter(None, pool.map(evict, refs))
    held = cluster.get(gone)
    assert held["metadata"]["deletionGracePeriodSeconds"] == 100
    conditions = {c["type"]: c.get("reason") for c in held["status"]["conditions"]}
    assert conditions["DisruptionTarget"] == "EvictionByEvictionAPI"


def test_a_pod_under_two_budgets_cannot_be_evicted(plane, cluster, world, chat, protect):
    protect("first", minAvailable=1)
    protect("second", minAvailable=1)
    with pytest.raises(RefusedError, match="more than one PodDisruptionBudget"):
        cluster.evict(chat[0])
    path = f"/api/v1/namespaces/{world.where}/pods/{chat[0].name}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": chat[0].name}}
    status, answer = plane.raw("POST", path, body)
    assert (status, answer["status"], answer["code"]) == (500, "Failure", 500)
    assert "deletionTimestamp" not in cluster.get(chat[0])["metadata"]


def test_a_pod_that_does_not_run_yet_needs_no_budget(cluster, world, protect):
    cluster.create(deployment("chat", world.where, replicas=1))
    (pod,) = world.eventually(lambda: [p for p in world.pods() if p["status"].get("conditions")])
    cluster.create(disruption_budget("chat", world.where, app="chat", minAvailable=1))
    name = pod["metadata"]["name"]
    cluster.evict(Ref("Pod", name, world.where))
    world.eventually(lambda: name not in {p["metadata"]["name"] for p in world.pods()})


def test_a_plain_delete_passes_the_budget_by(cluster, world, chat, protect):
    protect(minAvailable=2)
    cluster.delete(chat[0], grace_seconds=0)
    with pytest.raises(NotFoundError):
        cluster.get(chat[0])


def test_eviction_can_name_its_grace_and_be_only_tried(cluster, world):
    (node,) = world.add_nodes(1)
    cluster.create(world.bare_pod("held", node, labels=world.unminded))
    ref = Ref("Pod", "held", world.where)
    cluster.evict(ref, grace_seconds=5, dry_run=True)
    assert "deletionTimestamp" not in cluster.get(ref)["metadata"]
    cluster.evict(ref, grace_seconds=5)
    assert cluster.get(ref)["metadata"]["deletionGracePeriodSeconds"] == 5
    with pytest.raises(NotFoundError):
        cluster.evict(Ref("Pod", "absent", world.where))
