"""Scenarios as a promtool test file, and what a test file proves about which alert."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import yaml

from failsoft.alerts.expect import State
from failsoft.alerts.rules import Alert, Group, comment, yaml_string
from failsoft.alerts.snapshots import MOMENTS
from failsoft.alerts.story import Budget, Check, Scenario
from failsoft.slo.promql import Matcher, number, quoted, range_text, selector
from failsoft.slo.records import Record
from failsoft.slo.series import BURN_ALERT

__all__ = ["Proven", "groups_named", "proof_file", "proven_by", "unproven", "values_in", "without_moments"]

# promtool reads at most 10,000 samples for a query, and one record may hold twenty windows
_NAN_STEPS = 200
_ASKED = "count(ALERTS{"
_END = "})"


@dataclass(frozen=True, slots=True)
class Proven:
    """What one check of a test file shows: that an alert with these labels fires, or that it is quiet."""

    alert: str
    labels: tuple[tuple[str, str], ...]
    state: State

    def about(self, alert: Alert) -> bool:
        """Whether it is about that alert."""
        return self.alert == alert.name and set(self.labels) <= set(alert.labels)


def proof_file(  # noqa: PLR0913  # what is tested, and how
    subject: str,
    rule_file: str,
    groups: Sequence[Group],
    scenarios: Iterable[Scenario],
    *,
    origin: str,
    each: int = 1,
    once: int = 0,
) -> str:
    """The text of a promtool test file.

    Alerts are asked for through the series `ALERTS`, so that a check does not depend on the wording of annotations.
    Groups are evaluated last one first: one that reads what another records sees it a whole step late, as it may on a
    server at worst. Where they are evaluated once only, it is in order, so that one sees what the other records.

    Args:
        subject: the SLO, or what else is tested.
        rule_file: the rule file, relative to the test file.
        groups: what stands in it, all at one interval.
        scenarios: the stories.
        origin: what it was made from, for the comment on top.
        each: how many series a record may have.
        once: milliseconds after which all is evaluated, once; 0 for evaluations at the pace of the groups.
    """
    ordered = groups if once else tuple(reversed(groups))
    lines = [
        f"# Written by failsoft compile from {comment(origin)}. Do not edit.",
        f"rule_files: [{yaml_string(rule_file)}]",
        f"evaluation_interval: {range_text(once or groups[0].interval)}",
        f"group_eval_order: [{', '.join(yaml_string(group.name) for group in ordered)}]",
        "tests:",
    ]
    for scenario in scenarios:
        lines.append(f"- name: {yaml_string(f'{subject} {scenario.name}')}")
        lines += [f"  interval: {range_text(scenario.interval)}", "  input_series:"]
        for series, values in scenario.series:
            lines += [f"  - series: {yaml_string(series)}", f"    values: {yaml_string(values)}"]
        lines.append("  promql_expr_test:")
        lines += [line for check in scenario.checks for line in _check(check)]
        if scenario.budget is not None:
            lines += _budget(subject, scenario.budget)
        lines += [line for asked in scenario.asked for line in _asked(*asked)]
        if not once:
            ends = [check.at for check in scenario.checks] + ([scenario.budget.at] if scenario.budget else [])
            lines += _no_nan(groups, max(ends), each)
    return "\n".join(lines) + "\n"


def _check(check: Check) -> list[str]:
    state = () if check.pending else (("alertstate", "firing"),)
    labels = (("alertname", check.alert), *check.labels, *state)
    matchers = ", ".join(f"{name}={quoted(value)}" for name, value in labels)
    return [
        f"  - expr: {yaml_string(f'{_ASKED}{matchers}{_END}')}",
        f"    eval_time: {range_text(check.at)}",
        "    exp_samples: [{value: 1}]" if check.state == "fires" else "    exp_samples: []",
    ]


def _budget(slo: str, budget: Budget) -> list[str]:
    """What is recorded as left, nothing excluded, is the truth."""
    recorded = f"max({budget.series}{{slo={quoted(slo)}}})"
    least, most = number(budget.least), number(budget.most)
    return [
        f"  - expr: {yaml_string(f'({recorded} > bool ({least})) * ({recorded} < bool ({most}))')}",
        f"    eval_time: {range_text(budget.at)}",
        "    exp_samples: [{value: 1}]",
    ]


def _asked(expression: str, at: int, value: Fraction) -> list[str]:
    return [
        f"  - expr: {yaml_string(expression)}",
        f"    eval_time: {range_text(at)}",
        f"    exp_samples: [{{value: {number(value)}}}]",
    ]


def _no_nan(groups: Sequence[Group], at: int, each: int) -> list[str]:
    """Nothing recorded was ever NaN, which alone differs from itself."""
    step = groups[0].interval
    window = f"[{range_text(min(at, max(1, _NAN_STEPS // each) * step))}:{range_text(step)}]"
    lines = []
    for record in (rule for group in groups for rule in group.rules if isinstance(rule, Record)):
        series = selector(record.name, tuple(Matcher(label, "=", value) for label, value in record.labels))
        lines += [
            f"  - expr: {yaml_string(f'count_over_time(({series} != {series}){window})')}",
            f"    eval_time: {range_text(at)}",
            "    exp_samples: []",
        ]
    return lines


def groups_named(text: str) -> tuple[str, ...]:
    """The groups that a test file is about, read from the file and not from how it was made."""
    loaded: Any = yaml.load(text.partition("\ntests:")[0], Loader=yaml.CSafeLoader)
    return tuple(loaded["group_eval_order"])


def proven_by(text: str) -> frozenset[Proven]:
    """What a test file shows, read from the file and not from how it was made."""
    loaded: Any = yaml.load(text, Loader=yaml.CSafeLoader)
    checks = (check for test in loaded["tests"] for check in test.get("promql_expr_test", ()))
    return frozenset(_proven(check) for check in checks if check["expr"].startswith(_ASKED))


def values_in(text: str) -> int:
    """How many values a test file compares with what they have to be."""
    loaded: Any = yaml.load(text, Loader=yaml.CSafeLoader)
    return sum(len(test.get("promql_expr_test", ())) for test in loaded["tests"])


def without_moments(alerts: Iterable[Alert], text: str) -> tuple[Alert, ...]:
    """The burn alerts of whose windows a test file does not look at all the moments that decide."""
    tiers = ((alert, dict(alert.labels)["burn_tier"]) for alert in alerts if alert.name == BURN_ALERT)
    return tuple(alert for alert, tier in tiers if text.count(f'burn_tier=\\"{tier}\\"') < MOMENTS)


def _proven(check: dict[str, Any]) -> Proven:
    matchers = check["expr"].removeprefix(_ASKED).removesuffix(_END).split(", ")
    labels = dict(matcher.split("=", 1) for matcher in matchers)
    plain = {name: value.strip('"') for name, value in labels.items()}
    alert = plain.pop("alertname")
    plain.pop("alertstate", None)
    return Proven(alert, tuple(plain.items()), "fires" if check["exp_samples"] else "quiet")


def unproven(alerts: Iterable[Alert], proven: Iterable[Proven]) -> tuple[tuple[Alert, State], ...]:
    """The alerts that no test makes fire, or that no test finds quiet."""
    known = list(proven)
    states: tuple[State, ...] = ("fires", "quiet")
    return tuple(
        (alert, state)
        for alert in alerts
        for state in states
        if not any(one.state == state and one.about(alert) for one in known)
    )
