"""The cluster behind a real API server."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, override

from failsoft.clients.kubernetes.answers import Answer, error_of
from failsoft.clients.kubernetes.port import KINDS, Cluster, Json, Kind, Ref, WatchEvent, WatchEventType
from failsoft.clients.kubernetes.wire import Call, Wire, configure
from failsoft.errors import UnavailableError, UsageError

__all__ = ["ApiCluster", "connect"]

_JSON_PATCH = "application/json-patch+json"
_WATCH_SLACK_S = 10.0


def connect(  # noqa: PLR0913 (each names another way to reach a cluster)
    kubeconfig: Path | None = None,
    context: str | None = None,
    *,
    url: str = "",
    token: str = "",
    ca_file: Path | None = None,
    timeout_s: float = 10.0,
) -> "ApiCluster":
    """A cluster by kubeconfig and context, or by URL and bearer token.

    With neither: kubectl's default kubeconfig (`KUBECONFIG`, `~/.kube/config`), else the service account of our pod.

    Args:
        kubeconfig: a kubeconfig file.
        context: one of its contexts; its current one by default.
        url: the API server, such as `https://10.0.0.1:6443`; with it, no kubeconfig is read.
        token: a bearer token for `url`.
        ca_file: the certificate authorities (PEM) to trust for `url`; the system's by default.
        timeout_s: seconds to wait for an answer.

    Raises:
        UsageError: the configuration is absent or cannot be read.
        MissingPartError: the `kubernetes` library is not installed.
    """
    return ApiCluster(Wire(configure(kubeconfig, context, url=url, token=token, ca_file=ca_file), timeout_s=timeout_s))


class ApiCluster(Cluster):
    """A `Cluster` over HTTP. Safe to use from several threads."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __repr__(self) -> str:
        return f"ApiCluster({self._wire.host!r})"

    def close(self) -> None:
        """End the running watches, in other threads too, and close the connections; the cluster can still be used."""
        self._wire.close()

    @override
    def get(self, ref: Ref) -> Json:
        return self._wire.send(Call("GET", _path(ref), f"read {ref}"))

    @override
    def list(self, kind: str, *, namespace: str = "", labels: str = "", fields: str = "") -> tuple[Json, ...]:
        resource = _kind(kind)
        query = {key: value for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value}
        doing = f"list {resource.plural}{_in(namespace)}"
        answer = self._wire.send(Call("GET", _collection(resource, namespace), doing, query))
        # The API server leaves both out of the items of its own kinds.
        named = {"apiVersion": resource.api_version, "kind": kind}
        return tuple(named | item for item in answer.get("items") or ())

    @override
    def create(self, obj: Json, *, dry_run: bool = False) -> Json:
        kind, meta = _kind_of(obj), obj.get("metadata", {})
        ref = Ref(kind.name, meta.get("name") or f"{meta.get('generateName', '')}*", _namespace(kind, meta))
        path = _collection(kind, ref.namespace)
        return self._wire.send(Call("POST", path, f"create {ref}", _dry_run(dry_run), obj))

    @override
    def replace(self, obj: Json, *, dry_run: bool = False) -> Json:
        ref = _ref(obj)
        return self._wire.send(Call("PUT", _path(ref), f"replace {ref}", _dry_run(dry_run), obj))

    @override
    def json_patch(self, ref: Ref, operations: Sequence[Json], *, dry_run: bool = False) -> Json:
        return self._wire.send(
            Call("PATCH", _path(ref), f"patch {ref}", _dry_run(dry_run), tuple(operations), _JSON_PATCH)
        )

    @override
    def patch_status(self, ref: Ref, operations: Sequence[Json]) -> Json:
        doing = f"patch the status of {ref}"
        return self._wire.send(Call("PATCH", f"{_path(ref)}/status", doing, {}, tuple(operations), _JSON_PATCH))

    @override
    def delete(self, ref: Ref, *, grace_seconds: int | None = None, uid: str = "", dry_run: bool = False) -> None:
        options = _delete_options(grace_seconds, dry_run=dry_run)
        if uid:
            options["preconditions"] = {"uid": uid}
        self._wire.send(Call("DELETE", _path(ref), f"delete {ref}", body=options))

    @override
    def evict(self, ref: Ref, *, grace_seconds: int | None = None, dry_run: bool = False) -> None:
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "deleteOptions": _delete_options(grace_seconds, dry_run=dry_run),
        }
        self._wire.send(Call("POST", f"{_path(ref)}/eviction", f"evict {ref}", body=eviction))

    @override
    def scale(self, ref: Ref, replicas: int, *, resource_version: str = "", dry_run: bool = False) -> Json:
        meta = {"name": ref.name, "namespace": ref.namespace}
        if resource_version:
            meta["resourceVersion"] = resource_version
        body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": {"replicas": replicas}}
        doing = f"scale {ref} to {replicas}"
        return self._wire.send(Call("PUT", f"{_path(ref)}/scale", doing, _dry_run(dry_run), body))

    @override
    def allowed(self, verb: str, kind: str, *, namespace: str = "", subresource: str = "") -> bool:
        resource = _kind(kind)
        attributes = {"verb": verb, "group": resource.group, "resource": resource.plural, "namespace": namespace}
        if subresource:
            attributes["subresource"] = subresource
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self._wire.send(Call("POST", path, f"say whether we may {verb} {resource.plural}", body=review))
        return answer.get("status", {}).get("allowed") is True

    @override
    def watch(
        self, kind: str, *, namespace: str = "", resource_version: str = "", timeout_s: int = 60
    ) -> Iterator[WatchEvent]:
        doing = f"watch {_kind(kind).plural}{_in(namespace)}"
        query = {"watch": "true", "timeoutSeconds": str(timeout_s), "allowWatchBookmarks": "true"}
        if resource_version:
            query["resourceVersion"] = resource_version
        call = Call("GET", _collection(_kind(kind), namespace), doing, query)
        for line in self._wire.lines(call, silence_s=timeout_s + _WATCH_SLACK_S):
            yield _event(line, doing)


def _event(line: bytes, doing: str) -> WatchEvent:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise UnavailableError(f"the cluster broke off while asked to {doing}") from error
    if document.get("type") not in get_args(WatchEventType.__value__):
        raise error_of(Answer.of_status(document.get("object") or {}), doing)
    return WatchEvent(document["type"], document["object"])


def _kind(name: str) -> Kind:
    try:
        return KINDS[name]
    except KeyError:
        raise UsageError(
            f"failsoft does not work on objects of the kind {name!r}, only on {', '.join(KINDS)}"
        ) from None


def _kind_of(obj: Mapping[str, Any]) -> Kind:
    return _kind(str(obj.get("kind", "")))


def _namespace(kind: Kind, meta: Mapping[str, Any]) -> str:
    return str(meta.get("namespace") or "default") if kind.namespaced else ""


def _ref(obj: Mapping[str, Any]) -> Ref:
    kind, meta = _kind_of(obj), obj.get("metadata", {})
    return Ref(kind.name, str(meta.get("name", "")), _namespace(kind, meta))


def _collection(kind: Kind, namespace: str) -> str:
    where = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
    return f"{kind.root}{where}/{kind.plural}"


def _path(ref: Ref) -> str:
    kind = _kind(ref.kind)
    if not ref.name or "/" in ref.name or (kind.namespaced and not ref.namespace):
        raise UsageError(f"{ref} does not name one object: it needs a name{' and a namespace' * kind.namespaced}")
    return f"{_collection(kind, ref.namespace)}/{ref.name}"


def _in(namespace: str) -> str:
    return f" in {namespace}" if namespace else ""


def _dry_run(wanted: bool) -> dict[str, str]:  # noqa: FBT001 (handed on from a keyword)
    return {"dryRun": "All"} if wanted else {}


def _delete_options(grace_seconds: int | None, *, dry_run: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
    if grace_seconds is not None:
        options["gracePeriodSeconds"] = grace_seconds
    if dry_run:
        options["dryRun"] = ["All"]
    return options
