"""The API server without HTTP: create, read, change and delete, with what Kubernetes guarantees about each."""

import copy
import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from failsoft.testing.kubernetes import clock
from failsoft.testing.kubernetes.answers import (
    already_exists,
    bad_request,
    broken_patch,
    conflict,
    forbidden,
    invalid,
    not_found,
    server_error,
    success,
)
from failsoft.testing.kubernetes.defaults import fill_in, first_state
from failsoft.testing.kubernetes.resources import CRD, NAMESPACE, POD, Catalogue, Resource, Target
from failsoft.testing.kubernetes.store import Store
from failsoft.testing.kubernetes.validation import validate, validate_name, validate_update

__all__ = ["ApiServer"]

type Json = dict[str, Any]

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_FIXED_META = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_STARTING_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


class ApiServer:
    """Reads and writes, each checked, defaulted and versioned. Controllers use it too, as in a real cluster."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self.store = store
        self.catalogue = catalogue
        for name in _STARTING_NAMESPACES:
            self.create(Target(NAMESPACE), {"metadata": {"name": name}})

    def get(self, target: Target) -> Json:
        """The object, or the API's 404."""
        kind = target.resource.kind
        obj = self.store.get(target.resource, target.namespace, target.name)
        if obj is None:
            raise not_found(kind.group, kind.plural, target.name)
        return obj

    def create(self, target: Target, body: Json, *, dry_run: bool = False) -> Json:
        """POST."""
        resource, namespace, kind = target.resource, target.namespace, target.resource.kind
        obj = _typed(resource, body)
        meta = obj["metadata"]
        self._check_namespace(resource, namespace, meta)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
        validate_name(resource, meta.get("name", ""))
        if self.store.get(resource, namespace, meta["name"]) is not None:
            raise already_exists(kind.group, kind.plural, meta["name"])
        if meta.get("resourceVersion"):
            raise server_error("resourceVersion should not be set on objects to be created")
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"):
            meta.pop(field, None)
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": clock.stamp(clock.now())}
        if resource.generation:
            meta["generation"] = 1
        fill_in(resource, obj)
        validate(resource, obj)
        first_state(resource, obj)
        if dry_run:
            return obj
        if resource == CRD:
            self.catalogue.add(obj)
        return self.store.put(resource, obj)

    def update(self, target: Target, body: Json, *, dry_run: bool = False) -> Json:
        """PUT of the object or of its status."""
        resource = target.resource
        new, old = _typed(resource, body), self.get(target)
        self._check_precedence(target, new["metadata"], old)
        for field in _FIXED_META:
            new["metadata"].pop(field, None)
            if field in old["metadata"]:
                new["metadata"][field] = old["metadata"][field]
        new["metadata"].pop("generation", None)
        if "generation" in old["metadata"]:
            new["metadata"]["generation"] = old["metadata"]["generation"]
        if target.subresource == "status":
            new = old | {"status": new.get("status") or {}}
        else:
            if resource.status:
                new.pop("status", None)
                new |= {"status": old["status"]} if "status" in old else {}
            fill_in(resource, new)
            validate(resource, new)
            validate_update(resource, new, old)
            if resource.generation and _content(new) != _content(old):
                new["metadata"]["generation"] += 1
        if dry_run:
            return new
        return self._put(resource, new)

    def patch(self, target: Target, operations: Sequence[Json], *, dry_run: bool = False) -> Json:
        """PATCH with a JSON patch, of the object or of its status."""
        return self.update(target, apply_json_patch(self.get(target), operations), dry_run=dry_run)

    def delete(self, target: Target, options: Json, *, dry_run: bool = False) -> Json:
        """DELETE, with grace for pods and finalizers for all; what it owned goes later (background propagation)."""
        resource, name, kind, obj = target.resource, target.name, target.resource.kind, self.get(target)
        meta = obj["metadata"]
        wanted = options.get("preconditions") or {}
        for field, shown, remark in (
            ("uid", "UID", "The object might have been deleted and then recreated"),
            ("resourceVersion", "ResourceVersion", "The object might have been modified"),
        ):
            if wanted.get(field) and wanted[field] != meta[field]:
                why = f"the {shown} in the precondition ({wanted[field]}) does not match the {shown} in record"
                raise conflict(kind.group, kind.name, name, f"{why} ({meta[field]}). {remark}")
        if resource == POD and (kept := _graceful(obj, options.get("gracePeriodSeconds"))) is not None:
            return kept if dry_run else self.store.put(resource, kept)
        if resource == NAMESPACE or meta.get("finalizers"):
            kept = _terminating(resource, obj)
            return kept if dry_run else self.store.put(resource, kept)
        last = obj if dry_run else self._remove(resource, obj)
        if resource == POD:
            return last
        named = {"name": name, "group": kind.group, "kind": kind.plural, "uid": meta["uid"]}
        return success(details={key: value for key, value in named.items() if value})

    def _put(self, resource: Resource, obj: Json) -> Json:
        meta = obj["metadata"]
        waits = bool(meta.get("finalizers")) or meta.get("deletionGracePeriodSeconds", 0) > 0 or resource == NAMESPACE
        if meta.get("deletionTimestamp") and not waits:
            return self._remove(resource, obj)
        return self.store.put(resource, obj)

    def _remove(self, resource: Resource, obj: Json) -> Json:
        if resource == CRD:
            for custom in [r for r in self.catalogue if r.kind.plural == obj["spec"]["names"]["plural"] and r.custom]:
                for instance in list(self.store.list(custom)):
                    self.store.remove(custom, instance)
            self.catalogue.drop(obj)
        return self.store.remove(resource, obj)

    def finish_namespace(self, name: str) -> None:
        """Take an emptied, terminating namespace out."""
        self._remove(NAMESPACE, self.get(Target(NAMESPACE, name=name)))

    def _check_namespace(self, resource: Resource, namespace: str, meta: Json) -> None:
        if not resource.kind.namespaced:
            meta.pop("namespace", None)
            return
        if meta.setdefault("namespace", namespace) != namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        home = self.get(Target(NAMESPACE, name=namespace))
        if home["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise forbidden(resource.kind.group, resource.kind.plural, meta.get("name", ""), why)

    def _check_precedence(self, target: Target, meta: Json, old: Json) -> None:
        kind, name = target.resource.kind, target.name
        if meta.get("name") != name:
            shown = meta.get("name", "")
            raise bad_request(f"the name of the object ({shown}) does not match the name on the URL ({name})")
        if meta.get("uid") and meta["uid"] != old["metadata"]["uid"]:
            why = (
                f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {old['metadata']['uid']}"
            )
            raise conflict(kind.group, kind.plural, name, why)
        version = meta.get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(kind.group, kind.plural, name, _MODIFIED)
        if not version and not target.resource.unconditional:
            problem = "Invalid value: 0: must be specified for an update"
            raise invalid(kind.group, kind.plural, name, "metadata.resourceVersion", problem)


def apply_json_patch(document: Json, operations: Sequence[Json]) -> Json:
    """RFC 6902 as `evanphx/json-patch` v4 does it.

    There, a `test` for null holds where a member is absent, and `replace` adds a member that is absent.
    """
    import jsonpatch
    import jsonpointer

    result: Any = copy.deepcopy(document)
    try:
        for operation in operations:
            absent = jsonpointer.resolve_pointer(result, operation["path"], None) is None
            if operation.get("op") == "test" and operation.get("value") is None:
                if not absent:
                    raise broken_patch()
                continue
            adds = operation.get("op") == "replace" and absent
            result = jsonpatch.apply_patch(result, [operation | {"op": "add"} if adds else operation])
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError) as error:
        raise broken_patch() from error
    except AttributeError as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if not isinstance(result, dict):
        raise broken_patch()
    return result


def _typed(resource: Resource, body: Json) -> Json:
    kind = resource.kind
    for field, expected in (("kind", kind.name), ("apiVersion", kind.api_version)):
        if body.get(field, expected) != expected:
            raise bad_request(f"the {field} in the data ({body[field]}) does not match the expected one ({expected})")
    obj: Json = {"kind": kind.name, "apiVersion": kind.api_version} | copy.deepcopy(body)
    obj.setdefault("metadata", {})
    return obj


def _content(obj: Json) -> Json:
    return {key: value for key, value in obj.items() if key not in {"metadata", "status"}}


def _graceful(pod: Json, asked: int | None) -> Json | None:
    """The pod marked as terminating, or None when it goes at once (`rest.BeforeDelete`, `podStrategy`)."""
    meta, spec = pod["metadata"], pod["spec"]
    now = clock.now()
    if meta.get("deletionTimestamp"):
        current = meta["deletionGracePeriodSeconds"]
        if current == 0 or asked == 0:
            return None
        if asked is None or asked >= current:
            return pod
        due = max(clock.parse_stamp(meta["deletionTimestamp"]) + timedelta(seconds=asked - current), now)
        return pod | {"metadata": meta | {"deletionTimestamp": clock.stamp(due), "deletionGracePeriodSeconds": asked}}
    grace = spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked
    if not spec.get("nodeName") or pod["status"].get("phase") in {"Succeeded", "Failed"}:
        grace = 0
    grace = 1 if grace < 0 else grace
    if grace == 0:
        return None
    marks = {
        "deletionTimestamp": clock.stamp(now + timedelta(seconds=grace)),
        "deletionGracePeriodSeconds": grace,
        "generation": meta.get("generation", 0) + 1,
    }
    return pod | {"metadata": meta | marks}


def _terminating(resource: Resource, obj: Json) -> Json:
    marked = obj | {"metadata": {"deletionTimestamp": clock.stamp(clock.now())} | obj["metadata"]}
    if resource == POD:
        marked["metadata"]["deletionGracePeriodSeconds"] = 0
    if resource == NAMESPACE:
        marked["status"] = obj["status"] | {"phase": "Terminating"}
    return marked
