"""`failsoft routes`: who gets an alert, and why."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from failsoft.cli.common import alertmanager_option, finish, load_clean, report, workspace_argument
from failsoft.errors import UsageError
from failsoft.findings import Severity

if TYPE_CHECKING:
    from failsoft.alerts import Compiled
    from failsoft.alerts.routing import Configuration, Delivery

__all__ = ["alerts_of", "command"]

type Labels = dict[str, str]


@click.command("routes")
@click.argument("alert")
@workspace_argument
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of the alert; may be repeated.")
@click.option("--at", "moment", metavar="TIME", help="Whether it is told at this time, such as 2027-01-30T03:00+01:00.")
@alertmanager_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(  # noqa: PLR0913  # an argument for each option
    *, alert: str, workspace: Path, labels: tuple[str, ...], moment: str | None, alertmanager: Path | None, output: str
) -> None:
    """Show who gets ALERT, the name of an alert or of an SLO, and why.

    An alert that WORKSPACE does not make is taken with the labels given, as one of somebody else's. Alerts that go the
    same way are shown together.
    Exit codes: 0 somebody gets it, 1 nobody does, 2 could not start.
    """
    from failsoft.cli.compile import compiled

    at = _moment(moment)
    loaded, warnings = load_clean(workspace, "text", alertmanager)
    made, problems = compiled(loaded, tests=False)
    if any(finding.severity is Severity.ERROR for finding in problems):
        finish((*warnings, *problems), "text", "", workspace)
    configuration, findings = _read(made)
    if configuration is None:
        report(findings, "text", workspace)
        sys.exit(1)
    everyone = alerts_of(made)
    answers = [
        _answer(configuration, everyone, one, count, at)
        for one, count in _asked(made, configuration, alert, _pairs(labels))
    ]
    click.echo(json.dumps({"alerts": answers}, indent=2) if output == "json" else _shown(answers))
    sys.exit(0 if all(any(way["ways"] for way in answer["receivers"]) for answer in answers) else 1)


def alerts_of(made: "Compiled") -> tuple[dict[str, str], ...]:
    """The labels of every alert that was compiled, its name among them."""
    return tuple({"alertname": one.name} | dict(one.labels) for unit in made.units for one in unit.alerts)


def _read(made: "Compiled") -> "tuple[Configuration | None, tuple[Any, ...]]":
    from failsoft.alerts import ALERTMANAGER_FILE
    from failsoft.alerts.routing import read_configuration
    from failsoft.workspace.tree import SourceFile

    return read_configuration(SourceFile(ALERTMANAGER_FILE, made.files[ALERTMANAGER_FILE]))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    refusal = UsageError(f"--at {text} is no time: write 2027-01-30T03:00, or with a zone 2027-01-30T03:00+01:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise refusal from error
    if moment.year in {MINYEAR, MAXYEAR}:  # in another zone it may be in no year that Python knows
        raise refusal
    return moment


def _pairs(labels: tuple[str, ...]) -> dict[str, str]:
    wrong = [label for label in labels if not re.match(r"[^=]+=", label)]
    if wrong:
        raise UsageError(f"--label {wrong[0]} is not of the form NAME=VALUE")
    return dict(label.split("=", 1) for label in labels)


def _asked(
    made: "Compiled", configuration: "Configuration", alert: str, given: Labels
) -> Iterator[tuple[dict[str, str], int]]:
    """The alerts that are meant, those that no route can tell apart as one, with how many they are."""
    named = [one for one in alerts_of(made) if alert in {one["alertname"], one.get("slo")}]
    meant = [one | given for one in named if all(one.get(name, value) == value for name, value in given.items())]
    relevant = configuration.labels() | configuration.silencing_labels() | {"alertname", *given}
    groups: dict[tuple[tuple[str, str], ...], list[dict[str, str]]] = {}
    for one in meant:
        key = tuple(sorted((name, value) for name, value in one.items() if name in relevant))
        groups.setdefault(key, []).append(one)
    if not groups:
        if not given and not named:
            raise _unmade(made, alert)
        yield {"alertname": alert} | given, 0
    for members in groups.values():
        same = set.intersection(*(set(one.items()) for one in members))
        yield dict(sorted(same)), len(members)


def _unmade(made: "Compiled", alert: str) -> UsageError:
    from failsoft.workspace.decode import nearest

    known = {name for one in alerts_of(made) for name in (one["alertname"], one.get("slo", "")) if name}
    hint = nearest(alert, sorted(known))
    return UsageError(
        f"no rule of this workspace makes {alert!r}{'; ' + hint if hint else ''}; "
        "of an alert of somebody else's, give the labels with --label"
    )


def _answer(
    configuration: "Configuration", everyone: Sequence[Labels], labels: Labels, count: int, at: datetime | None
) -> dict[str, Any]:
    from failsoft.alerts.routing import deliveries, silencers

    silent = silencers(configuration, labels, everyone)
    return {
        "alert": labels,
        "count": count,
        "receivers": [_receiver(configuration, delivery, at) for delivery in deliveries(configuration, labels)],
        "silencedBy": [
            {"alert": {name: other[name] for name in sorted(other)}, "rule": _path(rule.path), "same": list(rule.equal)}
            for rule, other in silent
        ],
    }


def _receiver(configuration: "Configuration", delivery: "Delivery", at: datetime | None) -> dict[str, Any]:
    route = delivery.route
    wait, interval, repeat = route.timing
    return {
        "receiver": route.receiver,
        "ways": list(configuration.receivers[route.receiver].ways),
        "route": _path(route.path),
        "because": [
            str(one)
            for step in delivery.steps
            if step.failed is None and _on_way(step.route, route)
            for one in step.route.conditions
        ],
        "passed": [
            {"route": _path(step.route.path), "receiver": step.route.receiver, "not": str(step.failed)}
            for step in delivery.steps
            if step.failed is not None
        ],
        "groupBy": list(route.group_by),
        "timing": {"wait": wait, "interval": interval, "repeat": repeat},
        "active": list(route.active),
        "mute": list(route.mute),
        **(_at(configuration, delivery, at) if at is not None else {}),
    }


def _at(configuration: "Configuration", delivery: "Delivery", moment: datetime) -> dict[str, str]:
    """Why it is held back at a moment; where hours are Local, with the zone that this machine has."""
    from failsoft.alerts.routing.intervals import LOCAL, in_zone

    told = {"heldBack": delivery.muted(configuration, moment)}
    return told | ({"local": f"{in_zone(moment, LOCAL):%Z}"} if delivery.by_local(configuration) else {})


def _on_way(step: Any, end: Any) -> bool:
    return bool(end.path[: len(step.path)] == step.path)


def _path(path: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _shown(answers: Sequence[dict[str, Any]]) -> str:
    """As text: those that go the same way together, and what silences each of them."""
    same: dict[str, list[dict[str, Any]]] = {}
    for answer in answers:
        same.setdefault(json.dumps(answer["receivers"]), []).append(answer)
    lines = []
    for together in same.values():
        for answer in together:
            count = answer["count"]
            lines.append(_named(answer["alert"]) + (f"  ({count} alerts)" if count > 1 else ""))
        lines += _ways(together[0])
        shared = set.intersection(*(set(answer["alert"].items()) for answer in together))
        for answer in together:
            own = [f'{name}="{value}"' for name, value in answer["alert"].items() if (name, value) not in shared]
            lines += _silences(answer, f"{', '.join(own)} " if own else "")
    return "\n".join(lines)


def _ways(answer: dict[str, Any]) -> list[str]:
    lines = []
    for one in answer["receivers"]:
        lines.append(f"  -> {one['receiver']}: {', '.join(one['ways']) or 'NOBODY is told'}")
        nothing = "no other route takes it" if one["route"] == "route" else "it takes every alert"
        because = ", ".join(one["because"]) or nothing
        lines.append(f"     because {because} ({one['route']})")
        lines += [f"     not {past['receiver']} ({past['route']}), which needs {past['not']}" for past in one["passed"]]
        together = ", ".join(one["groupBy"])
        grouped = f"with others of the same {together}" if together else "all in one"
        timing = one["timing"]
        lines.append(
            f"     told {grouped}: first after {timing['wait']}, changes after {timing['interval']}, "
            f"again every {timing['repeat']}"
        )
        lines += [f"     only within {name}" for name in one["active"]]
        lines += [f"     never within {name}" for name in one["mute"]]
        if "heldBack" in one:
            where = f", where Local is {one['local']} as on this machine" if "local" in one else ""
            lines.append(f"     at that time: {'held back, ' + one['heldBack'] if one['heldBack'] else 'told'}{where}")
    return lines


def _silences(answer: dict[str, Any], which: str) -> list[str]:
    lines = []
    for rule in dict.fromkeys((one["rule"], tuple(one["same"])) for one in answer["silencedBy"]):
        sources = [_named(one["alert"]) for one in answer["silencedBy"] if one["rule"] == rule[0]]
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        lines.append(f"  {which}silent while {sources[0]}{more} fires with the same {', '.join(rule[1])} ({rule[0]})")
    return lines


def _named(labels: Labels) -> str:
    rest = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "alertname")
    return f"{labels.get('alertname', '')}{{{rest}}}"
