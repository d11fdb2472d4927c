"""Paging the owner of an incident: one page for each incident, under one key, however often it is said."""

from collections.abc import Mapping

import sqlalchemy as sa

from failsoft.clients.pager import Link, PageEvent
from failsoft.runbooks.store import outbox, timeline
from failsoft.runbooks.store.incidents import Incident, page_key
from failsoft.runbooks.subjects import name_of, what
from failsoft.workspace import Workspace

__all__ = ["links", "page"]


def page(  # noqa: PLR0913  # what a page needs
    connection: sa.Connection,
    workspace: Workspace,
    incident: Incident,
    why: str,
    *,
    run: str | None = None,
    runbook: str = "",
    details: Mapping[str, str] | None = None,
) -> None:
    """Page the team of the incident, and say so in the thread. It is sent after the commit, whatever Slack does."""
    event = PageEvent(
        action="trigger",
        dedup_key=page_key(incident),
        severity="critical" if incident.severity == "page" else "warning",
        summary=f"{name_of(incident.slo)}{f' of {incident.model}' if incident.model else ''}: {why}",
        source=incident.model or incident.team,
        links=tuple(Link(href, text) for text, href in links(workspace, incident, runbook).items()),
        details={
            "incident": str(incident.id),
            what(incident.slo).lower(): name_of(incident.slo),
            "model": incident.model,
            "failure mode": incident.failure_mode,
            **({"run": run, "runbook": runbook} if run else {}),
            **(details or {}),
        },
    )
    outbox.put_page(connection, incident.team, event)
    timeline.tell(connection, "page", f"Paged {incident.team}: {why}", incident=incident.id, run=run)


def links(workspace: Workspace, incident: Incident, runbook: str = "") -> dict[str, str]:
    """The links of the workspace, filled in, by their text."""
    templates = {"dashboard": workspace.config.links.dashboard, "runbook": workspace.config.links.runbook}
    values = {"slo": name_of(incident.slo), "model": incident.model, "runbook": runbook}
    filled = {}
    for text, template in templates.items():
        if template and (runbook or "{runbook}" not in template):
            for name, value in values.items():
                template = template.replace(f"{{{name}}}", value)  # noqa: PLW2901  # filled in place by place
            filled[text] = template
    return filled
