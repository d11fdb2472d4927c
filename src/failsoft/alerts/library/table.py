"""The alerts as a table for people: what each stands for, why it has its severity, and what it is not."""

from collections.abc import Iterable, Mapping

from failsoft.alerts.library.choose import alert_name
from failsoft.workspace.kinds import AlertRuleSpec, EngineSpec
from failsoft.workspace.model import Document

__all__ = ["exporter", "markdown"]

type Engines = Mapping[str, Document[EngineSpec]]


def exporter(name: str, engines: Engines) -> str:
    """An exporter as it is shown: where it is an engine of which no server proved what is known, it says so."""
    return f"{name}{engines[name].spec.mark}" if name in engines else name


def markdown(rules: Iterable[Document[AlertRuleSpec]], engines: Engines) -> str:
    """A section with a table for each topic.

    Args:
        rules: the AlertRules, in the order in which they are shown.
        engines: the catalogue, by name.
    """
    by_topic: dict[str, list[Document[AlertRuleSpec]]] = {}
    for rule in rules:
        by_topic.setdefault(rule.spec.topic, []).append(rule)
    return "\n".join(line for topic, listed in sorted(by_topic.items()) for line in _section(topic, listed, engines))


def _section(topic: str, rules: list[Document[AlertRuleSpec]], engines: Engines) -> list[str]:
    head = "| alert | failure mode | severity, and why | needs | told apart from |"
    return [f"## {topic}", "", head, "|---|---|---|---|---|", *(_row(rule, engines) for rule in rules), ""]


def _row(rule: Document[AlertRuleSpec], engines: Engines) -> str:
    spec = rule.spec
    needs = [
        f"{exporter(one.exporter, engines)}: {', '.join(f'`{metric}`' for metric in one.metrics)}"
        + (f" ({one.note})" if one.note else "")
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
