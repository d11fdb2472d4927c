"""Alerts and groups as values, and the text of a Prometheus rule file."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from failsoft.slo.promql import range_text
from failsoft.slo.records import Record

__all__ = [
    "MAX_RULES",
    "Alert",
    "Group",
    "comment",
    "groups_in",
    "groups_text",
    "indented",
    "rule_file",
    "whole_file",
    "yaml_string",
]

MAX_RULES = 20
"""Rules of one group; Mimir's default limit."""

_GROUP = re.compile(r"^(?=- name: )", re.MULTILINE)
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class Alert(NamedTuple):
    """An alerting rule.

    Attributes:
        name: the alertname.
        expression: PromQL.
        labels, annotations: annotations are Go templates.
        wait: milliseconds for which the expression has to hold.
        keep: milliseconds for which the alert goes on after it.
        hops: how many groups lie between the raw series and this alert; each may cost one more evaluation.
    """

    name: str
    expression: str
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    wait: int = 0
    keep: int = 0
    hops: int = 0


class Group(NamedTuple):
    """Rules that are evaluated together, in order.

    Attributes:
        name: unique among all groups.
        interval: milliseconds; 0 for the server's own.
        rules: at most `MAX_RULES`.
    """

    name: str
    interval: int
    rules: tuple[Record | Alert, ...]


@lru_cache(maxsize=4096)
def yaml_string(text: str) -> str:
    r"""A YAML scalar on one line that is `text` and nothing else: JSON's form, less what YAML does not print.

    >>> print(yaml_string('a: "b"\n\x85'))
    "a: \"b\"\n\u0085"
    """
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    # half of a surrogate pair is no character, and no UTF-8 either
    code = ord(match[0])
    return "\\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"  # noqa: PLR2004  # the surrogates


def rule_file(groups: Iterable[Group], *, origin: str) -> str:
    """The text of one rule file, one YAML document.

    Args:
        groups: what stands in it.
        origin: what it was made from, for the comment on top.
    """
    return whole_file([groups_text(groups)], origin=origin)


def whole_file(texts: Iterable[str], *, origin: str) -> str:
    """The same of groups that are text already, as `groups_text` writes it."""
    return "".join((f"# Written by failsoft compile from {comment(origin)}. Do not edit.\ngroups:\n", *texts))


def groups_text(groups: Iterable[Group]) -> str:
    """What stands for groups in a rule file."""
    lines = []
    for group in groups:
        lines.append(f"- name: {yaml_string(group.name)}")
        if group.interval:
            lines.append(f"  interval: {range_text(group.interval)}")
        lines.append("  rules:")
        lines += [_record(rule) if isinstance(rule, Record) else _alert(rule) for rule in group.rules]
    return "\n".join([*lines, ""])


def groups_in(text: str) -> tuple[str, list[str]]:
    """What stands before the groups of a rule file, and the text of each: only `rule_file` writes a line unindented."""
    head, *groups = _GROUP.split(text)
    return head, groups


def comment(text: str) -> str:
    """Text that stays within its comment line."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _record(rule: Record) -> str:
    return f"  - record: {rule.name}\n{_expression(rule.expression)}\n    labels: {_inline(rule.labels)}"


def _alert(rule: Alert) -> str:
    lines = [f"  - alert: {rule.name}", _expression(rule.expression)]
    if rule.wait:
        lines.append(f"    for: {range_text(rule.wait)}")
    if rule.keep:
        lines.append(f"    keep_firing_for: {range_text(rule.keep)}")
    lines.append(f"    labels: {_inline(rule.labels)}")
    lines.append("    annotations:")
    lines += [f"      {name}: {yaml_string(text)}" for name, text in rule.annotations]
    return "\n".join(lines)


def _expression(text: str) -> str:
    # PromQL here is printable ASCII (see `quoted`), so a block scalar needs no escapes and stays readable
    return f"    expr: |-\n      {indented(text)}"


def indented(text: str) -> str:
    """PromQL as it stands in a rule file."""
    return text.replace("\n", "\n      ")


def _inline(labels: tuple[tuple[str, str], ...]) -> str:
    return "{" + ", ".join([f"{name}: {yaml_string(value)}" for name, value in labels]) + "}"
