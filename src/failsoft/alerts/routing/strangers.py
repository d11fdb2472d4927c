"""Inhibition rules of somebody else's configuration by which the alerts of one SLO silence those of another one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from failsoft.alerts.routing.matchers import all_hold
from failsoft.alerts.routing.tree import Inhibition

__all__ = ["strangers"]

_SUBJECTS = frozenset({"slo", "model"})

type Labels = Mapping[str, str]


def strangers(rules: Iterable[Inhibition], alerts: Sequence[Labels]) -> Iterator[tuple[Inhibition, Labels, Labels]]:
    """Each such rule, with an alert that fires and one of another SLO that is silent meanwhile.

    A label that no alert has, such as an external one, is equal on all of them. A rule that asks for the same `slo` or
    `model` knows whose alerts they are.

    Args:
        rules: of the other configuration.
        alerts: ours, each with a label `slo`.
    """
    for rule in rules:
        pair = None if _SUBJECTS & set(rule.equal) else _pair(rule, alerts)
        if pair is not None:
            yield rule, *pair


def _pair(rule: Inhibition, alerts: Sequence[Labels]) -> tuple[Labels, Labels] | None:
    # two sources of different SLOs are enough to find one that is of another SLO than the target
    sources: dict[tuple[tuple[str, ...], bool], dict[str, Labels]] = {}
    for one in alerts:
        held = sources.setdefault((_equal(rule, one), all_hold(rule.target, one)), {})
        if len(held) < 2 and all_hold(rule.source, one):  # noqa: PLR2004  # as said
            held.setdefault(one["slo"], one)
    for one in alerts:
        if not all_hold(rule.target, one):
            continue
        # one that fulfils both sides is not silenced by another that does
        for both in (False,) if all_hold(rule.source, one) else (False, True):
            for slo, other in sources.get((_equal(rule, one), both), {}).items():
                if slo != one["slo"]:
                    return other, one
    return None


def _equal(rule: Inhibition, labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
