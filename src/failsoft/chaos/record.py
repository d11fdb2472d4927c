"""The undo record of a run: what will be changed, what was there before, and until when it may stay changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, TypedDict

from pydantic import ConfigDict, TypeAdapter

from failsoft.chaos.clock import rfc3339
from failsoft.chaos.marks import MANAGED_BY, RUN, record_name
from failsoft.clients.kubernetes import Json
from failsoft.errors import PermanentError

__all__ = ["Entry", "Record", "Taint", "Target"]

_DATA = "record.json"
_STOP = "failsoft.dev/stop"


class Taint(TypedDict):
    """A taint as the API writes it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Target:
    """One object that a run may touch; another object of the same name has another uid and is left alone."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One change that can be undone.

    Attributes:
        node: the name of the node.
        uid: its uid.
        field: the JSON pointer of what changes, such as `/spec/unschedulable`.
        before: its value before; None where there was none.
        after: its value after; for a list field, the item that is added.
    """

    node: str
    uid: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Record:
    """The undo record, and with it all that the runner's steps need to know.

    Attributes:
        run: the run's name.
        experiment, model, namespace: what runs, on which model, in which namespace.
        requester: who started it; such a person does not approve the answer to it.
        owner: the process that runs it, as `host:pid`.
        nodes, pods: all that it may touch.
        taint: the taint that it adds to the nodes.
        started_at: when the record was written. All times are in seconds since the epoch.
        notice_until: when what remains is deleted.
        hold_until: when the nodes come back.
        undo_by: from when on the janitor undoes it, whether the runner lives or not.
        entries: the changes, in order.
        stop: why the run was told to stop; empty while it may go on.
    """

    run: str
    experiment: str
    model: str
    namespace: str
    requester: str
    owner: str
    nodes: tuple[Target, ...]
    pods: tuple[Target, ...]
    taint: Taint
    started_at: float
    notice_until: float
    hold_until: float
    undo_by: float
    entries: tuple[Entry, ...] = ()
    stop: str = ""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(allow_inf_nan=False)

    @property
    def name(self) -> str:
        """The name of its ConfigMap."""
        return record_name(self.run)

    def before(self, node: str) -> bool | None:
        """The node's `spec.unschedulable` before the cordon; None where there was no such field."""
        return next((e.before for e in self.entries if e.node == node and e.field == "/spec/unschedulable"), None)

    def cordons(self, node: str) -> bool:
        """Whether the record allows for a cordon of the node."""
        return any(e.node == node and e.field == "/spec/unschedulable" for e in self.entries)

    def config_map(self) -> Json:
        """The ConfigMap that holds it."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {MANAGED_BY: "failsoft", RUN: self.run},
                "annotations": {
                    "failsoft.dev/experiment": self.experiment,
                    "failsoft.dev/undo-by": rfc3339(self.undo_by),
                    "failsoft.dev/owner": self.owner,
                },
            },
            "data": {_DATA: _schema().dump_json(self, indent=1, exclude={"stop"}).decode()},
        }

    @staticmethod
    def of(config_map: Mapping[str, Any]) -> "Record":
        """Read one back. Raises `PermanentError` on a ConfigMap that holds no record that we can read."""
        meta = config_map["metadata"]
        try:
            record = _schema().validate_json((config_map.get("data") or {})[_DATA])
        except (KeyError, ValueError) as error:
            where = f"{meta.get('namespace')}/{meta.get('name')}"
            raise PermanentError(f"the undo record in ConfigMap {where} cannot be read: {error}") from error
        return replace(record, stop=str((meta.get("annotations") or {}).get(_STOP, "")))

    @staticmethod
    def stopping(config_map: Mapping[str, Any], why: str) -> list[Json]:
        """The JSON patch that tells the run of this ConfigMap to stop."""
        pointer = "/metadata/annotations/" + _STOP.replace("/", "~1")
        return [
            {"op": "test", "path": "/metadata/resourceVersion", "value": config_map["metadata"]["resourceVersion"]},
            {"op": "add", "path": pointer, "value": why},
        ]


@cache
def _schema() -> TypeAdapter[Record]:
    return TypeAdapter(Record)
