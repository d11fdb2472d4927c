"""`failsoft approve` and `failsoft deny`: answer a runbook's question when Slack is down."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import click

from failsoft.cli.common import workspace_argument
from failsoft.cli.records import database_option, person_option, records
from failsoft.errors import RefusedError

__all__ = ["approve", "deny"]


def _answering[F: Callable[..., object]](function: F) -> F:
    for decorate in (
        database_option,
        click.option("--yes", is_flag=True, help="Do not ask again."),
        click.option("--plan", "hash_", metavar="HASH", default="", help="The plan that was looked at."),
        person_option,
        workspace_argument,
        click.argument("question", metavar="RUN"),
    ):
        function = decorate(function)
    return function


@click.command("approve")
@_answering
def approve(  # noqa: PLR0913  # options of a command
    *, question: str, workspace: Path, person: str, hash_: str, yes: bool, database: str
) -> None:
    """Approve the plan of RUN, the id of a run or the number of an incident, in WORKSPACE.

    Exit codes: 0 your answer counts, 1 it does not, 2 could not start.
    """
    _answer("approve", question, workspace, person, hash_, database, yes=yes)


@click.command("deny")
@_answering
def deny(  # noqa: PLR0913  # options of a command
    *, question: str, workspace: Path, person: str, hash_: str, yes: bool, database: str
) -> None:
    """Deny the plan of RUN, the id of a run or the number of an incident, in WORKSPACE.

    Exit codes: 0 your answer counts, 1 it does not, 2 could not start.
    """
    _answer("deny", question, workspace, person, hash_, database, yes=yes)


def _answer(  # noqa: PLR0913, PLR0917  # the options of the command
    verdict: Literal["approve", "deny"],
    question: str,
    workspace: Path,
    person: str,
    hash_: str,
    database: str,
    *,
    yes: bool,
) -> None:
    with records(workspace, database) as (loaded, engine):
        from failsoft.runbooks.offline import answer, find_question
        from failsoft.runbooks.store.engine import reading
        from failsoft.runbooks.views import question_card

        with reading(engine) as connection:
            asked = find_question(connection, question)
            card = question_card(connection, loaded, asked)
        click.echo(f"{card.text}\n{card.plan}\nPlan {card.plan_hash[:12]}. {card.note}")
        if hash_ and not asked.plan_hash.startswith(hash_):
            raise RefusedError(f"the plan is {asked.plan_hash[:12]} now, not {hash_}")
        if not (yes or hash_):
            click.confirm(f"{verdict.capitalize()} it as {person}?", abort=True)
        told = answer(engine, loaded, asked, verdict, person)
    click.echo(told.text if told.counts else f"Nothing was done: {told.text}", err=not told.counts)
    sys.exit(0 if told.counts else 1)
