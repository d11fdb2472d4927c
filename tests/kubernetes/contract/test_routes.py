"""Custom resources: HTTPRoutes, before and after their definition."""

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from failsoft.testing.kubernetes import HTTP_ROUTE_CRD

CRD = Ref("CustomResourceDefinition", HTTP_ROUTE_CRD["metadata"]["name"])


def route(where):
    backends = [{"name": "chat", "port": 80, "weight": 100}, {"name": "chat-small", "port": 80, "weight": 0}]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "chat", "namespace": where},
        "spec": {"parentRefs": [{"name": "gateway"}], "rules": [{"backendRefs": backends}]},
    }


@pytest.fixture
def defined(cluster, world):
    cluster.create(HTTP_ROUTE_CRD)
    yield
    cluster.delete(CRD)

    def gone():
        try:
            return cluster.get(CRD) and False
        except NotFoundError:
            return True

    world.eventually(gone)


@pytest.fixture
def served(cluster, world, defined):

    def established():
        conditions = cluster.get(CRD)["status"].get("conditions") or ()
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    world.eventually(established)

    def listed():
        try:
            return cluster.list("HTTPRoute") == ()
        except (NotFoundError, UnavailableError):
            # The real server needs a moment, and answers 429 while it makes room.
            return False

    world.eventually(listed)
    return Ref("HTTPRoute", "chat", world.where)


def test_before_their_definition_there_are_none(cluster, world):
    with pytest.raises(NotFoundError):
        cluster.list("HTTPRoute", namespace=world.where)
    with pytest.raises(NotFoundError):
        cluster.create(route(world.where))


def test_traffic_is_shifted_by_a_guarded_patch(cluster, world, served):
    made = cluster.create(route(world.where))
    assert made["metadata"]["generation"] == 1
    weights = [("0", 100, 0), ("1", 0, 100)]
    patch = []
    for index, before, after in weights:
        path = f"/spec/rules/0/backendRefs/{index}/weight"
        patch += [{"op": "test", "path": path, "value": before}, {"op": "replace", "path": path, "value": after}]
    shifted = cluster.json_patch(served, patch)
    assert [b["weight"] for b in shifted["spec"]["rules"][0]["backendRefs"]] == [0, 100]
    assert shifted["metadata"]["generation"] == 2
    with pytest.raises(ConflictError):
        cluster.json_patch(served, patch)
    assert cluster.list("HTTPRoute", namespace=world.where) == (shifted,)


def test_their_status_is_apart_and_they_are_replaced_with_a_version_only(cluster, world, served):
    made = cluster.create(route(world.where) | {"status": {"parents": [{}]}})
    assert "status" not in made
    with pytest.raises(RefusedError, match="must be specified for an update"):
        cluster.replace(route(world.where))
    with_status = cluster.patch_status(served, [{"op": "add", "path": "/status", "value": {"parents": []}}])
    assert with_status["metadata"]["generation"] == 1
    assert cluster.replace(with_status | {"status": {}})["status"] == {"parents": []}
    cluster.delete(served)
    with pytest.raises(NotFoundError):
        cluster.get(served)
