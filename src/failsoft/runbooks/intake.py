"""Taking in what Alertmanager says: deliveries become episodes, episodes become incidents, incidents start runbooks.

One episode is one (fingerprint, startsAt). One incident is open at a time for one (slo, model); episodes of all its
alerts and their flaps attach to it, and it is resolved when none of them fires. An alert that began during an incident
and is told of after its end belongs to it too. Deliveries come at least once and in
any order, so everything here may be done twice and changes nothing the second time.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from failsoft.runbooks.alerts import Alert, Delivery
from failsoft.runbooks.choose import choose
from failsoft.runbooks.pages import page
from failsoft.runbooks.store import incidents, runs, timeline
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.schema import deliveries, episodes
from failsoft.runbooks.store.schema import incidents as incident_table
from failsoft.runbooks.store.schema import runs as run_table
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
    # In one order, so that two deliveries of the same alerts never wait for each other.
    for alert in sorted(delivery.alerts, key=lambda one: (_named(one), one.fingerprint, one.starts_at)):
        _alert(connection, workspace, alert, changes)
    return Receipt(tuple(changes.opened), tuple(changes.resolved), tuple(changes.runs), changes.unclaimed)


def _named(alert: Alert) -> tuple[str, str]:
    return alert.labels.get("slo", ""), alert.labels.get("model", "")


def _alert(connection: sa.Connection, workspace: Workspace, alert: Alert, changes: _Changes) -> None:
    note = _unclaimed(workspace, alert)
    episode, new = _episode(connection, alert, note)
    moment = now(connection)
    late = not new and episode.status == "resolved" and moment - (episode.resolved_at or moment) < LATE_S
    if note:
        changes.unclaimed += 1
        if new:
            name = alert.labels.get("alertname", alert.fingerprint)
            timeline.tell(connection, "unclaimed", f"The alert {name} belongs to no incident: {note}", incident=None)
    wanted = sa.update(episodes).where(episodes.c.id == episode.id)
    connection.execute(wanted.values(last_seen=moment))
    if alert.status == "firing" and (new or (episode.status == "resolved" and not late)):
        connection.execute(
            wanted.values(status="firing", resolved_at=None, reopened=episodes.c.reopened + (0 if new else 1))
        )
        if not note:
            _fires(connection, workspace, alert, episode.id, changes, new_episode=new)
    elif alert.status == "resolved" and episode.status == "firing":
        connection.execute(wanted.values(status="resolved", resolved_at=moment))
        if episode.incident_id is not None:
            _ends(connection, episode.incident_id, changes)


def _unclaimed(workspace: Workspace, alert: Alert) -> str:
    """Why the alert belongs to no incident; empty when it does."""
    slo, model = _named(alert)
    if not slo or not model:
        return "it has no label " + ("slo" if not slo else "model")
    declared = workspace.slos.get(slo)
    if declared is None:
        return f"there is no SLO {slo[:80]!r} in the workspace"
    if declared.spec.model != model or model not in workspace.models:
        return f"the SLO {slo} is not one of the model {model[:80]!r}"
    return ""


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


def _fires(  # noqa: PLR0913  # an alert, and what it changes
    connection: sa.Connection,
    workspace: Workspace,
    alert: Alert,
    episode: int,
    changes: _Changes,
    *,
    new_episode: bool,
) -> None:
    slo, model = _named(alert)
    declared = workspace.slos[slo].spec
    # Whatever is no ticket to the letter may be urgent.
    severity = "ticket" if alert.labels.get("severity") == "ticket" else "page"
    reopened = new_episode and incidents.reopen(connection, slo, model, alert.starts_at.timestamp())
    incident, new = incidents.open_incident(
        connection,
        slo=slo,
        model=model,
        team=workspace.models[model].spec.owner,
        origin="alert",
        severity=severity,
        failure_mode=declared.stands_for,
    )
    connection.execute(sa.update(episodes).where(episodes.c.id == episode).values(incident_id=incident.id))
    name = alert.labels.get("alertname", slo)
    tier = f" ({alert.labels['burn_tier']})" if "burn_tier" in alert.labels else ""
    if new:
        timeline.tell(connection, "opened", f"{name}{tier} fires", incident=incident.id, aloud=False)
        changes.opened.append(incident.id)
        run = _answer(connection, workspace, incident)
        changes.runs += [run] if run else []
        return
    if incident.origin == "hand":
        adopted = sa.update(incident_table).where(incident_table.c.id == incident.id).values(origin="alert")
        connection.execute(adopted)
    timeline.tell(connection, "joined", f"{name}{tier} fires too", incident=incident.id, aloud=False)
    if reopened and not _handled(connection, incident.id, alert.starts_at.timestamp()):
        run = _answer(connection, workspace, incident)
        changes.runs += [run] if run else []
        return
    if incidents.worsen(connection, incident, severity) and not _driven(connection, incident.id):
        page(connection, workspace, incident, f"{name} fires, and no runbook is at work on it")


def _answer(connection: sa.Connection, workspace: Workspace, incident: Incident) -> str | None:
    """Start what answers a new incident: a run, or a page where there is no runbook for something urgent."""
    book = choose(workspace, incident.slo)
    if book is not None:
        return runs.add(connection, incident, book.name, book.spec)
    text = f"No runbook answers {incident.failure_mode} of {incident.slo}"
    timeline.tell(connection, "unanswered", text, incident=incident.id)
    if incident.severity == "page":
        page(connection, workspace, incident, f"{incident.failure_mode}, and no runbook answers it")
    return None


def _driven(connection: sa.Connection, number: int) -> bool:
    going = sa.select(run_table.c.id).where(run_table.c.incident_id == number, run_table.c.state != "ended")
    return connection.scalar(going.limit(1)) is not None


def _handled(connection: sa.Connection, number: int, began: float) -> bool:
    """Whether a run of the incident is at work, or has seen the SLO recover since the alert began."""
    recovered = (run_table.c.outcome == "recovered") & (run_table.c.ended_at >= began)
    told = sa.select(run_table.c.id).where(
        run_table.c.incident_id == number, (run_table.c.state != "ended") | recovered
    )
    return connection.scalar(told.limit(1)) is not None


def _ends(connection: sa.Connection, number: int, changes: _Changes) -> None:
    incident = incidents.lock_incident(connection, number)
    if incident.state == "open" and incidents.firing(connection, number) == 0:
        incidents.resolve(connection, incident, "All its alerts are resolved")
        changes.resolved.append(number)
