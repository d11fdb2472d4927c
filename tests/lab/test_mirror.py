"""The mirror of a cluster's objects: what it sees, also after the server forgot or went silent."""

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.lab.mirror import Mirror
from failsoft.testing.kubernetes import HTTP_ROUTE_CRD, FakeKubernetes

from .conftest import eventually


def config(name: str, **data: str):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


def names(mirror: Mirror) -> set[str]:
    return {obj["metadata"]["name"] for obj in mirror.objects}


@pytest.fixture
def fake():
    with FakeKubernetes() as fake:
        yield fake


def test_it_follows_creations_changes_and_deletions(fake):
    cluster = fake.cluster()
    cluster.create(config("old"))
    told = []
    with Mirror(fake.cluster(), "ConfigMap", namespace="default", changed=lambda: told.append(1)) as mirror:
        eventually(lambda: names(mirror) == {"old"})
        cluster.create(config("new", a="1"))
        eventually(lambda: names(mirror) == {"old", "new"})
        cluster.json_patch(Ref("ConfigMap", "new", "default"), [{"op": "replace", "path": "/data/a", "value": "2"}])
        eventually(lambda: any(obj.get("data") == {"a": "2"} for obj in mirror.objects))
        cluster.delete(Ref("ConfigMap", "old", "default"))
        eventually(lambda: names(mirror) == {"new"})
    assert len(told) >= 4
    cluster.close()


def test_when_the_server_has_forgotten_the_version_it_watches_from_now_on(fake):
    cluster = fake.cluster()
    cluster.create(config("old"))
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "something-newer"}})
    fake.forget_history()

    def asked(*, watch: bool) -> list[str]:
        here = [each for each in fake.requests if each.path.endswith("/configmaps") and each.method == "GET"]
        return [each.query.get("resourceVersion", "") for each in here if ("watch" in each.query) is watch]

    with Mirror(fake.cluster(), "ConfigMap", namespace="default", changed=lambda: None) as mirror:
        eventually(lambda: len(asked(watch=False)) == 2)
        cluster.create(config("new"))
        eventually(lambda: names(mirror) == {"old", "new"})
    # The fake writes down what it has answered: one watch that it refused; the one from now on ended with us.
    assert len(asked(watch=True)) == 1
    cluster.close()


def test_it_survives_errors_of_the_server(fake):
    cluster = fake.cluster()
    cluster.create(config("old"))
    fake.fail_next("GET", "/api/v1/namespaces/default/configmaps", status=503, count=2)
    with Mirror(fake.cluster(), "ConfigMap", namespace="default", changed=lambda: None) as mirror:
        eventually(lambda: names(mirror) == {"old"})
    cluster.close()


def test_it_waits_for_a_custom_resource_to_be_defined(fake):
    cluster = fake.cluster()
    with Mirror(fake.cluster(), "HTTPRoute", namespace="default", changed=lambda: None) as mirror:
        cluster.create(HTTP_ROUTE_CRD)
        route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "spec": {}}
        cluster.create(route | {"metadata": {"name": "chat", "namespace": "default"}})
        eventually(lambda: names(mirror) == {"chat"})
    cluster.close()
