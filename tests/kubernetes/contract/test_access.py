"""Who may do what."""

import pytest

from failsoft.clients.kubernetes import ApiCluster, Ref
from failsoft.errors import RefusedError


def test_the_administrator_may(cluster, world):
    assert cluster.allowed("patch", "Node")
    assert cluster.allowed("create", "Pod", namespace=world.where, subresource="eviction")


def test_a_stranger_may_not_and_is_told_so(plane, world):
    with plane.stranger() as stranger:
        assert not stranger.allowed("patch", "Node")
        assert not stranger.allowed("create", "Pod", namespace=world.where, subresource="eviction")
        with pytest.raises(RefusedError, match=r'cannot patch resource "nodes" in API group "" at the cluster scope'):
            stranger.json_patch(Ref("Node", "n"), [])
        where = f'in API group "apps" in the namespace "{world.where}"'
        with pytest.raises(RefusedError, match=f'cannot update resource "deployments/scale" {where}'):
            stranger.scale(Ref("Deployment", "chat", world.where), 1)
        with pytest.raises(RefusedError, match='cannot list resource "pods"'):
            stranger.list("Pod", namespace=world.where)
        with pytest.raises(RefusedError, match='cannot watch resource "pods"'):
            next(stranger.watch("Pod", namespace=world.where))
        with pytest.raises(RefusedError, match="cannot create resource"):
            stranger.evict(Ref("Pod", "p", world.where))


def test_a_wrong_token_is_refused(plane):
    answer = plane.pool.request("GET", f"{plane.url}/api/v1/nodes", headers={"Authorization": "Bearer wrong"})
    assert answer.status == 401
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


def test_nobody_is_forbidden(plane):
    answer = plane.pool.request("GET", f"{plane.url}/api/v1/nodes")
    assert answer.status == 403
    assert 'User "system:anonymous" cannot list resource "nodes"' in answer.json()["message"]


def test_other_patches_than_json_patches_are_no_way_in(plane, cluster: ApiCluster):
    status, _ = plane.raw("PATCH", "/api/v1/nodes/n", {}, "application/yaml")
    assert status == 415
