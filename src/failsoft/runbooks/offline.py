"""For the command line: the database that `failsoft serve` made, opened without any engine and without the server."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from failsoft.errors import UsageError
from failsoft.runbooks.decisions import Answer, Verdict, decide
from failsoft.runbooks.store import approvals, runs
from failsoft.runbooks.store.approvals import Approval
from failsoft.runbooks.store.engine import database_url, is_sqlite, open_engine, transaction
from failsoft.runbooks.store.migrations import migrated
from failsoft.workspace import Workspace

__all__ = ["answer", "find_question", "opened"]


@contextmanager
def opened(workspace: Workspace, url: str = "") -> Iterator[sa.Engine]:
    """The workspace's database, or that of a URL.

    Raises:
        UsageError: there is none yet, or it is of another version.
        UnavailableError: it does not answer.
    """
    engine = open_engine(url or database_url(workspace))
    try:
        if is_sqlite(engine):
            from pathlib import Path

            # opening would make an empty file
            if not Path(engine.url.database or "").is_file():
                raise UsageError(f"there is no database {engine.url.database}: `failsoft serve` makes it")
        if not migrated(engine):
            raise UsageError("the database is not of this version: start `failsoft serve` of this version once")
        yield engine
    finally:
        engine.dispose()


def find_question(connection: sa.Connection, what: str) -> Approval:
    """The question that waits: by the id of its run, by the number of its incident, or the only one when `what` is "".

    Raises:
        UsageError: there is none, or more than one.
    """
    asked = []
    for question in approvals.waiting(connection):
        run = runs.read(connection, question.run_id)
        if run is not None and what in {"", run.id, str(run.incident_id)}:
            asked.append((run, question))
    if len(asked) == 1:
        return asked[0][1]
    if not asked:
        raise UsageError("nothing waits for an answer" + (f" there: {what}" if what else ""))
    known = ", ".join(f"{run.id} (incident {run.incident_id})" for run, _ in asked)
    raise UsageError(f"several questions wait: say which of {known}")


def answer(engine: sa.Engine, workspace: Workspace, question: Approval, verdict: Verdict, person: str) -> Answer:
    """Answer a question as a person of the workspace; a worker that lives will find it within a moment."""
    with transaction(engine) as connection:
        return decide(connection, workspace, question.token, verdict, user=person, via="cli")
