"""Watches: what they replay, what they follow, and how they end."""

import json
import threading
import time

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import UsageError


def named(events, name):
    return [e.type for e in events if e.object["metadata"]["name"] == name]


def test_a_watch_from_a_version_tells_everything_since(cluster, world):
    first = cluster.create(world.config_map(name="first"))
    second = cluster.create(world.config_map(name="second"))
    cluster.replace(second | {"data": {"colour": "blue"}})
    cluster.delete(Ref("ConfigMap", "second", world.where))
    since = first["metadata"]["resourceVersion"]
    watch = cluster.watch("ConfigMap", namespace=world.where, resource_version=since, timeout_s=60)
    seen = world.collect(watch, lambda e: e.type == "DELETED")
    assert named(seen, "first") == []
    assert named(seen, "second") == ["ADDED", "MODIFIED", "DELETED"]
    last = seen[-1].object
    assert last["data"] == {"colour": "blue"}
    versions = [int(event.object["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))


def test_a_watch_without_a_version_begins_with_what_there_is(cluster, world):
    cluster.create(world.config_map(name="first"))
    watch = cluster.watch("ConfigMap", namespace=world.where, timeout_s=60)
    seen = world.collect(watch, lambda e: e.object["metadata"]["name"] == "first")
    assert named(seen, "first") == ["ADDED"]


def test_a_watch_follows_what_happens_while_it_runs(cluster, world):
    start = cluster.create(world.config_map(name="start"))["metadata"]["resourceVersion"]
    watch = cluster.watch("ConfigMap", namespace=world.where, resource_version=start, timeout_s=60)
    timer = threading.Timer(0.2, lambda: cluster.create(world.config_map(name="later")))
    timer.start()
    seen = world.collect(watch, lambda e: e.object["metadata"]["name"] == "later")
    timer.join()
    assert seen[-1].type == "ADDED"
    assert seen[-1].object["kind"] == "ConfigMap"


def test_a_watch_keeps_to_its_namespace(cluster, world):
    start = cluster.create(world.config_map())["metadata"]["resourceVersion"]
    elsewhere = f"{world.where}-elsewhere"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere}})
    cluster.create(world.config_map(name="theirs", namespace=elsewhere))
    cluster.create(world.config_map(name="ours"))
    watch = cluster.watch("ConfigMap", namespace=world.where, resource_version=start, timeout_s=60)
    seen = world.collect(watch, lambda e: e.object["metadata"]["name"] == "ours")
    cluster.delete(Ref("Namespace", elsewhere))
    assert named(seen, "theirs") == []


def test_a_watch_ends_by_itself_after_its_time(cluster, world):
    start = time.monotonic()
    seen = list(cluster.watch("Lease", namespace=world.where, timeout_s=1))
    assert 0.9 <= time.monotonic() - start < 60
    assert [event for event in seen if event.type != "BOOKMARK"] == []


def test_closing_the_cluster_ends_its_watches(plane, world):
    mine = plane.cluster
    started, ended = threading.Event(), threading.Event()

    def follow() -> None:
        for _ in mine.watch("ConfigMap", namespace=world.where, timeout_s=60):
            started.set()
        ended.set()

    mine.create(world.config_map())
    thread = threading.Thread(target=follow)
    thread.start()
    assert started.wait(60)
    mine.close()
    assert ended.wait(60)
    thread.join()
    assert mine.get(Ref("ConfigMap", "settings", world.where))


def test_a_version_that_is_no_version_is_refused(plane):
    path = "/api/v1/configmaps?watch=true&timeoutSeconds=1&resourceVersion=yesterday"
    assert plane.raw("GET", path)[0] == 500


def test_a_watch_through_a_selector_sees_objects_come_and_go(plane, cluster, world):
    made = cluster.create(world.config_map(labels={"app": "chat"}))
    ref = Ref("ConfigMap", "settings", world.where)
    cluster.json_patch(ref, [{"op": "replace", "path": "/metadata/labels/app", "value": "code"}])
    cluster.json_patch(ref, [{"op": "replace", "path": "/metadata/labels/app", "value": "chat"}])
    since = made["metadata"]["resourceVersion"]
    query = f"watch=true&labelSelector=app%3Dchat&timeoutSeconds=1&resourceVersion={since}"
    answer = plane.pool.request(
        "GET",
        f"{plane.url}/api/v1/namespaces/{world.where}/configmaps?{query}",
        headers={"Authorization": f"Bearer {plane.token}"},
    )
    lines = [json.loads(line) for line in answer.data.splitlines()]
    assert [line["type"] for line in lines] == ["DELETED", "ADDED"]


def test_a_watch_of_an_unknown_kind_is_refused_before_it_starts(cluster):
    with pytest.raises(UsageError, match="Toaster"):
        next(cluster.watch("Toaster"))
