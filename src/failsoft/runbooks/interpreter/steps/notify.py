"""The step `notify`: a sentence of the runbook's author, filled in by a sandboxed template."""

from functools import cache

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from failsoft.errors import PermanentError
from failsoft.runbooks.interpreter.context import StepContext
from failsoft.workspace.kinds.runbook import Notify

__all__ = ["notify"]

_LONGEST = 3000


def notify(context: StepContext, spec: Notify) -> str:
    """The text, over `slo`, `model`, `team` (names) and `alert` (its labels). Raises `PermanentError`."""
    model = context.model.name if context.model else ""
    values = {"slo": context.about, "model": model, "team": context.team.name}
    try:
        text = _environment().from_string(spec.text).render(**values, alert=dict(context.alert))
    except TemplateError as error:
        raise PermanentError(f"its text cannot be filled in: {error}") from error
    except (ArithmeticError, TypeError, ValueError, LookupError, OverflowError) as error:
        raise PermanentError(f"its text cannot be filled in: {type(error).__name__}: {error}") from error
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)  # Slack, not HTML
