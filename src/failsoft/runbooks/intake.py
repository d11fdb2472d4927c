"""Taking in what Alertmanager says: deliveries become episodes, episodes become incidents, incidents start runbooks.

One episode is one (fingerprint, startsAt). One incident is open at a time for one SLO, or one failure mode of alerts
that are no SLO's, and its model; episodes of all its alerts and their flaps attach to it, and it is resolved when none
of them fires. An alert that began during an incident and is told of after its end belongs to it too. Its page is
resolved as soon as none of its alerts that page fires. Deliveries come at least once and in any order, so everything
here may be done twice and changes nothing again.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from failsoft.runbooks.alerts import Alert, Delivery
from failsoft.runbooks.answering import Joining, answer, join
from failsoft.runbooks.store import incidents, outbox, timeline
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import deliveries, episodes
from failsoft.runbooks.store.schema import incidents as incident_table
from failsoft.runbooks.subjects import Claim, claim
from failsoft.slo.series import GROUP
from failsoft.workspace import Workspace

__all__ = ["LATE_S", "Receipt", "take_in"]

LATE_S = 900.0
"""Seconds after its end in which an episode that is told of as firing is only late news.

Alertmanager tries a notification again for some minutes. Later than this it does fire again under its old start: so
it is when Prometheus was away, the alert ran out, and Prometheus came back with the alerts it had."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a delivery changed.

    Attributes:
        opened, resolved: the numbers of the incidents that it opened and resolved.
        runs: the runs that are to be started.
        unclaimed: how many of its alerts belong to no incident.
    """

    opened: tuple[int, ...] = ()
    resolved: tuple[int, ...] = ()
    runs: tuple[str, ...] = ()
    unclaimed: int = 0


@dataclass(slots=True)
class _Changes:
    opened: list[int]
    resolved: list[int]
    runs: list[str]
    unclaimed: int = 0


def take_in(connection: sa.Connection, workspace: Workspace, delivery: Delivery) -> Receipt:
    """Take a delivery in, within the caller's transaction: after its commit, Alertmanager may be told 200."""
    connection.execute(
        sa.insert(deliveries).values(
            at=now(connection),
            receiver=delivery.receiver,
            group_key=delivery.group_key,
            status=delivery.status,
            truncated=delivery.truncated,
            alerts=[[alert.fingerprint, alert.starts_at.isoformat(), alert.status] for alert in delivery.alerts],
        )
    )
    changes = _Changes([], [], [])
    # Locked in one order, so that two deliveries of the same alerts never wait for each other.
    known = [
        (alert, claimed, *_episode(connection, alert, claimed if isinstance(claimed, str) else ""))
        for alert in _once_each(delivery.alerts)
        for claimed in (claim(workspace, dict(alert.labels)),)
    ]
    # What fires goes first: a slower tier keeps the incident open that the end of the faster one would resolve.
    for alert, claimed, episode, new in sorted(known, key=lambda one: one[0].status != "firing"):
        _alert(connection, workspace, alert, claimed, episode, changes, new=new)
    return Receipt(tuple(changes.opened), tuple(changes.resolved), tuple(changes.runs), changes.unclaimed)


def _once_each(alerts: tuple[Alert, ...]) -> list[Alert]:
    """One alert for each episode, in the order of the episodes; where one is told of twice, its end is what counts."""
    told: dict[tuple[object, ...], Alert] = {}
    for alert in alerts:
        key = (*_named(alert), alert.fingerprint, alert.starts_at)
        if key not in told or alert.status == "resolved":
            told[key] = alert
    return [told[key] for key in sorted(told)]


def _named(alert: Alert) -> tuple[str, str]:
    return alert.labels.get("slo", ""), alert.labels.get("model", "")


def _alert(  # noqa: PLR0913, PLR0917  # an alert, what is known of it, and what it changes
    connection: sa.Connection,
    workspace: Workspace,
    alert: Alert,
    claimed: Claim | str,
    episode: sa.Row[Any],
    changes: _Changes,
    *,
    new: bool,
) -> None:
    moment = now(connection)
    late = not new and episode.status == "resolved" and moment - (episode.resolved_at or moment) < LATE_S
    if isinstance(claimed, str):
        changes.unclaimed += 1
        if new:
            name = alert.labels.get("alertname", alert.fingerprint)
            timeline.tell(connection, "unclaimed", f"The alert {name} belongs to no incident: {claimed}", incident=None)
    wanted = sa.update(episodes).where(episodes.c.id == episode.id)
    connection.execute(wanted.values(last_seen=moment))
    if alert.status == "firing" and (new or (episode.status == "resolved" and not late)):
        connection.execute(
            wanted.values(status="firing", resolved_at=None, reopened=episodes.c.reopened + (0 if new else 1))
        )
        if not isinstance(claimed, str):
            _fires(connection, workspace, alert, claimed, episode.id, changes, new_episode=new)
    elif alert.status == "resolved" and episode.status == "firing":
        connection.execute(wanted.values(status="resolved", resolved_at=moment))
        if episode.incident_id is not None:
            _ends(connection, episode.incident_id, changes)


def _whose(workspace: Workspace, alert: Alert) -> str:
    """Of which group it tells. An incident is the SLO's: one bad engine is not one for each of its tenants."""
    slo = workspace.slos.get(alert.labels.get("slo", ""))
    declared, group = slo.spec.group_by if slo else None, alert.labels.get(GROUP, "")
    return f" for {declared.label} {group[:80]}" if declared and group else ""


def _episode(connection: sa.Connection, alert: Alert, note: str) -> tuple[sa.Row[Any], bool]:
    """The episode's row, locked, added where it is new; and whether it is."""
    identity = {"fingerprint": alert.fingerprint, "starts_at": alert.starts_at.isoformat(timespec="microseconds")}
    known = sa.select(episodes).where(*(episodes.c[name] == value for name, value in identity.items()))
    moment = now(connection)
    labels = alert.labels
    added = connection.execute(
        incidents.insert_or_ignore(connection, episodes)
        .values(
            **identity,
            status=alert.status,
            alertname=labels.get("alertname", ""),
            slo=labels.get("slo", ""),
            model=labels.get("model", ""),
            severity=labels.get("severity", ""),
            burn_tier=labels.get("burn_tier", ""),
            failure_mode=labels.get("failure_mode", ""),
            labels=dict(labels),
            annotations=dict(alert.annotations),
            first_seen=moment,
            last_seen=moment,
            resolved_at=moment if alert.status == "resolved" else None,
            note=note,
        )
        .returning(episodes)
    ).first()
    if added is not None:
        return added, True
    return connection.execute(known.with_for_update(key_share=True)).one(), False


def _fires(  # noqa: PLR0913, PLR0917  # an alert, and what it changes
    connection: sa.Connection,
    workspace: Workspace,
    alert: Alert,
    claimed: Claim,
    episode: int,
    changes: _Changes,
    *,
    new_episode: bool,
) -> None:
    subject, model, mode = claimed.subject, claimed.model, claimed.mode
    # Whatever is no ticket to the letter may be urgent.
    severity = "ticket" if alert.labels.get("severity") == "ticket" else "page"
    # One that fires again under its old start is as new as one that begins now.
    began = alert.starts_at.timestamp() if new_episode else now(connection)
    reopened = new_episode and incidents.reopen(connection, subject, model, began, severity)
    incident, opened = incidents.open_incident(
        connection,
        slo=subject,
        model=model,
        team=claimed.team,
        origin="alert",
        severity=severity,
        failure_mode=mode,
    )
    connection.execute(sa.update(episodes).where(episodes.c.id == episode).values(incident_id=incident.id))
    name, tier = alert.labels.get("alertname", subject), alert.labels.get("burn_tier", "")
    told = name + (f" ({tier})" if tier else "") + _whose(workspace, alert)
    if opened:
        timeline.tell(connection, "opened", f"{told} fires", incident=incident.id, aloud=False)
        changes.opened.append(incident.id)
        run = answer(connection, workspace, incident)
    else:
        if incident.origin == "hand":
            adopted = sa.update(incident_table).where(incident_table.c.id == incident.id).values(origin="alert")
            connection.execute(adopted)
        joining = Joining(episode, told, tier, severity, mode, began, reopened=reopened)
        run = join(connection, workspace, incident, joining)
    changes.runs += [run] if run else []


def _ends(connection: sa.Connection, number: int, changes: _Changes) -> None:
    incident = incidents.lock_incident(connection, number)
    if incident.state != "open":
        return
    if incidents.firing(connection, number) == 0:
        incidents.resolve(connection, incident, "All its alerts are resolved")
        changes.resolved.append(number)
    elif incident.severity == "page" and incidents.firing(connection, number, urgent=True) == 0:
        incidents.ease(connection, incident)
        outbox.put_resolve(connection, incidents.page_key(incident))
        timeline.tell(connection, "eased", "Nothing that pages fires any more, only tickets do", incident=number)
