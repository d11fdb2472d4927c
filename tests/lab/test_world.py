"""Kubelet, gateway and traffic as real processes against a cluster: from two pods to a drained replacement."""

import contextlib
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from failsoft.clients.kubernetes import ApiCluster, Ref
from failsoft.errors import NotFoundError
from failsoft.lab.parts import Process
from failsoft.lab.parts.control_plane import control_plane
from failsoft.testing.kubernetes import HTTP_ROUTE_CRD, FakeKubernetes

from .conftest import eventually

NODES = ("--node=spot-a,gpus=1,pool=spot", "--node=spot-b,gpus=1,pool=spot")
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "chat", "namespace": "prod"},
    "spec": {"rules": [{"backendRefs": [{"name": "chat", "weight": 1}]}]},
}


def deployment(*, arguments: tuple[str, ...] = (), replicas: int = 2):
    container = {
        "name": "vllm",
        "image": "vllm/vllm-openai:v0.32.0",
        "command": ["failsoft-engine"],
        "args": ["--model=chat-70b", "--slots=32", "--decode-tokens-per-s=50", *arguments],
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    template = {
        "metadata": {"labels": {"app": "chat"}, "annotations": {"failsoft.dev/lab-job": "vllm-chat"}},
        "spec": {"terminationGracePeriodSeconds": 10, "containers": [container]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "chat"}}, "template": template},
    }


class World:
    """A cluster, a kubelet that plays its nodes, and what a test asks about them."""

    def __init__(self, cluster: ApiCluster, kubeconfig: Path, root: Path, parts) -> None:
        self.cluster = cluster
        self.kubeconfig = kubeconfig
        self.targets = root / "targets.json"
        self._root = root
        self._parts = parts

    def kubelet(self) -> Process:
        where = (f"--kubeconfig={self.kubeconfig}", f"--home={self._root / 'kubelet'}", f"--targets={self.targets}")
        return self._parts("kubelet", "failsoft.lab.kubelet", *where, *NODES)

    def pods(self) -> dict[str, dict]:
        return {pod["metadata"]["name"]: pod for pod in self.cluster.list("Pod", namespace="prod")}

    def ready(self) -> set[str]:
        return {
            name
            for name, pod in self.pods().items()
            if not pod["metadata"].get("deletionTimestamp")
            for condition in pod["status"].get("conditions", ())
            if (condition["type"], condition["status"]) == ("Ready", "True")
        }

    def scraped(self) -> dict[str, str]:
        return {
            group["labels"]["pod"]: f"http://{group['targets'][0]}" for group in json.loads(self.targets.read_text())
        }

    def engines(self) -> set[int]:
        """The engines of this world that run now."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                mine = str(self._root) in (folder / "environ").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if mine and "failsoft.lab.engine" in words:
                found.add(int(folder.name))
        return found


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real_kubernetes)])
def access(request, tmp_path) -> Iterator[tuple[ApiCluster, Path]]:
    """A cluster and a kubeconfig for it: the shipped fake, or a real control plane of its own for each test."""
    if request.param == "fake":
        with FakeKubernetes() as fake:
            yield fake.cluster(), fake.kubeconfig(tmp_path / "kubeconfig")
    else:
        with control_plane(tmp_path / "control-plane") as plane:
            yield plane.cluster(), plane.kubeconfig


@pytest.fixture
def world(access, tmp_path, parts, monkeypatch):
    # How `engines` tells this test's processes from those of others that run at the same time.
    monkeypatch.setenv("FAILSOFT_TEST_WORLD", str(tmp_path))
    world = World(*access, tmp_path, parts)
    world.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
    yield world
    world.cluster.close()


def route(cluster: ApiCluster) -> bool:
    """Create the route, once its kind is known."""
    with contextlib.suppress(NotFoundError):
        return bool(cluster.create(ROUTE))
    return False


def test_two_pods_serve_traffic_and_a_deleted_one_is_drained_and_replaced(world, parts, port):
    world.cluster.create(HTTP_ROUTE_CRD)
    eventually(lambda: route(world.cluster))
    kubelet = world.kubelet()
    gateway = parts(
        "gateway", "failsoft.lab.gateway", f"--kubeconfig={world.kubeconfig}", "--route=prod/chat", f"--port={port}"
    )
    world.cluster.create(deployment())
    before = eventually(lambda: len(ready := world.ready()) == 2 and ready)
    assert {pod["spec"]["nodeName"] for pod in world.pods().values()} == {"spot-a", "spot-b"}
    assert {node["status"]["allocatable"]["nvidia.com/gpu"] for node in world.cluster.list("Node")} == {"1"}
    assert len(world.cluster.list("Lease", namespace="kube-node-lease")) == 2

    url = f"http://127.0.0.1:{port}"
    eventually(lambda: urllib.request.urlopen(f"{url}/v1/models", timeout=5).status == 200)
    traffic = parts("traffic", "failsoft.lab.traffic", f"--url={url}", "--model=chat-70b", "--max-tokens=48")
    eventually(lambda: all(running(world.scraped()[pod]) for pod in before))

    victim = min(before)
    world.cluster.delete(Ref("Pod", victim, "prod"))
    eventually(lambda: victim not in world.pods())
    after = eventually(lambda: len(ready := world.ready()) == 2 and ready)
    assert len(after & before) == 1
    eventually(lambda: all(running(url) for url in world.scraped().values()))
    assert set(world.scraped()) == after

    eventually(lambda: sum(json.loads(line)["ok"] for line in traffic.log_tail().splitlines()) > 10)
    traffic.stop(60.0)
    last = json.loads(traffic.log_tail().splitlines()[-1])
    assert last["failed"] == {}
    assert last["ok"] > 10

    assert gateway.stop(60.0) == 0
    assert len(world.engines()) == 2
    assert kubelet.stop(60.0) == 0
    assert world.engines() == set()
    assert json.loads(world.targets.read_text()) == []


def running(url: str) -> bool:
    """Does the engine hold requests right now?"""
    text = urllib.request.urlopen(f"{url}/metrics", timeout=5).read().decode()
    [line] = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running{")]
    return float(line.rpartition(" ")[2]) > 0


def test_a_crashed_engine_is_restarted_and_a_killed_kubelet_leaves_nothing_for_the_next(world):
    kubelet = world.kubelet()
    world.cluster.create(deployment(replicas=1))
    [name] = eventually(world.ready)
    [engine] = world.engines()

    os.kill(engine, signal.SIGKILL)
    eventually(lambda: world.pods()[name]["status"]["containerStatuses"][0]["restartCount"] == 1)
    [container] = world.pods()[name]["status"]["containerStatuses"]
    assert container["lastState"]["terminated"]["exitCode"] == 137
    eventually(world.ready)
    [second] = world.engines()
    assert second != engine

    os.kill(kubelet.pid, signal.SIGKILL)
    assert kubelet.wait(60)
    assert world.engines() == {second}
    again = world.kubelet()
    eventually(lambda: world.engines() - {second} and second not in world.engines())
    eventually(lambda: world.pods()[name]["status"]["containerStatuses"][0]["restartCount"] == 2)
    eventually(world.ready)

    assert again.stop(60.0) == 0
    assert world.engines() == set()


def test_what_is_no_engine_is_not_started_and_can_be_deleted(world):
    world.kubelet()
    other = deployment(replicas=1)
    other["spec"]["template"]["spec"]["containers"][0]["command"] = ["sh", "-c", "sleep 60"]
    world.cluster.create(other)

    def waiting():
        for pod in world.pods().values():
            for container in pod["status"].get("containerStatuses", ()):
                return container["state"].get("waiting", {}).get("reason") == "CreateContainerError"
        return False

    eventually(waiting)
    assert world.engines() == set()
    [name] = world.pods()
    world.cluster.scale(Ref("Deployment", "chat", "prod"), 0)
    eventually(lambda: name not in world.pods())


def test_a_cordon_and_a_taint_of_others_survive_the_kubelet(world):
    first = world.kubelet()
    eventually(lambda: len(world.cluster.list("Lease", namespace="kube-node-lease")) == 2)
    ref = Ref("Node", "spot-a")
    taint = {"key": "aws-node-termination-handler/spot-itn", "value": "x", "effect": "NoSchedule"}
    eventually(lambda: not world.cluster.get(ref)["spec"].get("taints"))
    spec = {"unschedulable": True, "taints": [taint]}
    world.cluster.json_patch(
        ref, [{"op": "add", "path": f"/spec/{key}", "value": value} for key, value in spec.items()]
    )

    def told():
        # the control plane's own controller marks a cordoned node too, in its own time
        node = world.cluster.get(ref)["spec"]
        return [node["unschedulable"], [mark for mark in node["taints"] if mark["key"] == taint["key"]]]

    before = told()
    first.stop(60.0)
    beat = world.cluster.get(Ref("Lease", "spot-a", "kube-node-lease"))["spec"]["renewTime"]
    world.kubelet()
    eventually(lambda: world.cluster.get(Ref("Lease", "spot-a", "kube-node-lease"))["spec"]["renewTime"] != beat)
    assert told() == before == [True, [taint]]
