"""Who owns what: `ownerReferences`, as controllers write and read them."""

from collections.abc import Iterator
from typing import Any

from failsoft.testing.kubernetes.resources import Resource
from failsoft.testing.kubernetes.store import Store

__all__ = ["controller_of", "owned", "owner_reference"]

type Json = dict[str, Any]


def owner_reference(owner: Json) -> Json:
    """The reference by which a controller marks what it made."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Json) -> Json | None:
    """The reference to the object's controller, or None."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def owned(store: Store, resource: Resource, owner: Json) -> Iterator[Json]:
    """The objects of a resource that this object controls."""
    for obj in store.list(resource, owner["metadata"].get("namespace", "")):
        reference = controller_of(obj)
        if reference is not None and reference["uid"] == owner["metadata"]["uid"]:
            yield obj
