"""Event objects as controllers and the scheduler write them: two different shapes, as in a real cluster."""

import secrets
from typing import Any, Literal

from failsoft.testing.kubernetes import clock
from failsoft.testing.kubernetes.answers import ApiError
from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.resources import EVENT, Target

__all__ = ["controller_event", "scheduler_event"]

type Json = dict[str, Any]
type Level = Literal["Normal", "Warning"]


def controller_event(api: ApiServer, about: Json, component: str, reason: str, message: str) -> None:
    """A Normal event in the old shape: first and last time, a count and a source."""
    moment = clock.stamp(clock.now())
    times = {"firstTimestamp": moment, "lastTimestamp": moment, "count": 1, "eventTime": None}
    source = {"source": {"component": component}, "reportingComponent": component, "reportingInstance": ""}
    _write(api, about, {"type": "Normal", "reason": reason, "message": message} | times | source)


def scheduler_event(api: ApiServer, about: Json, level: Level, reason: str, message: str) -> None:
    """An event in the new shape, as `events.k8s.io/v1` shows in core: an event time, and empty old times and source."""
    times = {"firstTimestamp": None, "lastTimestamp": None, "eventTime": clock.micro_stamp(clock.now())}
    source = {"source": {}, "reportingComponent": "default-scheduler", "reportingInstance": "default-scheduler-fake"}
    action = "Binding" if reason == "Scheduled" else "Scheduling"
    _write(api, about, {"type": level, "reason": reason, "message": message, "action": action} | times | source)


def _write(api: ApiServer, about: Json, event: Json) -> None:
    meta = about["metadata"]
    namespace = meta.get("namespace") or "default"
    involved = {
        "kind": about["kind"],
        "namespace": meta.get("namespace", ""),
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": about["apiVersion"],
        "resourceVersion": meta["resourceVersion"],
    }
    name = f"{meta['name']}.{secrets.token_hex(8)}"
    try:
        api.create(Target(EVENT, namespace), {"metadata": {"name": name}, "involvedObject": involved} | event)
    except ApiError:
        # The namespace is going away; then nobody will read its events.
        return
