"""What a kubelet reports of a pod, and what it reads from one: values in, values out."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from failsoft.errors import RefusedError
from failsoft.lab.marks import JOB, MODEL, PORT

__all__ = ["Container", "annotate", "deletion_grace", "engine_arguments", "job_of", "pod_status", "served_model"]

type Json = dict[str, Any]

_ENGINE = ("failsoft-engine",)
_ENGINE_MODULE = ("python", "-m", "failsoft.lab.engine")


@dataclass(frozen=True, slots=True)
class Container:
    """The state of a pod's only container.

    Attributes:
        state: waiting (with `reason` and `message`), running, or terminated (with `exit_code`).
        started_at: when the process started, for running and terminated ones.
        finished_at: when it ended.
        ready: whether it takes requests.
        restarts: how often it was started again.
        last: the state before a restart.
    """

    state: Literal["waiting", "running", "terminated"]
    reason: str = ""
    message: str = ""
    exit_code: int = 0
    started_at: str = ""
    finished_at: str = ""
    ready: bool = False
    restarts: int = 0
    last: "Container | None" = None

    def as_json(self) -> Json:
        """A `ContainerState`."""
        match self.state:
            case "waiting":
                return {"waiting": {"reason": self.reason} | ({"message": self.message} if self.message else {})}
            case "running":
                return {"running": {"startedAt": self.started_at}}
            case "terminated":
                return {
                    "terminated": {
                        "exitCode": self.exit_code,
                        "reason": "Completed" if self.exit_code == 0 else "Error",
                        "startedAt": self.started_at,
                        "finishedAt": self.finished_at,
                    }
                }


def engine_arguments(pod: Json) -> list[str]:
    """The arguments of the simulated engine that the pod's first container runs.

    The lab's kubelet starts nothing else: its pods are objects that anybody with access to the cluster may write.

    Raises:
        RefusedError: the container's command is another one.
    """
    container = pod["spec"]["containers"][0]
    words = (*(container.get("command") or ()), *(container.get("args") or ()))
    for prefix in (_ENGINE, _ENGINE_MODULE):
        if words[: len(prefix)] == prefix:
            return list(words[len(prefix) :])
    raise RefusedError(
        f"the lab runs {_ENGINE[0]} and {' '.join(_ENGINE_MODULE)} only, not {' '.join(words) or 'nothing'}"
    )


def served_model(arguments: list[str]) -> str:
    """The value of `--model`.

    >>> served_model(["--model", "chat"]), served_model(["--slots=4", "--model=chat"]), served_model([])
    ('chat', 'chat', '')
    """
    for word, after in pairwise([*arguments, ""]):
        if word == "--model":
            return after
        if word.startswith("--model="):
            return word.removeprefix("--model=")
    return ""


def job_of(pod: Json) -> str:
    """The `job` label of the pod's series."""
    meta = pod["metadata"]
    return str((meta.get("annotations") or {}).get(JOB) or (meta.get("labels") or {}).get("app") or meta["name"])


def annotate(pod: Json, port: int, model: str) -> list[Json]:
    """The patch that tells the gateway where the pod's process listens and what it serves."""
    marks = {PORT: str(port), MODEL: model}
    if not pod["metadata"].get("annotations"):
        return [{"op": "add", "path": "/metadata/annotations", "value": marks}]
    return [
        {"op": "add", "path": f"/metadata/annotations/{key.replace('/', '~1')}", "value": value}
        for key, value in marks.items()
    ]


def deletion_grace(pod: Json) -> float | None:
    """Seconds that a deleted pod has from now on; None when it is not deleted."""
    meta = pod["metadata"]
    return float(meta.get("deletionGracePeriodSeconds") or 0) if meta.get("deletionTimestamp") else None


def pod_status(pod: Json, container: Container, now: str) -> Json:
    """The pod's whole status; conditions that others wrote stay, and unchanged ones keep their transition times."""
    old: Json = pod.get("status") or {}
    ready = "True" if container.ready else "False"
    wanted = {"Initialized": "True", "ContainersReady": ready, "Ready": ready}
    before = {condition["type"]: condition for condition in old.get("conditions") or ()}
    conditions = [condition for kind, condition in before.items() if kind not in wanted]
    for kind, value in wanted.items():
        same = kind in before and before[kind]["status"] == value
        since = before[kind].get("lastTransitionTime", now) if same else now
        conditions.append({"type": kind, "status": value, "lastTransitionTime": since})
    started = container.state == "running"
    spec = pod["spec"]["containers"][0]
    entry = {
        "name": spec["name"],
        "image": spec.get("image", ""),
        "imageID": "",
        "ready": container.ready,
        "started": started,
        "restartCount": container.restarts,
        "state": container.as_json(),
        "lastState": container.last.as_json() if container.last else {},
    }
    ever = started or container.restarts > 0 or old.get("phase") == "Running"
    return old | {
        "phase": "Running" if ever else "Pending",
        "conditions": conditions,
        "hostIP": "127.0.0.1",
        "podIP": "127.0.0.1",
        "podIPs": [{"ip": "127.0.0.1"}],
        "startTime": old.get("startTime", now),
        "containerStatuses": [entry],
    }
