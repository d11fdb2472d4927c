"""`failsoft incidents`: what happened and what is being done about it, from the database alone."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import unknown, workspace_argument
from failsoft.cli.lazy import Group
from failsoft.cli.records import database_option, person_option, records

if TYPE_CHECKING:
    from failsoft.runbooks.views import IncidentCard, QuestionCard

__all__ = ["command"]


def _form[F: Callable[..., object]](function: F) -> F:
    form = click.Choice(["text", "json"])
    return click.option("--output", type=form, default="text", show_default=True, help="The form of the answer.")(
        function
    )


@click.group("incidents", cls=Group)
def command() -> None:
    """List and show incidents, and stop what failsoft does by itself."""


@command.command("list")
@workspace_argument
@_form
@database_option
@click.option("--all", "everything", is_flag=True, help="Resolved ones, too.")
def list_(*, workspace: Path, output: str, database: str, everything: bool) -> None:
    """List the open incidents of WORKSPACE, and alerts that belong to none."""
    with records(workspace, database) as (loaded, engine):
        from failsoft.runbooks.store.engine import reading
        from failsoft.runbooks.store.settings import kills
        from failsoft.runbooks.views import incident_cards, unclaimed

        with reading(engine) as connection:
            cards = incident_cards(connection, loaded, resolved=everything)
            strays, switches = unclaimed(connection), kills(connection)
    if output == "json":
        document = {
            "killSwitches": [asdict(one) for one in switches],
            "incidents": [_public(card) for card in cards],
            "unclaimed": [asdict(one) for one in strays],
        }
        click.echo(_json(document))
        return
    for switch in switches:
        click.secho(str(switch), fg="red")
    for card in cards:
        run = f"{card.run.runbook} {card.run.outcome or card.run.state}" if card.run else "no runbook"
        click.echo(
            f"{card.number:>5}  {card.state:<10} {card.severity:<7} {card.slo} ({card.model or card.team})  {run}"
        )
    for stray in strays:
        click.echo(f"    -  {stray.status:<10} {stray.severity:<7} {stray.alertname}: {stray.note}")
    if not cards and not strays:
        click.echo("no incidents" if everything else "no open incidents")


@command.command("show")
@click.argument("number", type=int)
@workspace_argument
@_form
@database_option
def show(*, number: int, workspace: Path, output: str, database: str) -> None:
    """Show the incident NUMBER of WORKSPACE: its runbook's steps, its question, its timeline."""
    with records(workspace, database) as (loaded, engine):
        from failsoft.runbooks.store.engine import reading
        from failsoft.runbooks.views import incident_card

        with reading(engine) as connection:
            card = incident_card(connection, loaded, number)
    if card is None:
        raise unknown("incident", str(number), ())
    if output == "json":
        click.echo(_json(_public(card)))
    else:
        click.echo("\n".join(_lines(card)))


@command.command("stop")
@workspace_argument
@click.option("--runbook", default="", help="Only this one.")
@person_option
@click.option("--off", is_flag=True, help="Turn the kill switch off again.")
@database_option
def stop(*, workspace: Path, runbook: str, person: str, off: bool, database: str) -> None:
    """Turn on the kill switch of WORKSPACE: no runbook changes anything any more, and what waits is ended."""
    with records(workspace, database) as (loaded, engine):
        from failsoft.runbooks.store.engine import transaction
        from failsoft.runbooks.store.settings import kill, revive

        people = sorted({person.name for team in loaded.teams.values() for person in team.spec.people})
        if person not in people:
            raise unknown("person", person, people)
        if runbook and runbook not in loaded.runbooks:
            raise unknown("runbook", runbook, list(loaded.runbooks))
        with transaction(engine) as connection:
            (revive if off else kill)(connection, runbook, person)
    what = f"the runbook {runbook}" if runbook else "all runbooks"
    click.echo(f"the kill switch of {what} is {'off' if off else 'on'}")


def _json(document: object) -> str:
    # people are the workspace's own documents
    return json.dumps(document, indent=2, ensure_ascii=False, default=lambda person: person.name)


def _public(card: "IncidentCard") -> dict[str, object]:
    document = asdict(card)
    if document["question"] is not None:
        # whoever holds the token can click
        del document["question"]["token"]
    return document


def _lines(card: "IncidentCard") -> Iterator[str]:
    of = f" of {card.model}" if card.model else ""
    yield f"Incident {card.number}: {card.title}"
    yield f"{card.state}, {card.severity}; {card.what} {card.slo}{of}, team {card.team}, {card.failure_mode}"
    if card.sentence:
        yield card.sentence
    ended = f", resolved {_time(card.resolved_at)}" if card.resolved_at else f", {card.firing} alerts fire"
    yield f"Opened {_time(card.opened_at)}{ended}"
    yield from (f"{text}: {address}" for text, address in card.links.items())
    if card.run is not None:
        started = f", started by {card.run.requester}" if card.run.requester else ""
        state = card.run.outcome or card.run.state
        yield f"\n{card.run.id}: runbook {card.run.runbook} ({card.run.mode}), {state}{started}"
        for number, step in enumerate(card.run.steps, 1):
            took = f" ({step.seconds:.1f} s)" if step.seconds is not None else ""
            first = step.said.splitlines()[0] if step.said else ""
            yield f"  {number:>2}. {step.state:<9} {step.name}{took}  {first}".rstrip()
    if card.question is not None:
        yield from _question(card.question)
    yield ""
    yield from (f"{_time(entry.at)}  {entry.text}" for entry in card.timeline)


def _question(question: "QuestionCard") -> Iterator[str]:
    names = ", ".join(person.name for person in question.approvers)
    yield f"\n{question.text} (until {_time(question.expires_at)}, else {question.otherwise})"
    yield from (f"  {line}" for line in question.plan.splitlines())
    yield f"  Plan {question.plan_hash[:12]}; {names} may answer. {question.note}"
    yield f"  {question.command} --as NAME"


def _time(moment: float | None) -> str:
    return datetime.fromtimestamp(moment or 0, UTC).strftime("%Y-%m-%d %H:%M:%S") + "Z"
