"""Shapes: what is left of an SLO's rules and stories when its names are taken away.

promtool knows nothing of names but that they are equal or not. So where rules and stories of two SLOs are the same but
for names, the proof of one is the proof of the other; and whatever else differs makes another shape, which is proven
by itself.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

from failsoft.alerts.rules import Alert, Group
from failsoft.alerts.story import Scenario
from failsoft.slo.promql import quoted
from failsoft.slo.records import count_labels
from failsoft.slo.resolve import Objective

__all__ = ["shape_by", "shape_of"]

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def shape_of(
    objective: Objective, groups: Sequence[Group], scenarios: Sequence[Scenario], select: Sequence[tuple[str, str]]
) -> str:
    """Sixteen hexadecimal digits that are the same for SLOs whose rules and stories differ in names only.

    Names are those of the SLO, its model and its team, its failure mode, the hash of its definition, and what selects
    its series. Annotations are no part of it: promtool is asked whether alerts fire, not what they say.

    Args:
        objective: the SLO.
        groups: its rules.
        scenarios: its stories.
        select: the labels that select its series.
    """
    roles = dict(count_labels(objective)) | {"failure_mode": objective.failure_mode}
    if objective.sloth is not None:
        roles |= {"sloth_service": objective.sloth[0], "sloth_slo": objective.sloth[1]}
        roles |= {"sloth_id": "-".join(objective.sloth)}
    roles |= {f"select {label}": value for label, value in select}
    return shape_by(roles, objective.name, groups, scenarios)


def shape_by(roles: Mapping[str, str], subject: str, groups: Sequence[Group], scenarios: Sequence[Scenario]) -> str:
    """The same for whatever has names: what each is, and the name that the groups begin with."""
    names = _names(roles)
    parts = [*_rules(subject, groups, names), *(_story(scenario, names) for scenario in scenarios)]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _names(roles: Mapping[str, str]) -> dict[str, str]:
    """What stands for each name; one for all roles of a name that has several, so that no two names become one."""
    named: dict[str, list[str]] = {}
    for role, value in sorted(roles.items()):
        named.setdefault(quoted(value), []).append(role)
    # no PromQL that is written here holds such a sign
    return {value: f"§{'+'.join(held)}§" for value, held in named.items()}


def _blank(text: str, names: dict[str, str]) -> str:
    def blanked(match: re.Match[str]) -> str:
        parts = match[0][1:-1].split("|")
        return "|".join(names.get(f'"{part}"', f'"{part}"') for part in parts)

    return _QUOTED.sub(blanked, text)


def _labels(labels: Sequence[tuple[str, str]], names: dict[str, str]) -> str:
    return ", ".join(f"{label}={names.get(quoted(value), quoted(value))}" for label, value in labels)


def _rules(subject: str, groups: Sequence[Group], names: dict[str, str]) -> Iterator[str]:
    for group in groups:
        yield f"group {group.name.removeprefix(subject)} every {group.interval}"
        for rule in group.rules:
            timing = f" for {rule.wait} keep {rule.keep}" if isinstance(rule, Alert) else ""
            yield f"{rule.name}{{{_labels(rule.labels, names)}}}{timing} {_blank(rule.expression, names)}"


def _story(scenario: Scenario, names: dict[str, str]) -> str:
    series = "; ".join(f"{_blank(name, names)} {values}" for name, values in scenario.series)
    checks = "; ".join(f"{one.at} {one.alert}{{{_labels(one.labels, names)}}} {one.state}" for one in scenario.checks)
    asked = "".join(f": {at} {_blank(expression, names)} {value}" for expression, at, value in scenario.asked)
    return f"{scenario.name} every {scenario.interval}: {series}: {checks}: {scenario.budget}{asked}"
