"""The extension point: what a step type is. Our own types use it as any other would."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from failsoft.clients.kubernetes import Cluster, Ref
from failsoft.runbooks.interpreter.context import StepContext
from failsoft.runbooks.interpreter.effects import Json, Seen

__all__ = ["Action", "Reading", "StepTypes"]

type Reading = Callable[[StepContext, Any], str]
"""A step that looks or speaks: from the context and the step's own part of the runbook to what is told in the thread.

It changes nothing, so it may run twice. Raises `TemporaryError` (tried again a few times, then told) or
`PermanentError` (told); neither stops the run, for it is evidence and no more.
"""


class Action(Protocol):
    """A step that changes one object of the outside world, from one state to another.

    A change is data: where, from what, to what. From that alone the interpreter makes the plan and its hash, the
    inverse, and the answer to the question whether an interrupted change was made; so an action only says how its
    object is found, read and written. Every method may block and raises the errors of the ports.
    """

    def target(self, context: StepContext, spec: Any) -> Ref:
        """The object. Raises `PermanentError` when the documents name none."""

    def read(self, context: StepContext, obj: Json) -> Seen:
        """The part of the object that is changed. Raises `RefusedError` when the object is not as it has to be."""

    def wanted(self, context: StepContext, spec: Any, state: Json) -> Json:
        """The state to bring it to. Raises `RefusedError` when there is no way from `state`."""

    def write(self, cluster: Cluster, target: Ref, seen: Seen, after: Json) -> None:
        """Write the state, guarded by what was seen. Raises `ConflictError` when the object changed since."""

    def text(self, target: Ref, before: Json, after: Json) -> str:
        """The change in words."""


@dataclass(frozen=True, slots=True)
class StepTypes:
    """The step types by the name of their key in a runbook, in Python's spelling."""

    readings: Mapping[str, Reading]
    actions: Mapping[str, Action]
