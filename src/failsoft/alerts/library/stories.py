"""The stories of AlertRules as a promtool test file."""

from collections.abc import Iterable, Iterator, Sequence

from failsoft.alerts.library.choose import Chosen
from failsoft.alerts.rules import Group, comment, yaml_string
from failsoft.slo.promql import quoted, range_text
from failsoft.workspace.kinds.alert_rule import Fires, Story

__all__ = ["stories_file"]


def stories_file(rule_files: Iterable[str], groups: Sequence[Group], alerts: Iterable[Chosen], *, origin: str) -> str:
    """The text of a promtool test file.

    How many alerts fire is asked of the series `ALERTS`, so that one alert too many (two replicas of an exporter, say)
    is found as well as one too few.

    Args:
        rule_files: the rule files, relative to the test file.
        groups: the groups that stand in them, in the order in which they are evaluated.
        alerts: whose stories are told.
        origin: what it was made from, for the comment on top.
    """
    lines = [
        f"# Written by failsoft compile from {comment(origin)}. Do not edit.",
        f"rule_files: [{', '.join(map(yaml_string, rule_files))}]",
        f"evaluation_interval: {range_text(groups[-1].interval)}",
        f"group_eval_order: [{', '.join(yaml_string(group.name) for group in groups)}]",
        "tests:",
    ]
    for alert in alerts:
        for story in alert.document.spec.tests:
            lines += _story(alert.name, story)
    return "\n".join(lines) + "\n"


def _story(alert: str, story: Story) -> Iterator[str]:
    yield f"- name: {yaml_string(f'{alert}: {story.name}')}"
    yield f"  interval: {story.every}"
    yield "  input_series:"
    for series, values in story.series.items():
        yield f"  - series: {yaml_string(series)}"
        yield f"    values: {yaml_string(values)}"
    yield "  promql_expr_test:"
    firing = f'{{alertname={quoted(alert)}, alertstate="firing"}}'
    for at in story.quiet:
        yield from _check(f"count(ALERTS{firing})", str(at), None)
    for moment in story.fires:
        yield from _check(f"count(ALERTS{firing})", str(moment.at), moment.alerts)
        if moment.labels:
            yield from _check(_with_labels(alert, moment), str(moment.at), 1)


def _with_labels(alert: str, moment: Fires) -> str:
    matchers = "".join(f", {name}={quoted(value)}" for name, value in moment.labels.items())
    return f'sum(ALERTS{{alertname={quoted(alert)}, alertstate="firing"{matchers}}})'


def _check(expression: str, at: str, value: int | None) -> Iterator[str]:
    yield f"  - expr: {yaml_string(expression)}"
    yield f"    eval_time: {at}"
    yield "    exp_samples: []" if value is None else f"    exp_samples: [{{value: {value}}}]"
