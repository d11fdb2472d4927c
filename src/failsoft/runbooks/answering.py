"""Who answers an alert: a run, a page, or nobody anew, where it is only more of an outage that has been answered.

An incident is answered once for each outage and severity. Whatever joins it then adds a line to its thread, with these
exceptions: it pages while only tickets fire; it is the first of another failure mode; or the SLO was seen to recover,
and this alert began after that, which is a relapse, unless its tier is slower than one that fired before: a long window
tells of what is over for hours.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from failsoft.errors import FailsoftError
from failsoft.runbooks import subjects
from failsoft.runbooks.choose import choose, choose_for_mode
from failsoft.runbooks.pages import page
from failsoft.runbooks.store import incidents, outbox, runs, timeline
from failsoft.runbooks.store.incidents import Incident, page_key
from failsoft.runbooks.store.schema import episodes
from failsoft.runbooks.store.schema import runs as run_table
from failsoft.slo.queries import objective_of
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import RunbookSpec

__all__ = ["Joining", "answer", "join"]


@dataclass(frozen=True, slots=True)
class Joining:
    """An episode that joins an incident.

    Attributes:
        episode: its number.
        name: of its alert, for people.
        tier: its `burn_tier`, empty where it has none.
        severity: `page` or `ticket`.
        mode: the failure mode that it carries.
        began: seconds since the epoch.
        reopened: the incident was resolved before.
    """

    episode: int
    name: str
    tier: str
    severity: str
    mode: str
    began: float
    reopened: bool


def answer(connection: sa.Connection, workspace: Workspace, incident: Incident) -> str | None:
    """Start what answers an incident: a run, whose id this is, or a page where no runbook answers something urgent."""
    book = _book(workspace, incident)
    if book is not None:
        return runs.add(connection, incident, book.name, book.spec)
    text = f"No runbook answers {incident.failure_mode} of {subjects.name_of(incident.slo)}"
    timeline.tell(connection, "unanswered", text, incident=incident.id)
    if incident.severity == "page":
        page(connection, workspace, incident, f"{incident.failure_mode}, and no runbook answers it")
    return None


def _book(workspace: Workspace, incident: Incident) -> Document[RunbookSpec] | None:
    if incident.slo in workspace.slos:
        return choose(workspace, incident.slo, incident.failure_mode)
    return choose_for_mode(workspace, incident.failure_mode, workspace.models.get(incident.model))


def join(connection: sa.Connection, workspace: Workspace, incident: Incident, joining: Joining) -> str | None:
    """Say in the thread that an alert has joined the incident, and answer it where it is news; the run that does."""
    again = ": open again" if joining.reopened else ""
    timeline.tell(connection, "joined", f"{joining.name} fires too{again}", incident=incident.id)
    other = _other(connection, workspace, incident, joining)
    worse = incidents.worsen(connection, incident, joining.severity)
    newest = sa.select(run_table).where(run_table.c.incident_id == incident.id).order_by(run_table.c.created_at.desc())
    last = connection.execute(newest.limit(1)).first()
    if last is not None:
        known_well = last.outcome == "recovered" and joining.began <= last.ended_at and not other
        if last.state != "ended" or known_well:
            return None
        worse = worse or last.outcome == "resolved" or _relapse(connection, workspace, incident, joining, last)
    if worse or other:
        incidents.stands_for(connection, incident, joining.mode)
        now_so = incidents.incident(connection, incident.id) or incident
        return answer(connection, workspace, now_so)
    if joining.reopened and joining.severity == "page" and not outbox.keep_page(connection, page_key(incident)):
        page(connection, workspace, incident, f"{joining.name} fires still")
    return None


def _other(connection: sa.Connection, workspace: Workspace, incident: Incident, joining: Joining) -> bool:
    """Whether no alert of the incident carried that failure mode before."""
    before = sa.select(episodes.c.failure_mode).where(
        episodes.c.incident_id == incident.id, episodes.c.id != joining.episode
    )
    known = subjects.modes(workspace, incident.slo)
    carried = {mode if mode in known else known[0] for mode in connection.scalars(before.distinct())}
    return joining.mode not in carried | {incident.failure_mode}


def _relapse(
    connection: sa.Connection, workspace: Workspace, incident: Incident, joining: Joining, last: sa.Row[tuple[object]]
) -> bool:
    """Whether the alert began after a run had ended well, and is not only slow to tell."""
    if last.outcome not in {"recovered", "done", "incomplete"} or joining.began <= last.ended_at:
        return False
    before = sa.select(episodes.c.burn_tier).where(
        episodes.c.incident_id == incident.id, episodes.c.id != joining.episode
    )
    order = _tiers(workspace, incident.slo)
    known = [order.index(tier) for tier in connection.scalars(before.distinct()) if tier in order]
    return not known or joining.tier not in order or order.index(joining.tier) <= min(known)


def _tiers(workspace: Workspace, slo: str) -> list[str]:
    """The names of the SLO's tiers, fastest first; none where it cannot be compiled any more."""
    try:
        return [tier.name for tier in objective_of(workspace, slo).windows.spec.tiers]
    except FailsoftError:
        return []
