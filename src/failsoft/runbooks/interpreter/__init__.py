"""The interpreter: it carries a runbook out, one durable piece at a time."""

from failsoft.runbooks.interpreter.context import World, nobody
from failsoft.runbooks.interpreter.core import Interpreter
from failsoft.runbooks.interpreter.steps import STEP_TYPES, Action, Reading, StepTypes

__all__ = ["STEP_TYPES", "Action", "Interpreter", "Reading", "StepTypes", "World", "nobody"]
