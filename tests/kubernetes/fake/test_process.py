"""The fake as a process, its kubeconfig, and its start and end."""

import contextlib
import signal
import stat
import subprocess
import sys
import threading

import pytest

from failsoft.clients.kubernetes import Ref, connect
from failsoft.errors import RefusedError, UnavailableError
from failsoft.testing.kubernetes import FakeKubelet, FakeKubernetes, Pace, deployment, namespace, node


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_ready_serves_and_ends_when_asked(tmp_path, signal_number):
    kubeconfig = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "failsoft.testing.kubernetes", "--token", "t", "--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        ready, url = process.stdout.readline().split()
        assert ready == "ready"
        assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
        cluster = connect(kubeconfig)
        cluster.create(node("n"))
        assert cluster.get(Ref("Node", "n"))["kind"] == "Node"
        with pytest.raises(RefusedError, match="does not accept our credentials"):
            connect(url=url, token="wrong").get(Ref("Node", "n"))
        cluster.close()
        process.send_signal(signal_number)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_an_open_watch_does_not_hold_up_the_end():
    with FakeKubernetes() as fake:
        following = threading.Event()

        def follow():
            with contextlib.suppress(UnavailableError):
                for _ in fake.cluster().watch("Namespace", timeout_s=60):
                    following.set()

        thread = threading.Thread(target=follow)
        thread.start()
        assert following.wait(60)
    thread.join(60)
    assert not thread.is_alive()


def test_two_fakes_know_nothing_of_each_other():
    with FakeKubernetes() as one, FakeKubernetes() as other:
        one.load([node("n")])
        assert len(one.cluster().list("Node")) == 1
        assert other.cluster().list("Node") == ()


def test_pods_of_a_lost_node_are_collected_and_replaced_after_a_while():
    pace = Pace(pod_gc_s=0.3)
    with FakeKubernetes(pace=pace) as fake, FakeKubelet(fake.cluster()):
        fake.load([namespace("prod"), node("a"), node("b"), deployment("chat", "prod")])
        cluster = fake.cluster()

        def ready_on():
            for event in cluster.watch("Pod", namespace="prod", timeout_s=60):
                conditions = event.object.get("status", {}).get("conditions") or ()
                if any(c["type"] == "Ready" for c in conditions) and event.type != "DELETED":
                    yield event.object["spec"]["nodeName"]

        places = ready_on()
        first = next(places)
        cluster.delete(Ref("Node", first))
        second = next(place for place in places if place != first)
        assert {first, second} == {"a", "b"}


def test_the_kubelet_takes_its_time_when_told():
    with FakeKubernetes() as fake, FakeKubelet(fake.cluster(), starts_in_s=0.2, stops_in_s=0.2):
        cluster = fake.cluster()
        before = cluster.create(namespace("prod"))["metadata"]["resourceVersion"]
        fake.load([node("a"), deployment("chat", "prod")])
        phases = []
        for event in cluster.watch("Pod", namespace="prod", resource_version=before, timeout_s=60):
            phases.append(
                (event.object["status"]["phase"], "deletionTimestamp" in event.object["metadata"], event.type)
            )
            if event.object["status"]["phase"] == "Running" and not phases[-1][1]:
                cluster.delete(Ref("Deployment", "chat", "prod"))
            if event.type == "DELETED":
                break
        assert phases[0][0] == "Pending"
        assert ("Running", True, "MODIFIED") in phases
        assert phases[-1] == ("Running", True, "DELETED")
