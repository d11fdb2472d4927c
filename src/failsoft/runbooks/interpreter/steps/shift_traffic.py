"""The step `shiftTraffic`: weights of a Gateway API HTTPRoute, from the model's backend to its fallback's.

The Gateway API (v1, `HTTPRouteRule.backendRefs`) splits the requests of a rule over its backends by weight, 1 where
none is written, at most 1,000,000; a backend with weight 0 gets nothing.
"""

from copy import deepcopy
from decimal import Decimal
from math import gcd

from failsoft.clients.kubernetes import Cluster, Ref
from failsoft.errors import PermanentError, RefusedError
from failsoft.runbooks.interpreter.context import StepContext
from failsoft.runbooks.interpreter.effects import Json, Seen
from failsoft.workspace.kinds.inventory import Route
from failsoft.workspace.kinds.runbook import ShiftTraffic

__all__ = ["ShiftTrafficAction", "shifted"]

_LARGEST = 1_000_000


class ShiftTrafficAction:
    """Changes weights; the state is `{"rules": {index: [[backend, weight], ...]}}`. Implements `Action`.

    Only rules that send to the model's backend are part of it. A PUT with the resourceVersion that was seen guards
    the change, so that one made from an old sight is refused by the API server itself.
    """

    def target(self, context: StepContext, spec: ShiftTraffic) -> Ref:  # noqa: ARG002  # the protocol's
        """The HTTPRoute of the model and of its fallback, which have to share it."""
        from_, to = _routes(context)
        if from_.http_route != to.http_route:
            raise PermanentError(f"{from_.backend} and its fallback {to.backend} are not behind the same HTTPRoute")
        return Ref("HTTPRoute", from_.http_route.name, from_.http_route.namespace)

    def read(self, context: StepContext, obj: Json) -> Seen:
        """The weights of the rules that send to the model."""
        from_, to = _routes(context)
        rules = {}
        for index, rule in enumerate(obj["spec"].get("rules") or ()):
            weights = [[str(one["name"]), int(one.get("weight", 1))] for one in rule.get("backendRefs") or ()]
            names = [name for name, _ in weights]
            if from_.backend not in names:
                continue
            if to.backend not in names:
                raise RefusedError(
                    f"rule {index} of {obj['metadata']['name']} does not know the backend {to.backend}:"
                    " add it there, with weight 0"
                )
            rules[str(index)] = weights
        if not rules:
            raise RefusedError(f"no rule of {obj['metadata']['name']} sends to the backend {from_.backend}")
        return Seen({"rules": rules}, obj)

    def wanted(self, context: StepContext, spec: ShiftTraffic, state: Json) -> Json:
        """The same rules with at least so many percent of what both get at the fallback."""
        from_, to = _routes(context)
        share = spec.percent.ratio
        return {"rules": {n: shifted(one, from_.backend, to.backend, share) for n, one in state["rules"].items()}}

    def write(self, cluster: Cluster, target: Ref, seen: Seen, after: Json) -> None:  # noqa: ARG002  # the protocol's
        """PUT the route with the weights changed and all else as it was seen."""
        obj = deepcopy(seen.version)
        for index, weights in after["rules"].items():
            refs = obj["spec"]["rules"][int(index)]["backendRefs"]
            for ref, (_, weight) in zip(refs, weights, strict=True):
                ref["weight"] = weight
        cluster.replace(obj)

    def text(self, target: Ref, before: Json, after: Json) -> str:
        """Such as `send the traffic of HTTPRoute prod/chat to chat-70b 0%, chat-small 100% (was 100%, 0%)`."""
        parts = []
        for index, weights in after["rules"].items():
            new, old = _shares(weights), _shares(before["rules"][index])
            told = ", ".join(f"{name} {share} (was {was})" for (name, share), (_, was) in zip(new, old, strict=True))
            parts.append(told if len(after["rules"]) == 1 else f"rule {index}: {told}")
        return f"send the traffic of {target} to {'; '.join(parts)}"


def shifted(weights: list[list[str | int]], from_: str, to: str, share: Decimal) -> list[list[str | int]]:
    """Bring a backend to a share (0 to 1) of what two of them get, exactly, with whole weights, at the other's cost.

    The share is of both together, so what is shifted already is not shifted again; nothing is ever shifted back, and
    no other backend gets more or less.

    >>> shifted([["a", 1], ["b", 0]], "a", "b", Decimal(1))
    [['a', 0], ['b', 1]]
    >>> shifted([["a", 1], ["b", 0], ["c", 1]], "a", "b", Decimal("0.25"))
    [['a', 3], ['b', 1], ['c', 4]]
    >>> shifted([["a", 3], ["b", 1], ["c", 4]], "a", "b", Decimal("0.25"))
    [['a', 3], ['b', 1], ['c', 4]]

    Raises:
        RefusedError: no whole weights of at most a million say that.
    """
    there = sum(int(weight) for name, weight in weights if name == to)
    both = there + sum(int(weight) for name, weight in weights if name == from_)
    moved = both * share - there
    if moved <= 0:
        return weights
    numerator, denominator = moved.as_integer_ratio()
    scaled = [[name, int(weight) * denominator] for name, weight in weights]
    rest = numerator
    for one in scaled:
        if one[0] == from_:
            taken = min(rest, int(one[1]))
            one[1] = int(one[1]) - taken
            rest -= taken
    next(one for one in scaled if one[0] == to)[1] += numerator  # type: ignore[operator]  # weights are integers
    if denominator > 1 and (common := gcd(*(int(weight) for _, weight in scaled))) > 1:
        scaled = [[name, int(weight) // common] for name, weight in scaled]
    if any(int(weight) > _LARGEST for _, weight in scaled):
        raise RefusedError(f"a share of {share} cannot be said in weights of at most {_LARGEST:,}")
    return scaled


def _routes(context: StepContext) -> tuple[Route, Route]:
    model, fallback = context.of_model, context.fallback
    if fallback is None:
        raise PermanentError(f"the model {model.name} declares no fallback")
    if model.spec.route is None or fallback.spec.route is None:
        without = model.name if model.spec.route is None else fallback.name
        raise PermanentError(f"the model {without} declares no route")
    return model.spec.route, fallback.spec.route


def _shares(weights: list[list[str | int]]) -> list[tuple[str, str]]:
    total = sum(int(weight) for _, weight in weights)
    return [(str(name), f"{100 * int(weight) / total:.3g}%" if total else "0%") for name, weight in weights]
