"""The step `inspect`: the model's pods, their nodes and the events about them, for the thread."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from failsoft.clients.kubernetes import Json, Ref
from failsoft.errors import NotFoundError, PermanentError
from failsoft.runbooks.interpreter.context import StepContext
from failsoft.workspace.kinds.runbook import Inspect
from failsoft.workspace.quantities import Duration

__all__ = ["inspect"]

_SHOWN = 10


def inspect(context: StepContext, spec: Inspect) -> str:
    """Read the cluster, and tell what is not as it should be."""
    model = context.of_model
    workload = model.spec.workload
    if workload is None:
        raise PermanentError(f"the model {model.name} names no workload to look at")
    namespace = workload.deployment.namespace
    cluster = context.world.cluster
    deployment = cluster.get(Ref("Deployment", workload.deployment.name, namespace))
    pods = cluster.list("Pod", namespace=namespace, labels=_selector(deployment))
    told = [_replicas(deployment)]
    if spec.pods:
        told += _first([_pod(pod) for pod in pods if not _ready(pod)], "pod")
    if spec.nodes:
        told += _nodes(context, pods)
    if spec.events is not None:
        events = cluster.list("Event", namespace=namespace)
        told += _events(events, workload.deployment.name, pods, spec.events)
    return "\n".join(told)


def _selector(deployment: Json) -> str:
    selector = deployment.get("spec", {}).get("selector") or {}
    parts = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        key, operator, values = one["key"], one["operator"], ",".join(one.get("values") or ())
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[operator]
        )
    if not parts:
        # An empty selector would mean every pod of the namespace.
        raise PermanentError("the deployment selects no pods")
    return ",".join(parts)


def _replicas(deployment: Json) -> str:
    name = deployment["metadata"]["name"]
    wanted = deployment.get("spec", {}).get("replicas", 1)
    ready = (deployment.get("status") or {}).get("readyReplicas", 0)
    return f"Deployment {name}: {ready} of {wanted} replicas ready"


def _ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    leaving = "deletionTimestamp" in pod["metadata"]
    return not leaving and any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _pod(pod: Json) -> str:
    status = pod.get("status") or {}
    reasons = [
        one.get("reason") or one.get("type", "")
        for one in status.get("conditions") or ()
        if one.get("status") == "False" and one.get("type") == "PodScheduled"
    ]
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        reasons += [waiting["reason"]] if waiting.get("reason") else []
    leaving = ["Terminating"] if "deletionTimestamp" in pod["metadata"] else []
    why = ", ".join([*leaving, *reasons]) or "not ready"
    where = (pod.get("spec") or {}).get("nodeName")
    return f"Pod {pod['metadata']['name']}: {status.get('phase', 'Unknown')}, {why}" + (
        f", on {where}" if where else ""
    )


def _nodes(context: StepContext, pods: Iterable[Json]) -> list[str]:
    lines = []
    for name in sorted({str(pod["spec"]["nodeName"]) for pod in pods if pod.get("spec", {}).get("nodeName")}):
        try:
            node = context.world.cluster.get(Ref("Node", name))
        except NotFoundError:
            lines.append(f"Node {name}: gone")
            continue
        spec, conditions = node.get("spec") or {}, (node.get("status") or {}).get("conditions") or ()
        wrong = ["cordoned"] if spec.get("unschedulable") else []
        wrong += [f"taint {taint.get('key')}" for taint in spec.get("taints") or ()]
        ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
        wrong += [] if ready or not conditions else ["not ready"]
        if wrong:
            lines.append(f"Node {name}: {', '.join(wrong)}")
    return _first(lines, "node")


def _events(events: Iterable[Json], deployment: str, pods: Iterable[Json], past: Duration) -> list[str]:
    names = {deployment} | {pod["metadata"]["name"] for pod in pods}
    since = datetime.now(UTC) - timedelta(seconds=past.seconds)
    counted: Counter[str] = Counter()
    for event in events:
        about = (event.get("involvedObject") or {}).get("name", "")
        owned = about in names or about.startswith(f"{deployment}-")
        if owned and event.get("type") != "Normal" and _when(event) >= since:
            counted[f"{event.get('reason', '')}: {event.get('message', '')}"[:200]] += int(event.get("count") or 1)
    return _first([f"Event {text}" + (f" ({n} times)" if n > 1 else "") for text, n in counted.most_common()], "event")


def _when(event: Json) -> datetime:
    written = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    try:
        return datetime.fromisoformat(str(written))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _first(lines: list[str], what: str) -> list[str]:
    more = len(lines) - _SHOWN
    return lines[:_SHOWN] + ([f"and {more} more {what}s"] if more > 0 else [])
