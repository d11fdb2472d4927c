"""The lab's kubelet: a real process for every pod on its nodes, and a list of them for Prometheus."""

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from failsoft.clients.kubernetes import ApiCluster
from failsoft.lab.kubelet.nodes import Heartbeat, Node
from failsoft.lab.kubelet.status import deletion_grace, job_of
from failsoft.lab.kubelet.worker import Home, PodWorker
from failsoft.lab.mirror import Mirror
from failsoft.lab.parts import reap_leftovers

__all__ = ["Kubelet", "write_targets"]

type Json = dict[str, Any]

_OVER = frozenset({"Succeeded", "Failed"})


class Kubelet:
    """Plays the kubelets of some nodes until told to stop.

    Args:
        connect: makes clients; each thread that needs one has its own.
        nodes: the nodes.
        home: a folder for logs and for the registry of processes.
        targets: the file for Prometheus' `file_sd_configs`; none when absent.
    """

    def __init__(
        self, connect: Callable[[], ApiCluster], nodes: Sequence[Node], *, home: Path, targets: Path | None = None
    ) -> None:
        self._connect = connect
        self._nodes = nodes
        self._names = frozenset(node.name for node in nodes)
        self._targets = targets
        self._workers: dict[str, PodWorker] = {}
        self._news = threading.Event()
        self._home = Home(home / "logs", home / "processes", self._news.set)
        self._over = threading.Event()

    def stop(self) -> None:
        """Have `run` end; may be called from a signal handler or another thread."""
        self._over.set()
        self._news.set()

    def run(self) -> None:
        """Ends what an earlier life left running, then follows the cluster until `stop`, then ends every process."""
        reap_leftovers(self._home.registry)
        cluster = self._connect()
        try:
            with (
                Heartbeat(cluster, self._nodes),
                Mirror(self._connect(), "Pod", changed=self._news.set) as pods,
            ):
                while not self._over.is_set():
                    self._news.wait()
                    self._news.clear()
                    self._reconcile(cluster, pods.objects)
        finally:
            for worker in self._workers.values():
                worker.shut_down()
            for worker in self._workers.values():
                worker.join()
            self._workers.clear()
            self._write_targets()
            cluster.close()

    def _reconcile(self, cluster: ApiCluster, pods: Sequence[Json]) -> None:
        ours = {
            pod["metadata"]["uid"]: pod
            for pod in pods
            if pod["spec"].get("nodeName") in self._names and (pod.get("status") or {}).get("phase") not in _OVER
        }
        for uid, worker in tuple(self._workers.items()):
            if uid not in ours:
                worker.vanish()
                if worker.over:
                    del self._workers[uid]
        for uid, pod in ours.items():
            if uid not in self._workers:
                self._workers[uid] = PodWorker(cluster, pod, self._home)
                self._workers[uid].start()
            if (grace := deletion_grace(pod)) is not None:
                self._workers[uid].delete(grace)
        self._write_targets()

    def _write_targets(self) -> None:
        if self._targets is not None:
            write_targets(self._targets, [(each.pod, each.port) for each in self._workers.values() if each.port])


def write_targets(path: Path, running: Sequence[tuple[Json, int]]) -> None:
    """The file for Prometheus' `file_sd_configs`, whole or not at all: pods and the ports of their processes."""
    groups = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {
                "job": job_of(pod),
                "namespace": pod["metadata"]["namespace"],
                "pod": pod["metadata"]["name"],
                "node": pod["spec"]["nodeName"],
            },
        }
        for pod, port in sorted(running, key=lambda each: str(each[0]["metadata"]["name"]))
    ]
    content = json.dumps(groups, indent=1)
    if path.exists() and path.read_text("utf-8") == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".tmp")
    half.write_text(content, "utf-8")
    half.replace(path)
