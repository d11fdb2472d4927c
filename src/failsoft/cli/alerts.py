"""`failsoft alerts`: the alerts that are no SLO's, shipped ones and one's own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import load_clean, unknown
from failsoft.cli.lazy import Group
from failsoft.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from failsoft.workspace import Document, Workspace
    from failsoft.workspace.kinds import AlertRuleSpec, EngineSpec

    type Rules = Mapping[str, Document[AlertRuleSpec]]
    type Engines = Mapping[str, Document[EngineSpec]]

__all__ = ["command"]

_WORKSPACE = click.option(
    "-w", "--workspace", type=click.Path(path_type=Path), help="A workspace; without it, what ships with failsoft."
)


@click.group("alerts", cls=Group)
def command() -> None:
    """Alerts on GPUs, nodes, scheduling, engines and autoscalers, beside those of SLOs."""


@command.command("list")
@_WORKSPACE
@click.option("--topic", help="Only the alerts of that topic.")
@click.option("--failure-mode", help="Only the alerts that stand for that failure mode.")
@click.option(
    "--output", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True, help="The form."
)
def list_(*, workspace: Path | None, topic: str | None, failure_mode: str | None, output: str) -> None:
    """List the alerts: what each stands for, its severity, and whether it is on."""
    from failsoft.alerts.library import markdown

    found, engines, on = _rules(workspace)
    _known("topic", topic, {rule.spec.topic for rule in found.values()})
    _known("failure mode", failure_mode, {rule.spec.failure_mode for rule in found.values()})
    listed = [
        rule
        for rule in sorted(found.values(), key=lambda rule: (rule.spec.topic, rule.name))
        if topic in {None, rule.spec.topic} and failure_mode in {None, rule.spec.failure_mode}
    ]
    if output == "markdown":
        click.echo(markdown(listed, engines), nl=False)
    elif output == "json":
        click.echo(json.dumps([_facts(rule, engines, on) for rule in listed], indent=2, ensure_ascii=False))
    else:
        _table(listed, on)


@command.command("show")
@click.argument("name")
@_WORKSPACE
@click.option("--output", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True)
def show(*, name: str, workspace: Path | None, output: str) -> None:
    """Show one alert, by its name or its alertname; as YAML it can be copied into a workspace and changed."""
    from failsoft.alerts.library import alert_name

    found, engines, on = _rules(workspace)
    by_name = {alert_name(rule.name): rule for rule in found.values()} | dict(found)
    if name not in by_name:
        raise unknown("AlertRule", name, list(by_name))
    rule = by_name[name]
    if output == "yaml":
        click.echo(rule.origin.text.removeprefix("---\n"), nl=False)
    elif output == "json":
        click.echo(json.dumps(_facts(rule, engines, on), indent=2, ensure_ascii=False))
    else:
        click.echo(_told(rule, engines, on))


def _rules(root: Path | None) -> "tuple[Rules, Engines, frozenset[str] | None]":
    """The AlertRules and the engines by name, and which of the rules are on; None where that is not known."""
    from failsoft.workspace.load import shipped

    if root is None:
        return shipped().alert_rules, shipped().engines, None
    loaded, _ = load_clean(root, "text")
    return loaded.alert_rules, loaded.engines, _on(loaded)


def _known(what: str, asked: str | None, there: "Collection[str]") -> None:
    from failsoft.workspace.decode import nearest

    if asked is None or asked in there:
        return
    hint = nearest(asked, sorted(there)) or f"there are {', '.join(sorted(there))}"
    raise UsageError(f"no alert has the {what} {asked!r}; {hint}")


def _on(loaded: "Workspace") -> frozenset[str]:
    from failsoft.alerts.library import chosen

    return frozenset(one.document.name for one in chosen(loaded)[0])


def _table(rules: "Sequence[Document[AlertRuleSpec]]", on: frozenset[str] | None) -> None:
    from failsoft.alerts.library import alert_name

    head = ("ALERT", "SEVERITY", "FAILURE MODE", "TOPIC", *(() if on is None else ("STATE",)))
    rows = [head]
    for rule in rules:
        state = () if on is None else ("on" if rule.name in on else "off",)
        rows.append((alert_name(rule.name), rule.spec.severity, rule.spec.failure_mode, rule.spec.topic, *state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo(f"{len(rules)} alerts" if on is None else f"{len(rules)} alerts, {sum(r.name in on for r in rules)} on")


def _facts(rule: "Document[AlertRuleSpec]", engines: "Engines", on: frozenset[str] | None) -> dict[str, object]:
    from failsoft.alerts.library import alert_name

    spec = rule.spec.model_dump(mode="json", by_alias=True, exclude={"tests"})
    state = {} if on is None else {"on": rule.name in on}
    named = {one.exporter for one in rule.spec.needs}
    unverified = sorted(name for name in named if name in engines and engines[name].spec.mark)
    about = {"name": rule.name, "alertname": alert_name(rule.name), "shipped": rule.shipped, "unverified": unverified}
    return about | state | spec


def _told(rule: "Document[AlertRuleSpec]", engines: "Engines", on: frozenset[str] | None) -> str:
    from failsoft.alerts.library import alert_name, exporter

    spec = rule.spec
    state = "" if on is None else " (on)" if rule.name in on else " (off)"
    waits = f", for {spec.for_}" if spec.for_ else ""
    keeps = f", goes on for {spec.keep_firing_for} more" if spec.keep_firing_for else ""
    lines = [
        f"{alert_name(rule.name)}{state}: {spec.summary}",
        f"  {spec.description}",
        f"Failure mode  {spec.failure_mode}",
        f"Severity      {spec.severity}: {spec.because}",
        f"Declared at   {rule.at('metadata', 'name')}{' (ships with failsoft)' if rule.shipped else ''}",
        f"Evaluated     every {spec.every}{waits}{keeps}",
        *(f"  {line}" for line in spec.expr.splitlines()),
        "Needs",
        *(
            f"  {exporter(one.exporter, engines)}: {', '.join(one.metrics)}{f' ({one.note})' if one.note else ''}"
            for one in spec.needs
        ),
        *(["Told apart from"] if spec.differs else []),
        *(f"  {one.from_}: {one.by}" for one in spec.differs),
        "Proven by",
        *(f"  {story.name}{'' if story.fires else ' (quiet)'}" for story in spec.tests),
    ]
    return "\n".join(lines)
