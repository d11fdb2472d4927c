"""Proving the routes: every alert reaches its owner, none falls to nobody, and amtool says the same."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from failsoft.alerts import ALERTMANAGER_FILE, Compiled, codes
from failsoft.alerts.alertmanager import receiver_of
from failsoft.alerts.routing import Configuration, Delivery, deliveries, read_configuration
from failsoft.cli.routes import alerts_of
from failsoft.clients.binaries import run_tool
from failsoft.findings import Finding, Place
from failsoft.slo.promql import quoted
from failsoft.workspace import Workspace
from failsoft.workspace.tree import SourceFile

__all__ = ["prove_routes"]

_TIMEOUT = 60.0
_TOLD_ELSEWHERE = "nobody"
"""The receiver of teams that Alertmanager cannot page: FS424 and FS425 say so already."""

type Labels = Mapping[str, str]


def prove_routes(workspace: Workspace, compiled: Compiled, folder: Path, amtool: Path) -> tuple[Finding, ...]:
    """What is wrong with the routes of every compiled alert.

    Each alert is followed through the tree; amtool is asked about one alert for each way through it, so that it is not
    failsoft alone that says where alerts go. An alert that gets its team while it fires is followed for each team.

    Args:
        workspace: the teams.
        compiled: the alerts.
        folder: where the configuration was written.
        amtool: the program.
    """
    text = (folder / ALERTMANAGER_FILE).read_text(encoding="utf-8")
    configuration, findings = read_configuration(SourceFile(ALERTMANAGER_FILE, text))
    if configuration is None:
        return findings
    ways: dict[tuple[tuple[str | int, ...], ...], tuple[dict[str, str], frozenset[str]]] = {}
    found: dict[str, Finding] = {}
    for labels in _alerts(workspace, compiled, configuration):
        reached = deliveries(configuration, labels)
        names = frozenset(delivery.route.receiver for delivery in reached)
        ways.setdefault(tuple(delivery.route.path for delivery in reached), (labels, names))
        for finding in _wrong(workspace, configuration, labels, reached):
            found.setdefault(finding.message, finding)
    with ThreadPoolExecutor() as pool:
        judged = pool.map(lambda way: _judged(way[0], way[1], folder, amtool), ways.values())
        return (*found.values(), *(finding for finding in judged if finding is not None))


def _alerts(workspace: Workspace, compiled: Compiled, configuration: Configuration) -> Iterator[dict[str, str]]:
    relevant = configuration.labels() | {"alertname", "team"}
    seen: set[tuple[tuple[str, str], ...]] = set()
    for whole in alerts_of(compiled):
        known = {name: value for name, value in whole.items() if name in relevant}
        for labels in [known] if "team" in known else [known | {"team": team} for team in workspace.teams]:
            key = tuple(sorted(labels.items()))
            if key not in seen:
                seen.add(key)
                yield labels


def _wrong(
    workspace: Workspace, configuration: Configuration, labels: Labels, reached: tuple[Delivery, ...]
) -> Iterator[Finding]:
    place = Place(ALERTMANAGER_FILE)
    owner = receiver_of(workspace, labels["team"], labels["alertname"])
    names = {delivery.route.receiver for delivery in reached}
    who = f"{labels['alertname']} of the team {labels['team']}"
    if owner not in names:
        message = f"{who} reaches {', '.join(sorted(names))}"
        yield Finding(codes.MISROUTED, message, place, f"the receiver {owner}")
    for name in sorted(names):
        if name != _TOLD_ELSEWHERE and not configuration.receivers[name].ways:
            message = f"{who} falls to {name}, which tells nobody"
            yield Finding(codes.MISROUTED, message, place, "a receiver with a way out")


def _judged(labels: Labels, expected: frozenset[str], folder: Path, amtool: Path) -> Finding | None:
    pairs = [f"{name}={quoted(value)}" for name, value in labels.items()]
    command: list[str | Path] = [amtool, "config", "routes", "test", "--config.file", ALERTMANAGER_FILE, *pairs]
    done = run_tool(command, cwd=folder, timeout=_TIMEOUT)
    said = frozenset(name.strip() for name in done.stdout.replace("\n", ",").split(",") if name.strip())
    if done.ok and said == expected:
        return None
    message = (
        f"amtool sends {labels['alertname']} of the team {labels['team']} to {', '.join(sorted(said)) or 'nobody'}"
    )
    return Finding(codes.MISROUTED, message, Place(ALERTMANAGER_FILE), ", ".join(sorted(expected)), done.stderr.strip())
