"""The plan: what the actions ahead would change, looked up in the world as it is now."""

from collections.abc import Mapping

from failsoft.clients.kubernetes import Ref
from failsoft.runbooks.interpreter.context import StepContext
from failsoft.runbooks.interpreter.effects import Effect, Json, Seen
from failsoft.runbooks.interpreter.steps import StepTypes
from failsoft.workspace.kinds import RunbookSpec
from failsoft.workspace.kinds.runbook import Step

__all__ = ["ahead", "effect_of", "look", "plan_text"]

_SO_ALREADY = "is already so, nothing to change"


def ahead(context: StepContext, types: StepTypes, start: int) -> dict[int, Effect]:
    """The effects of the actions from `start` up to the next `approve`, by position.

    Two actions on one object are planned one after the other: the second sees what the first would leave. Raises the
    errors of the cluster, and `PermanentError` where there is no way.
    """
    effects: dict[int, Effect] = {}
    left: dict[tuple[Ref, str], Json] = {}
    for position, step in enumerate(context.run.spec.steps[start:], start):
        if step.approve is not None:
            break
        if step.choice in types.actions:
            target, seen = look(context, types, step)
            effect = effect_of(context, types, step, target, left.get((target, step.choice), seen.state))
            left[target, step.choice] = effect.after
            effects[position] = effect
    return effects


def effect_of(context: StepContext, types: StepTypes, step: Step, target: Ref, state: Json) -> Effect:
    """The effect of one action on its target in that state, which may be none.

    Raises:
        RefusedError: there is no way.
    """
    action = types.actions[step.choice]
    after = action.wanted(context, step.chosen, state)
    text = action.text(target, state, after)
    return Effect(step.choice, target, state, after, text if state != after else f"{text}: {_SO_ALREADY}")


def look(context: StepContext, types: StepTypes, step: Step) -> tuple[Ref, Seen]:
    """The target of an action as it is now. Raises the errors of the cluster, and `PermanentError`."""
    action = types.actions[step.choice]
    target = action.target(context, step.chosen)
    return target, action.read(context, context.world.cluster.get(target))


def plan_text(spec: RunbookSpec, effects: Mapping[int, Effect]) -> str:
    """The plan in lines, as it will be carried out, and what happens after it."""
    lines = [f"{number}. {effect.text}" for number, effect in enumerate(effects.values(), 1)]
    for step in spec.steps[max(effects, default=len(spec.steps)) :]:
        if step.verify is not None:
            otherwise = " and ".join(step.verify.otherwise) or "stop"
            slo = "the SLO" if step.verify.slo == "this" else step.verify.slo
            lines.append(
                f"Then: {slo} has to hold over {step.verify.for_} within {step.verify.within}, else {otherwise}"
            )
            break
    return "\n".join(lines) or "nothing is changed"
