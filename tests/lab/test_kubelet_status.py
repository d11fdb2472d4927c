"""What the lab's kubelet reads from pods and writes about them."""

import json

import pytest

from failsoft.errors import RefusedError, UsageError
from failsoft.lab.kubelet import Node, write_targets
from failsoft.lab.kubelet.status import (
    Container,
    annotate,
    deletion_grace,
    engine_arguments,
    job_of,
    pod_status,
    served_model,
)

NOW, LATER = "2026-11-21T07:00:00Z", "2026-11-21T07:00:09Z"


def pod(**container):
    return {
        "metadata": {"name": "chat-1", "namespace": "prod", "uid": "u", "labels": {"app": "chat"}},
        "spec": {"nodeName": "spot-a", "containers": [{"name": "vllm", "image": "vllm:v0.32.0"} | container]},
        "status": {
            "phase": "Pending",
            "qosClass": "BestEffort",
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "then"}],
        },
    }


def conditions(status):
    return {each["type"]: (each["status"], each["lastTransitionTime"]) for each in status["conditions"]}


def test_a_pod_from_scheduled_to_ready_to_crashed():
    created = pod()
    starting = pod_status(created, Container("running", started_at=NOW), NOW)
    assert starting["phase"] == "Running"
    assert starting["qosClass"] == "BestEffort"
    assert conditions(starting)["PodScheduled"] == ("True", "then")
    assert conditions(starting)["Ready"] == ("False", NOW)

    ready = pod_status(created | {"status": starting}, Container("running", started_at=NOW, ready=True), LATER)
    assert conditions(ready)["Ready"] == ("True", LATER)
    assert conditions(ready)["Initialized"] == ("True", NOW)
    assert ready["startTime"] == NOW
    assert ready["podIP"] == "127.0.0.1"

    ended = Container("terminated", exit_code=137, started_at=NOW, finished_at=LATER)
    crashed = pod_status(
        created | {"status": ready},
        Container("waiting", "CrashLoopBackOff", "back-off 1s", restarts=1, last=ended),
        LATER,
    )
    [container] = crashed["containerStatuses"]
    assert crashed["phase"] == "Running"
    assert container["restartCount"] == 1
    assert container["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1s"}}
    assert container["lastState"]["terminated"]["exitCode"] == 137
    assert container["lastState"]["terminated"]["reason"] == "Error"


def test_only_the_simulated_engine_is_started():
    assert engine_arguments(pod(command=["failsoft-engine"], args=["--model=a"])) == ["--model=a"]
    module = ["python", "-m", "failsoft.lab.engine"]
    assert engine_arguments(pod(command=module, args=["--model", "a"])) == ["--model", "a"]
    for command in (["sh", "-c", "true"], ["python", "-m", "http.server"], []):
        with pytest.raises(RefusedError, match="only"):
            engine_arguments(pod(command=command))
    assert served_model(["--model", "a"]) == served_model(["--model=a"]) == "a"


def test_marks_leave_other_annotations_alone():
    assert annotate(pod(), 9000, "chat")[0]["value"] == {
        "failsoft.dev/lab-port": "9000",
        "failsoft.dev/lab-model": "chat",
    }
    marked = pod()
    marked["metadata"]["annotations"] = {"failsoft.dev/lab-job": "vllm-chat"}
    assert [each["path"] for each in annotate(marked, 9000, "chat")] == [
        "/metadata/annotations/failsoft.dev~1lab-port",
        "/metadata/annotations/failsoft.dev~1lab-model",
    ]
    assert job_of(marked) == "vllm-chat"
    assert job_of(pod()) == "chat"


def test_the_grace_of_a_deleted_pod():
    going = pod()
    assert deletion_grace(going) is None
    going["metadata"] |= {"deletionTimestamp": NOW, "deletionGracePeriodSeconds": 12}
    assert deletion_grace(going) == 12.0
    going["metadata"]["deletionGracePeriodSeconds"] = 0
    assert deletion_grace(going) == 0.0


def test_a_node_as_the_command_line_says_it():
    node = Node.parse("spot-a,gpus=2,karpenter.sh/capacity-type=spot,x=")

    assert node.manifest()["metadata"]["labels"] == {
        "kubernetes.io/hostname": "spot-a",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "karpenter.sh/capacity-type": "spot",
        "x": "",
    }
    assert node.status(())["allocatable"]["nvidia.com/gpu"] == "2"
    assert "nvidia.com/gpu" not in Node.parse("cpu").status(())["capacity"]
    for text in ("", ",gpus=1", "a,gpus=one", "a,=x"):
        with pytest.raises(UsageError, match="is no node"):
            Node.parse(text)


def test_a_ready_node_keeps_its_transition_time_and_the_conditions_of_others():
    old = [
        {"type": "Ready", "status": "True", "lastTransitionTime": "then", "lastHeartbeatTime": "then"},
        {"type": "GPUHealthy", "status": "False", "lastTransitionTime": "then"},
    ]
    found = {each["type"]: each for each in Node("a").status(old)["conditions"]}

    assert found["GPUHealthy"] == old[1]
    assert found["Ready"]["lastTransitionTime"] == "then"
    assert found["Ready"]["lastHeartbeatTime"] != "then"


def test_the_targets_of_prometheus_are_written_whole_and_only_when_they_change(tmp_path):
    path = tmp_path / "targets" / "pods.json"
    write_targets(path, [(pod(), 9000)])

    assert json.loads(path.read_text("utf-8")) == [
        {
            "targets": ["127.0.0.1:9000"],
            "labels": {"job": "chat", "namespace": "prod", "pod": "chat-1", "node": "spot-a"},
        }
    ]
    inode = path.stat().st_ino
    write_targets(path, [(pod(), 9000)])
    assert path.stat().st_ino == inode
    write_targets(path, [])
    assert json.loads(path.read_text("utf-8")) == []
    assert [each.name for each in path.parent.iterdir()] == ["pods.json"]
