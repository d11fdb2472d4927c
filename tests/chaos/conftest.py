"""A model on spot nodes, on the fake and on a real control plane, and what its nodes look like before and after."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from failsoft.chaos.clock import SystemClock
from failsoft.chaos.marks import LEASE, RUN
from failsoft.chaos.node_loss import NodeLoss
from failsoft.chaos.nodes import reclaim_taint
from failsoft.chaos.record import Record, Target
from failsoft.chaos.snapshot import Snapshot, take
from failsoft.clients.kubernetes import ApiCluster, Ref
from failsoft.errors import MissingPartError, NotFoundError
from failsoft.lab.parts.control_plane import control_plane
from failsoft.testing.kubernetes import (
    FakeKubelet,
    FakeKubernetes,
    deployment,
    disruption_budget,
    namespace,
    node,
)
from failsoft.workspace.quantities import ObjectName

type Json = dict[str, Any]

SPOT = {"karpenter.sh/capacity-type": "spot"}
_numbers = itertools.count(1)


def eventually[T](probe: Callable[[], T], *, within_s: float = 60.0) -> T:
    """The first true value of a probe; fails after a while."""
    ends = time.monotonic() + within_s
    while not (value := probe()):
        assert time.monotonic() < ends, f"still not so after {within_s} s"
        time.sleep(0.01)
    return value


class QuickClock:
    """A clock whose seconds pass at once, and one that yields so that the cluster's controllers get their turn."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.at = now

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        time.sleep(0.001)


@dataclass
class World:
    """A namespace with the model `chat` on spot nodes of its own."""

    cluster: ApiCluster
    where: str
    kubeconfig: Path
    nodes: list[str] = field(default_factory=list)
    eventually = staticmethod(eventually)

    @property
    def workload(self) -> ObjectName:
        return ObjectName(self.where, "chat")

    def settle(self, *, spot: int = 3, replicas: int = 2, grace_s: int = 30) -> None:
        """Make the nodes and the model, and wait until it is ready."""
        self.cluster.create(namespace(self.where, **{"failsoft.dev/chaos": "enabled"}))
        for number in range(spot):
            name = f"{self.where}-spot-{number}"
            self.cluster.create(node(name, labels=SPOT | {"pool": self.where}))
            self.nodes.append(name)
        eventually(lambda: all(self._seen_by_the_controllers(name) for name in self.nodes))
        pool = {"nodeSelector": {"pool": self.where}}
        self.cluster.create(deployment("chat", self.where, replicas=replicas, grace_s=grace_s, **pool))
        self.ready(replicas)

    def _seen_by_the_controllers(self, name: str) -> bool:
        found = self.node(name)
        keys = {taint["key"] for taint in found["spec"].get("taints") or ()}
        return not any(key.startswith("node.kubernetes.io/") for key in keys)

    def protect(self, **limits: int) -> None:
        self.cluster.create(disruption_budget("chat", self.where, app="chat", **limits))
        eventually(lambda: "disruptionsAllowed" in (self._budget().get("status") or {}) and self._fresh(self._budget()))

    def _budget(self) -> Json:
        return self.cluster.get(Ref("PodDisruptionBudget", "chat", self.where))

    @staticmethod
    def _fresh(obj: Json) -> bool:
        return obj["status"].get("observedGeneration") == obj["metadata"].get("generation")

    def unprotect(self) -> None:
        self.cluster.delete(Ref("PodDisruptionBudget", "chat", self.where))

    def ready(self, replicas: int) -> None:
        eventually(lambda: sum(pod.ready for pod in self.snapshot().pods) == replicas)

    def snapshot(self) -> Snapshot:
        return take(self.cluster, self.workload)

    def node(self, name: str) -> Json:
        return self.cluster.get(Ref("Node", name))

    def specs(self) -> dict[str, Json]:
        """The node specs, and what else a run writes on nodes: all that has to come back as it was."""
        return {
            name: {"spec": found["spec"], "mark": (found["metadata"].get("annotations") or {}).get(RUN)}
            for name in self.nodes
            if (found := self.node(name))
        }

    def settled_specs(self) -> dict[str, Json]:
        """The same once the cluster's own controllers have caught up with cordons."""

        def calm() -> dict[str, Json] | None:
            specs = self.specs()
            for each in specs.values():
                keys = {taint["key"] for taint in each["spec"].get("taints") or ()}
                if ("node.kubernetes.io/unschedulable" in keys) != bool(each["spec"].get("unschedulable")):
                    return None
            return specs

        return eventually(calm)

    def records(self) -> tuple[Json, ...]:
        return self.cluster.list("ConfigMap", namespace=self.where, labels=RUN)

    def lease(self) -> Json | None:
        try:
            return self.cluster.get(Ref("Lease", LEASE, self.where))
        except NotFoundError:
            return None

    def draft(self, run: str, nodes: list[str], *, now: float, notice_s: float = 5, hold_s: float = 10) -> Record:
        snapshot = self.snapshot()
        return Record(
            run=run,
            experiment="chat-spot-reclaim",
            model="chat",
            namespace=self.where,
            requester="ana",
            owner="test:1",
            nodes=tuple(Target(name, self.node(name)["metadata"]["uid"]) for name in nodes),
            pods=tuple(Target(pod.name, pod.uid) for pod in snapshot.pods_on(nodes)),
            taint=reclaim_taint(run),
            started_at=now,
            notice_until=now + notice_s,
            hold_until=now + notice_s + hold_s,
            undo_by=now + notice_s + hold_s + 30,
        )

    def steps(self, run: str, clock: SystemClock | QuickClock) -> NodeLoss:
        return NodeLoss(self.cluster, self.where, run, clock=clock)

    def busy_nodes(self) -> list[str]:
        return [seen.name for seen in self.snapshot().nodes]

    def remove(self) -> None:
        for kind in ("Deployment", "ReplicaSet"):
            for obj in self.cluster.list(kind, namespace=self.where):
                self._drop(Ref(kind, obj["metadata"]["name"], self.where))

        def no_pods() -> bool:
            for pod in self.cluster.list("Pod", namespace=self.where):
                self._drop(Ref("Pod", pod["metadata"]["name"], self.where), grace_seconds=0)
            return not self.cluster.list("Pod", namespace=self.where)

        eventually(no_pods)
        for name in self.nodes:
            self._drop(Ref("Node", name))
        self._drop(Ref("Namespace", self.where))

    def _drop(self, ref: Ref, **options: int) -> None:
        with contextlib.suppress(NotFoundError):
            self.cluster.delete(ref, **options)


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeKubernetes]:
    with FakeKubernetes() as fake, FakeKubelet(fake.cluster()):
        yield fake


@pytest.fixture(scope="session")
def fake_config(fake: FakeKubernetes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake.kubeconfig(tmp_path_factory.mktemp("fake") / "kubeconfig")


@pytest.fixture
def world(fake: FakeKubernetes, fake_config: Path) -> Iterator[World]:
    """On the fake."""
    made = World(fake.cluster(), f"chaos-{next(_numbers)}", fake_config)
    try:
        yield made
    finally:
        fake.clear_faults()
        fake.allow_all()
        made.remove()


@pytest.fixture(scope="session")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    try:
        plane = control_plane(tmp_path_factory.mktemp("control-plane"), node_grace_s=3600)
    except MissingPartError as error:
        pytest.skip(str(error))
    with plane, FakeKubelet(plane.cluster()):
        yield plane


@pytest.fixture
def real_world(control: Any) -> Iterator[World]:
    """On a real control plane."""
    made = World(control.cluster(), f"chaos-{next(_numbers)}", control.kubeconfig)
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(params=["world", pytest.param("real_world", marks=pytest.mark.real_kubernetes)])
def any_world(request: pytest.FixtureRequest) -> World:
    """On the fake, and on a real control plane."""
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def quick() -> QuickClock:
    return QuickClock()
