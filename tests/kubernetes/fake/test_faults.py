"""The fake on demand: errors, delays, lost replies, denials, and what it was asked."""

import time

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import ConflictError, RefusedError, UnavailableError
from failsoft.testing.kubernetes import Denial, FakeKubernetes, Fault, node

NODE = Ref("Node", "n")
CORDON = [{"op": "add", "path": "/spec/unschedulable", "value": True}]


@pytest.fixture
def fake():
    with FakeKubernetes() as running:
        running.load([node("n")])
        running.forget_requests()
        yield running


@pytest.fixture
def cluster(fake):
    return fake.cluster()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_injected_error_strikes_once_and_before_anything_is_done(fake, cluster, status):
    fake.fail_next("PATCH", r"/nodes/n$", status=status)
    with pytest.raises(UnavailableError, match=str(status)):
        cluster.json_patch(NODE, CORDON)
    assert "unschedulable" not in cluster.get(NODE)["spec"]
    assert fake.effects == ()
    assert cluster.json_patch(NODE, CORDON)["spec"]["unschedulable"] is True
    assert [request.status for request in fake.requests if request.method == "PATCH"] == [status, 200]


def test_an_injected_conflict_is_a_conflict(fake, cluster):
    fake.fail_next(status=409)
    with pytest.raises(ConflictError):
        cluster.get(NODE)


def test_the_server_can_ask_for_patience(fake, cluster):
    fake.fail_next("GET", status=429, retry_after=7)
    with pytest.raises(UnavailableError) as caught:
        cluster.get(NODE)
    assert caught.value.delay == 7


def test_faults_can_last_be_skipped_into_and_be_taken_back(fake, cluster):
    fake.inject(Fault("GET", "/nodes/", status=500, skip=1, count=2))
    outcomes = []
    for _ in range(4):
        try:
            cluster.get(NODE)
            outcomes.append("ok")
        except UnavailableError:
            outcomes.append("failed")
    assert outcomes == ["ok", "failed", "failed", "ok"]
    fake.fail_next(status=500, count=-1)
    with pytest.raises(UnavailableError):
        cluster.get(NODE)
    fake.clear_faults()
    assert cluster.get(NODE)


def test_a_fault_can_have_its_own_body(fake, cluster):
    body = {"kind": "Status", "message": "etcdserver: request timed out", "reason": "Timeout"}
    fake.inject(Fault("GET", status=504, body=body))
    with pytest.raises(UnavailableError, match="etcdserver: request timed out"):
        cluster.get(NODE)


def test_a_lost_reply_hides_what_was_done(fake, cluster):
    fake.lose_reply("PATCH")
    with pytest.raises(UnavailableError):
        cluster.json_patch(NODE, CORDON)
    assert cluster.get(NODE)["spec"]["unschedulable"] is True
    (effect,) = fake.effects
    assert (effect.method, effect.path, effect.reply_lost, effect.body) == ("PATCH", "/api/v1/nodes/n", True, CORDON)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_lost_reply_is_not_repeated_by_the_client(fake, cluster, method):
    current = cluster.get(NODE)
    fake.lose_reply(method)
    with pytest.raises(UnavailableError):
        cluster.replace(current) if method == "PUT" else cluster.delete(NODE)
    assert [request.method for request in fake.requests].count(method) == 1


def test_a_late_answer_is_no_answer(fake):
    fake.delay_next("GET", seconds=30)
    start = time.monotonic()
    with pytest.raises(UnavailableError, match=r"[Tt]imed? ?out"):
        fake.cluster(timeout_s=0.2).get(NODE)
    assert time.monotonic() - start < 20


def test_a_denied_verb_is_refused_and_known_beforehand(fake, cluster):
    fake.deny(Denial("patch", "nodes"), Denial("create", "pods/eviction", "prod"))
    assert not cluster.allowed("patch", "Node")
    assert cluster.allowed("get", "Node")
    assert not cluster.allowed("create", "Pod", namespace="prod", subresource="eviction")
    assert cluster.allowed("create", "Pod", namespace="test", subresource="eviction")
    with pytest.raises(RefusedError, match='User "failsoft" cannot patch resource "nodes"'):
        cluster.json_patch(NODE, CORDON)
    fake.allow_all()
    cluster.json_patch(NODE, CORDON)


def test_effects_are_what_changed_something(fake, cluster):
    cluster.get(NODE)
    cluster.json_patch(NODE, CORDON, dry_run=True)
    cluster.delete(NODE, dry_run=True)
    cluster.allowed("patch", "Node")
    with pytest.raises(ConflictError):
        cluster.create(node("n"))
    cluster.json_patch(NODE, CORDON)
    cluster.delete(NODE)
    assert [(effect.method, effect.path) for effect in fake.effects] == [
        ("PATCH", "/api/v1/nodes/n"),
        ("DELETE", "/api/v1/nodes/n"),
    ]
    assert len(fake.requests) == 7


def test_a_version_that_is_forgotten_is_gone(fake, cluster):
    version = cluster.get(NODE)["metadata"]["resourceVersion"]
    cluster.json_patch(NODE, CORDON)
    fake.forget_history()
    with pytest.raises(ConflictError, match="too old"):
        list(cluster.watch("Node", resource_version=version, timeout_s=5))
    now = cluster.get(NODE)["metadata"]["resourceVersion"]
    assert [e.type for e in cluster.watch("Node", resource_version=now, timeout_s=1)] == ["BOOKMARK"]


def test_faults_can_be_set_over_http(fake, cluster):
    import urllib3

    headers = {"Authorization": f"Bearer {fake.token}"}
    with urllib3.PoolManager() as pool:
        body = {"method": "GET", "path": "/nodes/", "status": 503}
        assert pool.request("POST", f"{fake.url}/fake/faults", json=body, headers=headers).status == 200
        with pytest.raises(UnavailableError, match="503"):
            cluster.get(NODE)
        denial = {"verb": "get", "resource": "nodes"}
        assert pool.request("POST", f"{fake.url}/fake/denials", json=denial, headers=headers).status == 200
        with pytest.raises(RefusedError):
            cluster.get(NODE)
        assert pool.request("DELETE", f"{fake.url}/fake/denials", headers=headers).status == 200
        cluster.get(NODE)
        log = pool.request("GET", f"{fake.url}/fake/requests", headers=headers).json()
        assert [entry["status"] for entry in log] == [503, 403, 200]
        assert pool.request("POST", f"{fake.url}/fake/faults", json={"colour": 1}, headers=headers).status == 400
        assert pool.request("POST", f"{fake.url}/fake/faults", json=body).status == 403
