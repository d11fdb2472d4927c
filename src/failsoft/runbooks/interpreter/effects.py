"""An effect: one change of the outside world as data, what was before and what will be after; and the plan of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from failsoft.clients.kubernetes import Ref

__all__ = ["Effect", "Seen", "plan_hash"]

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an action sees of its target.

    Attributes:
        state: the part of the target that the action changes, as JSON.
        version: what guards a change made from this sight, such as the object itself with its resourceVersion.
    """

    state: Json
    version: Any = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Effect:
    """One change.

    Attributes:
        action: the step type, such as `scale`.
        target: the object that is changed.
        before, after: its state, as the action sees it.
        text: the change in words.
    """

    action: str
    target: Ref
    before: Json
    after: Json
    text: str

    @property
    def changes(self) -> bool:
        """Whether it changes anything at all."""
        return self.before != self.after

    def as_json(self) -> Json:
        """The same as JSON."""
        target = {"kind": self.target.kind, "name": self.target.name, "namespace": self.target.namespace}
        return {
            "action": self.action,
            "target": target,
            "before": self.before,
            "after": self.after,
            "text": self.text,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Effect":
        """Read what `as_json` gave."""
        fields = {name: document[name] for name in ("action", "before", "after", "text")}
        return cls(target=Ref(**document["target"]), **fields)

    def same_change(self, other: "Effect") -> bool:
        """Whether both change the same thing from the same to the same."""
        return (self.action, self.target, self.before, self.after) == (
            other.action,
            other.target,
            other.before,
            other.after,
        )


def plan_hash(runbook: str, slo: str, model: str, effects: Mapping[int, Effect]) -> str:
    """The hash to which an approval is bound: what is done, to what, from what state; 64 hexadecimal digits.

    >>> plan_hash("shift", "chat-ttft", "chat", {})[:12]
    'b91e5292c89c'
    """
    document = {
        "runbook": runbook,
        "slo": slo,
        "model": model,
        "effects": {str(position): effect.as_json() for position, effect in effects.items()},
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
