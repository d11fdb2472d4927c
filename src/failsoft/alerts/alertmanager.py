"""The Alertmanager configuration: who hears which alert, and which alert makes which other one superfluous.

Every alert goes to failsoft's webhook, through the receiver of its team; what names no known team goes there too, so
that nothing falls to nobody.

Alerts about a dead failsoft, and the pages that failsoft itself sends through Alertmanager, must not end at failsoft
again: they go to the pager of the team. Alertmanager reads secrets from files only. A team whose key it cannot read is
covered by the pagers of the other teams; where there is none either, the receiver `nobody` holds them, visible in
Alertmanager alone, and a finding says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import yaml

from failsoft.alerts import codes
from failsoft.alerts.causes import explained
from failsoft.alerts.library import JOB_PAGES, RULE_LABEL, Answered, matchers_of, owners
from failsoft.alerts.presence import inhibitions as about_models
from failsoft.alerts.routing.intervals import known_zones, zone
from failsoft.findings import Finding, Place
from failsoft.slo.indicators import Score
from failsoft.slo.promql import quoted
from failsoft.slo.resolve import Objective
from failsoft.slo.series import BURN_ALERT, DOWN_ALERT, GROUP, STALE_ALERT, UNHEARD_ALERT
from failsoft.workspace.decode import nearest
from failsoft.workspace.kinds import TeamSpec
from failsoft.workspace.model import Document, Workspace

__all__ = ["PAGE_ALERT", "WEBHOOK_PATH", "alertmanager_file", "receiver_of"]

WEBHOOK_PATH = "/webhook/alertmanager"
"""Where `failsoft serve` takes Alertmanager's webhook."""

PAGE_ALERT = "FailsoftPage"
"""The alert by which failsoft pages a team whose pager is Alertmanager."""

_SEVERITIES: tuple[Literal["page", "ticket"], ...] = ("page", "ticket")
_PAST = (DOWN_ALERT, UNHEARD_ALERT, PAGE_ALERT)


class _Dumper(yaml.CSafeDumper):
    """YAML without anchors, which people would have to resolve in their heads."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML asks with it
        return True


def alertmanager_file(
    workspace: Workspace,
    objectives: Iterable[Objective],
    answered: Mapping[str, Answered] = MappingProxyType({}),
    *,
    origin: str,
) -> tuple[str, tuple[Finding, ...]]:
    """The text of the configuration, and what is wrong with it.

    Args:
        workspace: the teams.
        objectives: the SLOs.
        answered: who answers alerts that are no SLO's, by failure mode.
        origin: what it was made from, for the comment on top.
    """
    listed = tuple(objectives)
    place = workspace.config_at("spec", "server", "webhookSecret")
    secret, findings = _secret(workspace, place)
    inhibited, problems = _inhibitions(listed)
    hours = _hours(workspace)
    causes, idle = explained(workspace)
    configuration = {
        "route": _routes(workspace, owners(workspace) | {objective.team for objective in listed}, answered),
        "inhibit_rules": [*inhibited, *(about_models() if listed else []), *_about_jobs(listed), *causes],
        "receivers": _receivers(workspace, secret),
    } | ({"time_intervals": hours} if hours else {})
    text = yaml.dump(configuration, Dumper=_Dumper, sort_keys=False, width=10_000, default_flow_style=None)
    findings += [*problems, *idle, *_pager_findings(workspace), *_relative_keys(workspace), *_zones(workspace)]
    return f"# Written by failsoft compile from {origin}. Do not edit.\n{text}", tuple(findings)


def _secret(workspace: Workspace, place: Place) -> tuple[dict[str, Any], list[Finding]]:
    secret = workspace.config.server.webhook_secret
    if secret is None and workspace.may_hold("Workspace"):
        return {}, []
    if secret is None:
        message = "anybody who reaches the webhook of failsoft can start a runbook"
        hint = "add spec.server.webhookSecret: {file: PATH} to the document of kind Workspace"
        return {}, [Finding(codes.WEBHOOK_OPEN, message, place, "a shared secret", hint)]
    if secret.env:
        message = f"Alertmanager reads no environment, so it cannot show the secret in {secret.env}"
        hint = "write it to a file that both Alertmanager and failsoft can read"
        return {}, [Finding(codes.WEBHOOK_SECRET, message, place, "spec.server.webhookSecret: {file: PATH}", hint)]
    return {"http_config": {"authorization": {"credentials_file": secret.file}}}, _relative(secret.file, place)


def _relative(file: str, place: Place) -> list[Finding]:
    """Alertmanager takes a relative file as one beside its own configuration, failsoft as one of the workspace."""
    if file.startswith("/"):
        return []
    message = f"Alertmanager looks for {file} beside its own configuration, failsoft in the workspace"
    return [Finding(codes.SECRET_RELATIVE, message, place, "an absolute path, the same for both")]


def _routes(workspace: Workspace, fleet: frozenset[str], answered: Mapping[str, Answered]) -> dict[str, Any]:
    at = workspace.config.alertmanager
    past = "|".join(_PAST)
    routes: list[dict[str, Any]] = []
    for name in workspace.teams:
        team = f"team={quoted(name)}"
        beyond = {"receiver": _pager_receiver(workspace, name), "matchers": [f"alertname=~{quoted(past)}", team]}
        if name in fleet:
            routes += [*_answered_routes(workspace, name, answered), *_fleet_routes(workspace, name)]
        routes.append(beyond | {"group_by": ["alertname", "team", "slo", "model"]})
        if workspace.teams[name].spec.hours is not None:
            waiting = {"receiver": f"team-{name}", "matchers": [team, 'severity="ticket"']}
            routes.append(waiting | {"active_time_intervals": [_hours_name(name)]})
        routes.append({"receiver": f"team-{name}", "matchers": [team]})
    return {
        "receiver": "failsoft",
        "group_by": ["slo", "model"],
        "group_wait": str(at.group_wait),
        "group_interval": str(at.group_interval),
        "repeat_interval": str(at.repeat_interval),
        "routes": routes,
    }


def _answered_routes(workspace: Workspace, name: str, answered: Mapping[str, Answered]) -> list[dict[str, Any]]:
    """The way of a team's alerts that are no SLO's and that a runbook answers: to failsoft alone, which asks."""
    made = []
    for severity in _SEVERITIES:
        waits = severity == "ticket" and workspace.teams[name].spec.hours is not None
        for matchers in matchers_of(answered, workspace.models, severity):
            route = {
                "receiver": f"team-{name}",
                "matchers": [*matchers, f"team={quoted(name)}"],
                "group_by": ["failure_mode", "model", "team"],
            }
            made.append(route | ({"active_time_intervals": [_hours_name(name)]} if waits else {}))
    return made


def _fleet_routes(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """The way of a team's alerts that are no SLO's and that no runbook answers: failsoft would tell nobody of them."""
    team = workspace.teams[name].spec
    made = []
    for severity in _SEVERITIES:
        route = {
            "receiver": _pager_receiver(workspace, name),
            "matchers": [f'{RULE_LABEL}!=""', f"severity={quoted(severity)}", f"team={quoted(name)}"],
            "group_by": ["alertname", "team", "model", "namespace", "node", "severity"],
            "continue": True,
        }
        waits = severity == "ticket" and team.hours is not None
        made.append(route | ({"active_time_intervals": [_hours_name(name)]} if waits else {}))
    return made


def receiver_of(workspace: Workspace, team: str, alert: str) -> str:
    """The receiver that an alert of a team has to reach; the one for everybody where there is no such team."""
    if team not in workspace.teams:
        return "failsoft"
    return _pager_receiver(workspace, team) if alert in _PAST else f"team-{team}"


def _hours_name(team: str) -> str:
    return f"team-{team}-hours"


def _hours(workspace: Workspace) -> list[dict[str, Any]]:
    """When each team with hours is at work: outside of them, tickets wait."""
    return [
        {
            "name": _hours_name(name),
            "time_intervals": [
                {
                    "weekdays": list(hours.days),
                    "times": [{"start_time": hours.start, "end_time": hours.end}],
                    "location": hours.time_zone,
                }
            ],
        }
        for name, team in workspace.teams.items()
        if (hours := team.spec.hours) is not None
    ]


def _zones(workspace: Workspace) -> Iterator[Finding]:
    """Time zones that Alertmanager would not know either: with one of these it refuses the whole configuration."""
    for team in workspace.teams.values():
        if team.spec.hours is None:
            continue
        try:
            zone(team.spec.hours.time_zone)
        except ValueError as error:
            place = team.at("spec", "hours", "timeZone")
            hint = nearest(team.spec.hours.time_zone, known_zones())
            yield Finding(codes.UNKNOWN_ZONE, str(error), place, "a time zone such as Europe/Berlin", hint)


def _inhibitions(objectives: tuple[Objective, ...]) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Rules by which a page silences tickets, and a faster tier the slower ones of its severity, of one SLO."""
    after: dict[tuple[str, str], dict[str, None]] = {}
    findings: list[Finding] = []
    seen: set[str] = set()
    for objective in objectives:
        if objective.windows.name in seen:
            continue
        seen.add(objective.windows.name)
        tiers = objective.windows.spec.tiers
        for index, tier in enumerate(tiers):
            later = [other.name for other in tiers[index + 1 :] if other.severity == tier.severity]
            turned = [name for name in later if tier.name in after.get((tier.severity, name), {})]
            if turned:
                message = f"{tier.name} comes before {turned[0]} here, and after it in other windows that are in use"
                place = objective.windows.at("spec", "tiers", index, "name")
                hint = "Alertmanager would let each of the two silence the other; give one of them a name of its own"
                findings.append(Finding(codes.TIER_ORDER, message, place, "one order of tiers of one name", hint))
            after.setdefault((tier.severity, tier.name), {}).update(dict.fromkeys(later))
    burn = f"alertname={quoted(BURN_ALERT)}"
    # of a group too: one that pages must not silence another's ticket; SLOs without groups have none, which is equal
    same = {"equal": ["slo", "model", GROUP]}
    page, ticket = 'severity="page"', 'severity="ticket"'
    rules: list[dict[str, Any]] = [{"source_matchers": [burn, page], "target_matchers": [burn, ticket]} | same]
    for (severity, name), later_names in after.items():
        if later_names:
            grade = f"severity={quoted(severity)}"
            slower = f"burn_tier=~{quoted('|'.join(later_names))}"
            rules.append(
                {
                    "source_matchers": [burn, grade, f"burn_tier={quoted(name)}"],
                    "target_matchers": [burn, grade, slower],
                }
                | same
            )
    return rules, findings


def _about_jobs(objectives: tuple[Objective, ...]) -> list[dict[str, Any]]:
    """The library's pages about a drift job come before an SLO's that it is blind."""
    if not any(isinstance(one.sli, Score) and one.sli.judged_by == "job" for one in objectives):
        return []
    return [
        {
            "source_matchers": [*JOB_PAGES],
            "target_matchers": [f"alertname={quoted(STALE_ALERT)}"],
            "equal": ["model", "monitor", "team"],
        }
    ]


def _receivers(workspace: Workspace, secret: dict[str, Any]) -> list[dict[str, Any]]:
    url = workspace.config.server.url.rstrip("/") + WEBHOOK_PATH
    webhook = {"webhook_configs": [{"url": url, "send_resolved": True, "max_alerts": 0} | secret]}
    pagers = {name: _pager(team.spec) for name, team in workspace.teams.items()}
    reachable = [pager for pager in pagers.values() if pager is not None]
    receivers: list[dict[str, Any]] = [{"name": "failsoft"} | webhook]
    receivers += [{"name": f"team-{name}"} | webhook for name in workspace.teams]
    receivers += [{"name": f"pager-{name}", "pagerduty_configs": [pager]} for name, pager in pagers.items() if pager]
    used = {_pager_receiver(workspace, name) for name in workspace.teams}
    if "other-pagers" in used:
        receivers.append({"name": "other-pagers", "pagerduty_configs": reachable})
    if "nobody" in used:
        receivers.append({"name": "nobody"})
    return receivers


def _pager_receiver(workspace: Workspace, team: str) -> str:
    if _pager(workspace.teams[team].spec) is not None:
        return f"pager-{team}"
    return "other-pagers" if any(_pager(other.spec) for other in workspace.teams.values()) else "nobody"


def _pager(team: TeamSpec) -> dict[str, Any] | None:
    """The team's pager as Alertmanager can use it, None where it cannot."""
    duty = team.pager.pagerduty
    if duty is None or not duty.routing_key.file:
        return None
    return {
        "routing_key_file": duty.routing_key.file,
        "url": duty.url,
        "send_resolved": True,
        "severity": '{{ if eq .CommonLabels.severity "ticket" }}warning{{ else }}critical{{ end }}',
        "description": "{{ (index .Alerts 0).Annotations.summary }}",
    }


def _pager_findings(workspace: Workspace) -> list[Finding]:
    reach = any(_pager(team.spec) for team in workspace.teams.values())
    return [_pager_finding(team, covered=reach) for team in workspace.teams.values() if _pager(team.spec) is None]


def _relative_keys(workspace: Workspace) -> list[Finding]:
    found = []
    for team in workspace.teams.values():
        duty = team.spec.pager.pagerduty
        if duty is not None and duty.routing_key.file:
            found += _relative(duty.routing_key.file, team.at("spec", "pager", "pagerduty", "routingKey"))
    return found


def _pager_finding(team: Document[TeamSpec], *, covered: bool) -> Finding:
    instead = "the other teams are paged instead" if covered else "nobody is paged"
    place = team.at("spec", "pager")
    if team.spec.pager.stdout is not None:
        message = f"nothing but standard output pages {team.name}, so while failsoft is down {instead}"
        return Finding(codes.NO_PAGER, message, place)
    why: Mapping[str, str] = {
        "pagerduty": "reads no environment, so it cannot page with this key",
        "webhook": "cannot take a webhook's address from a secret",
        "alertmanager": "has no way out of its own in the compiled configuration",
    }
    message = (
        f"while failsoft is down {team.name} is not paged, for Alertmanager {why[team.spec.pager.choice]}; {instead}"
    )
    return Finding(
        codes.PAGER_UNREACHABLE, message, place, "pagerduty: {routingKey: {file: PATH}}, which Alertmanager can read"
    )
