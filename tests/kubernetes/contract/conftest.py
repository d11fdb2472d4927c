"""The two clusters that keep one contract: the shipped fake, and a real control plane."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3

from failsoft.clients.kubernetes import ApiCluster, Ref, WatchEvent
from failsoft.errors import MissingPartError, NotFoundError
from failsoft.lab.parts.control_plane import control_plane
from failsoft.testing.kubernetes import Denial, FakeKubelet, FakeKubernetes, namespace, node

type Json = dict[str, Any]

STRANGER = "strangers-token"
UNMINDED = {"kubelet": "none"}
_numbers = itertools.count(1)


def minded(pod: Json) -> bool:
    """The kubelet leaves pods with this label alone, so that a test can play it."""
    return (pod["metadata"].get("labels") or {}).get("kubelet") != "none"


def eventually[T](probe: Callable[[], T], *, within_s: float = 20.0) -> T:
    """The first true value of a probe; fails after a while."""
    ends = time.monotonic() + within_s
    while not (value := probe()):
        assert time.monotonic() < ends, f"still not so after {within_s} s: {probe}"
        time.sleep(0.02)
    return value


def collect(events: Iterator[WatchEvent], enough: Callable[[WatchEvent], bool]) -> list[WatchEvent]:
    """Events up to the first that is enough."""
    seen = []
    for event in events:
        seen.append(event)
        if enough(event):
            return seen
    raise AssertionError(f"the watch ended before that: {[(e.type, e.object['metadata']['name']) for e in seen]}")


@dataclass
class Plane:
    """A cluster under the contract; `raw` shows what goes over the wire."""

    name: str
    cluster: ApiCluster
    stranger: Callable[[], contextlib.AbstractContextManager[ApiCluster]]
    url: str
    token: str
    pool: urllib3.PoolManager

    def raw(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> tuple[int, Json]:
        answer = self.pool.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
            retries=False,
            timeout=10,
        )
        return answer.status, json.loads(answer.data)


@pytest.fixture(scope="session")
def fake_plane() -> Iterator[Plane]:
    with FakeKubernetes() as fake, FakeKubelet(fake.cluster(), minds=minded), urllib3.PoolManager() as pool:

        @contextlib.contextmanager
        def stranger() -> Iterator[ApiCluster]:
            fake.deny(Denial("*"))
            try:
                yield fake.cluster()
            finally:
                fake.allow_all()

        yield Plane("fake", fake.cluster(), stranger, fake.url, fake.token, pool)


@pytest.fixture(scope="session")
def real_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    folder = tmp_path_factory.mktemp("control-plane")
    try:
        # Nodes here have nobody who reports for them, and several are lost in quick succession.
        flags = {"kube-controller-manager": {"node-eviction-rate": "10"}}
        plane = control_plane(folder, node_grace_s=3600, users={"stranger": STRANGER}, flags=flags)
    except MissingPartError as error:
        pytest.skip(str(error))
    with contextlib.ExitStack() as stack:
        stack.enter_context(plane)
        pool = stack.enter_context(urllib3.PoolManager(ca_certs=str(plane.ca_file)))
        stack.enter_context(FakeKubelet(plane.cluster(), minds=minded))

        @contextlib.contextmanager
        def stranger() -> Iterator[ApiCluster]:
            yield plane.cluster(token=STRANGER)

        yield Plane("real", plane.cluster(), stranger, plane.url, plane.token, pool)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real_kubernetes)])
def plane(request: pytest.FixtureRequest) -> Plane:
    found: Plane = request.getfixturevalue(f"{request.param}_plane")
    return found


@pytest.fixture
def cluster(plane: Plane) -> ApiCluster:
    return plane.cluster


@dataclass
class World:
    """A namespace and nodes of one test's own, gone after it."""

    cluster: ApiCluster
    where: str
    nodes: list[str] = field(default_factory=list)
    unminded = UNMINDED
    eventually = staticmethod(eventually)
    collect = staticmethod(collect)

    def add_nodes(self, count: int, **options: Any) -> list[str]:
        added = [f"{self.where}-node-{len(self.nodes) + number}" for number in range(count)]
        for name in added:
            self.cluster.create(node(name, **options))
            self.nodes.append(name)
        for name in added:
            eventually(lambda name=name: self._is_settled(name))
        return added

    def _is_settled(self, name: str) -> bool:
        """Whether the controllers have seen the new node: they take its first taint off and annotate it."""
        node = self.node(name)
        taints = {taint["key"] for taint in node["spec"].get("taints") or ()}
        return "node.kubernetes.io/not-ready" not in taints and bool(node["metadata"].get("annotations"))

    def node(self, name: str) -> Json:
        return self.cluster.get(Ref("Node", name))

    def pods(self, labels: str = "") -> tuple[Json, ...]:
        return self.cluster.list("Pod", namespace=self.where, labels=labels)

    def ready_pods(self, count: int, labels: str = "") -> list[Json]:
        def probe() -> list[Json]:
            ready = [pod for pod in self.pods(labels) if is_ready(pod) and "deletionTimestamp" not in pod["metadata"]]
            return ready if len(ready) == count else []

        return eventually(probe)

    def pod(self, name: str) -> Json:
        return self.cluster.get(Ref("Pod", name, self.where))

    def bare_pod(self, name: str, node_name: str = "", **meta: Any) -> Json:
        spec: Json = {"containers": [{"name": "c", "image": "example.invalid/c:1"}]}
        if node_name:
            spec["nodeName"] = node_name
        labels = meta.pop("labels", {})
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.where, "labels": labels, **meta},
            "spec": spec,
        }

    def config_map(self, name: str = "settings", **meta: Any) -> Json:
        metadata = {"name": name, "namespace": self.where, **meta}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"colour": "red"}}

    def remove(self) -> None:
        for kind in ("Deployment", "ReplicaSet"):
            for obj in self.cluster.list(kind, namespace=self.where):
                with contextlib.suppress(NotFoundError):
                    self.cluster.delete(Ref(kind, obj["metadata"]["name"], self.where))

        def no_pods() -> bool:
            for pod in self.pods():
                with contextlib.suppress(NotFoundError):
                    self.cluster.delete(Ref("Pod", pod["metadata"]["name"], self.where), grace_seconds=0)
            return not self.cluster.list("ReplicaSet", namespace=self.where) and not self.pods()

        eventually(no_pods)
        for name in self.nodes:
            with contextlib.suppress(NotFoundError):
                self.cluster.delete(Ref("Node", name))
        with contextlib.suppress(NotFoundError):
            self.cluster.delete(Ref("Namespace", self.where))


@pytest.fixture
def world(cluster: ApiCluster) -> Iterator[World]:
    made = World(cluster, f"test-{next(_numbers)}")
    cluster.create(namespace(made.where))
    yield made
    made.remove()


def is_ready(obj: Json) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in obj["status"].get("conditions") or ())
