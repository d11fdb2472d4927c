"""Starting a runbook by hand: a run like any other, with somebody who asked for it and so may not approve it."""

import sqlalchemy as sa

from failsoft.errors import NotFoundError, RefusedError
from failsoft.runbooks.choose import possible
from failsoft.runbooks.store import incidents, runs, timeline
from failsoft.runbooks.store.schema import runs as run_table
from failsoft.workspace import Workspace
from failsoft.workspace.answering import answers, modes_of

__all__ = ["Started", "start_by_hand"]

type Started = tuple[str, int]
"""The id of a run, and the number of its incident."""


def start_by_hand(connection: sa.Connection, workspace: Workspace, runbook: str, slo: str, requester: str) -> Started:
    """Add a run for a person, to the open incident of the SLO or to a new one; a worker will find it.

    Args:
        connection: the transaction.
        workspace: what is declared.
        runbook: the name of the runbook.
        slo: the SLO that it is for; empty where it answers only one.
        requester: the name of a person of the workspace.

    Raises:
        NotFoundError: there is no such runbook, SLO or person.
        RefusedError: the runbook cannot be done there, or a run is at work already.
    """
    book = workspace.runbooks.get(runbook)
    if book is None:
        raise NotFoundError(f"there is no runbook {runbook!r}")
    if not any(person.name == requester for team in workspace.teams.values() for person in team.spec.people):
        raise NotFoundError(f"no team has a person named {requester!r}")
    if not slo:
        fitting = [name for name, document in workspace.slos.items() if answers(book, document)]
        if len(fitting) != 1:
            known = ", ".join(fitting) or "none"
            raise RefusedError(f"say for which SLO: the runbook {runbook} answers {known}")
        slo = fitting[0]
    declared = workspace.slos.get(slo)
    if declared is None:
        raise NotFoundError(f"there is no SLO {slo!r}")
    model = workspace.models[declared.spec.model]
    if not possible(workspace, book.spec, model.name):
        raise RefusedError(f"the model {model.name} lacks what the runbook {runbook} changes")
    incident, new = incidents.open_incident(
        connection,
        slo=slo,
        model=model.name,
        team=model.spec.owner,
        origin="hand",
        severity="ticket",
        failure_mode=next(
            (mode for mode in modes_of(declared) if answers(book, declared, mode)), modes_of(declared)[0]
        ),
    )
    going = sa.select(run_table.c.id).where(run_table.c.incident_id == incident.id, run_table.c.state != "ended")
    busy = connection.scalar(going.limit(1))
    if busy is not None:
        raise RefusedError(f"{busy} is at work on incident {incident.id} already")
    if new:
        timeline.tell(connection, "opened", f"Opened by {requester}", incident=incident.id, aloud=False)
    run_id = runs.add(connection, incident, runbook, book.spec, requester=requester)
    return run_id, incident.id
