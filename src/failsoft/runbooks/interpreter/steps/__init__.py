"""The step types, one file each: readings look and speak, actions change the world."""

from failsoft.runbooks.interpreter.steps.inspect import inspect
from failsoft.runbooks.interpreter.steps.notify import notify
from failsoft.runbooks.interpreter.steps.query import query
from failsoft.runbooks.interpreter.steps.scale import ScaleAction
from failsoft.runbooks.interpreter.steps.shift_traffic import ShiftTrafficAction
from failsoft.runbooks.interpreter.steps.types import Action, Reading, StepTypes

__all__ = ["STEP_TYPES", "Action", "Reading", "StepTypes"]

STEP_TYPES = StepTypes(
    readings={"query": query, "inspect": inspect, "notify": notify},
    actions={"scale": ScaleAction(), "shift_traffic": ShiftTrafficAction()},
)
"""The types that come with failsoft. `approve`, `verify` and `page` steer the run itself: the interpreter does them."""
