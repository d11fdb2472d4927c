"""The alerts as a table for people: what each stands for, why it has its severity, and what it is not."""

from collections.abc import Iterable

from failsoft.alerts.library.choose import alert_name
from failsoft.workspace.kinds import AlertRuleSpec
from failsoft.workspace.model import Document

__all__ = ["markdown"]


def markdown(rules: Iterable[Document[AlertRuleSpec]]) -> str:
    """A section with a table for each topic.

    Args:
        rules: the AlertRules, in the order in which they are shown.
    """
    by_topic: dict[str, list[Document[AlertRuleSpec]]] = {}
    for rule in rules:
        by_topic.setdefault(rule.spec.topic, []).append(rule)
    return "\n".join(line for topic, listed in sorted(by_topic.items()) for line in _section(topic, listed))


def _section(topic: str, rules: list[Document[AlertRuleSpec]]) -> list[str]:
    head = "| alert | failure mode | severity, and why | needs | told apart from |"
    return [f"## {topic}", "", head, "|---|---|---|---|---|", *map(_row, rules), ""]


def _row(rule: Document[AlertRuleSpec]) -> str:
    spec = rule.spec
    needs = [
        f"{one.exporter}: {', '.join(f'`{metric}`' for metric in one.metrics)}" + (f" ({one.note})" if one.note else "")
        for one in spec.needs
    ]
    differs = [f"{one.from_}: {one.by}" for one in spec.differs]
    cells = (
        f"`{alert_name(rule.name)}`<br>{rule.name}",
        spec.failure_mode,
        f"**{spec.severity}**: {spec.because}",
        "<br>".join(needs),
        "<br>".join(differs),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
