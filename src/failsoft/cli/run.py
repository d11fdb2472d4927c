"""`failsoft run`: start a runbook by hand."""

from pathlib import Path

import click

from failsoft.cli.common import workspace_argument
from failsoft.cli.records import database_option, person_option, records

__all__ = ["command"]


@click.command("run")
@click.argument("runbook")
@workspace_argument
@click.option("--slo", default="", help="The SLO it is for; needed where the runbook answers more than one.")
@person_option
@database_option
def command(*, runbook: str, workspace: Path, slo: str, person: str, database: str) -> None:
    """Start RUNBOOK of WORKSPACE by hand; whoever starts it cannot approve it.

    It is left in the database, where a running `failsoft serve` finds it within a moment.
    """
    with records(workspace, database) as (loaded, engine):
        from failsoft.runbooks.start import start_by_hand
        from failsoft.runbooks.store import leases
        from failsoft.runbooks.store.engine import transaction

        with transaction(engine) as connection:
            run_id, incident = start_by_hand(connection, loaded, runbook, slo, person)
            alive = leases.alive(connection)
    click.echo(f"{run_id} begins for incident {incident}; follow it: failsoft incidents show {incident}")
    if not alive:
        click.echo("No worker is alive: it begins when `failsoft serve` runs.", err=True)
