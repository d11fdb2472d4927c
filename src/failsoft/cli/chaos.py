"""`failsoft chaos`: plan, run and undo experiments."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import finish, load_clean, output_option, report, unknown, workspace_argument
from failsoft.cli.lazy import Group
from failsoft.cli.records import database_option
from failsoft.errors import MissingPartError, TemporaryError, UsageError
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import ExperimentSpec

if TYPE_CHECKING:
    from failsoft.chaos.incidents import IncidentSource
    from failsoft.chaos.janitor import Sweep
    from failsoft.chaos.plan import Plan
    from failsoft.chaos.run import Finished
    from failsoft.chaos.situation import Surroundings
    from failsoft.chaos.switch import KillSwitch
    from failsoft.clients.kubernetes import Cluster

__all__ = ["command"]

_WAIT_S = 0.2
_QUERY_S = 10.0


@click.group("chaos", cls=Group)
def command() -> None:
    """Plan, run and undo chaos experiments."""


@command.command("plan")
@click.argument("experiment")
@workspace_argument
@database_option
@output_option
def plan(experiment: str, workspace: Path, database: str, output: str) -> None:
    """Show what EXPERIMENT of WORKSPACE would do, and what stands in its way; nothing is changed.

    The API server is asked for every eviction in a dry run. Exit codes: 0 it may run, 1 a guard refuses, 2 could not
    start.
    """
    from failsoft.chaos import codes
    from failsoft.chaos.guards import check, refuses
    from failsoft.chaos.plan_text import rehearse, show
    from failsoft.chaos.situation import gather
    from failsoft.findings import Finding, render

    loaded, _ = load_clean(workspace, output)
    document = _experiment(loaded, experiment)
    around = _surroundings(loaded, database)
    situation = gather(around, document)
    rehearsals = rehearse(around.cluster, situation.plan)
    place = document.at("spec", "fault")
    findings = [
        *check(situation),
        *(Finding(codes.WOULD_BE_REFUSED, f"pod {r.pod}: {r.says}", place) for r in rehearsals if not r.allowed),
    ]
    if output == "json":
        told = {"plan": situation.plan.as_json(), "dryRun": [asdict(answer) for answer in rehearsals]}
        click.echo(json.dumps(told | json.loads(render(findings, "json")), indent=2, ensure_ascii=False))
        sys.exit(1 if refuses(tuple(findings)) else 0)
    if output == "text":
        click.echo(show(situation.plan, rehearsals))
    finish(
        findings, output, f"to carry it out: failsoft chaos run {experiment} --plan {situation.plan.hash}", workspace
    )


@command.command("run")
@click.argument("experiment")
@workspace_argument
@click.option("--plan", "approved", metavar="HASH", help="The plan that was looked at; another one is refused.")
@click.option("--yes", is_flag=True, help="Carry out whatever the plan is now, without asking.")
@click.option("--as", "requester", metavar="NAME", help="Who asks for it; you by default.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="The folder for its evidence and report."
)
@database_option
@output_option
def run(  # noqa: PLR0913 (options of a command)
    *,
    experiment: str,
    workspace: Path,
    approved: str | None,
    yes: bool,
    requester: str | None,
    out: Path | None,
    database: str,
    output: str,
) -> None:
    """Run EXPERIMENT of WORKSPACE, undo it, and judge it.

    Exit codes: 0 passed, 1 a guard refused, 2 could not start, 10 failed, 11 aborted, 12 baseline not met, 13 fault
    not applied, 14 no data, 15 interrupted, 20 rollback failed.
    """
    from failsoft.chaos.run import Company, Options, Refused, new_run
    from failsoft.chaos.run import run as run_experiment

    loaded, _ = load_clean(workspace, output)
    document = _experiment(loaded, experiment)
    if not (approved or yes or sys.stdin.isatty()):
        raise UsageError("say which plan may be carried out with --plan HASH, or --yes for whatever it is now")
    requester = requester or getuser()
    if not any(person.name == requester for team in loaded.teams.values() for person in team.spec.people):
        click.echo(f"no team has a person named {requester!r}: nobody is kept from approving what follows", err=True)
    around = _surroundings(loaded, database)
    name = new_run(around.clock.now())
    options = Options(
        run=name,
        folder=out or loaded.root / ".failsoft" / "chaos" / name,
        requester=requester,
        prometheus=_prometheus_reference(loaded),
        kubeconfig=_kubeconfig(loaded),
        context=loaded.config.kubernetes.context,
        incidents=_incidents(loaded, database),
    )
    with _stop_requests() as asked:
        outcome = run_experiment(
            around,
            document,
            options,
            Company(
                approves=lambda made: _approves(made, approved, yes=yes),
                asked_to_stop=lambda: asked[0] if asked else "",
                tell=lambda text: click.echo(text, err=True),
            ),
        )
    if isinstance(outcome, Refused):
        report(outcome.findings, output, workspace)
        sys.exit(1)
    if output != "json":
        report(outcome.findings, output, workspace)
    _conclude(outcome, document, options.folder, output)


@command.command("janitor")
@workspace_argument
@click.option("--all", "everything", is_flag=True, help="Undo every run, also of runners that live.")
@click.option("--once/--watch", default=True, show_default=True, help="Sweep once, or again and again.")
@click.option("--every", default=10.0, show_default=True, help="Seconds between two sweeps.")
def janitor(workspace: Path, *, everything: bool, once: bool, every: float) -> None:
    """Undo what runs on WORKSPACE's models left behind: runs whose time is up, and those of dead runners.

    Exit codes: 0 nothing is left, 1 something could not be undone, 2 could not start.
    """
    from failsoft.chaos.clock import SystemClock
    from failsoft.chaos.janitor import Sweep, sweep
    from failsoft.chaos.situation import workload_namespaces

    loaded, _ = load_clean(workspace, "text")
    cluster, clock = _cluster(loaded), SystemClock()
    with _stop_requests() as asked:
        while True:
            try:
                swept = sweep(cluster, workload_namespaces(loaded), clock=clock, everything=everything)
            except TemporaryError as error:
                if once:
                    raise
                swept = Sweep(failed=(str(error),))
            _tell_sweep(swept, aloud=once)
            if once or asked:
                sys.exit(1 if swept.failed else 0)
            until = clock.now() + every
            while clock.now() < until and not asked:
                clock.sleep(_WAIT_S)


def _tell_sweep(swept: "Sweep", *, aloud: bool) -> None:
    for restored, why in swept.restored:
        did = f"undone on {', '.join(restored.undone)}" if restored.undone else "there was nothing left to undo"
        click.echo(f"run {restored.run}: {why}: {did}")
    for record in swept.waiting:
        if aloud:
            click.echo(f"run {record.run} of {record.experiment}: its runner lives; --all undoes it all the same")
    for problem in swept.failed:
        click.echo(problem, err=True)
    if aloud and not (swept.restored or swept.waiting or swept.failed):
        click.echo("nothing to undo")


def _conclude(outcome: "Finished", document: Document[ExperimentSpec], folder: Path, output: str) -> None:
    from failsoft.chaos.report import Report, write

    made = Report(document.spec, outcome.evidence, outcome.judgement)
    page, machine = write(made, folder)
    verdict = outcome.judgement.verdict
    if output == "json":
        click.echo(machine.read_text(encoding="utf-8"), nl=False)
    click.echo(f"verdict: {verdict}", err=True)
    for reason in outcome.judgement.reasons:
        click.echo(f"  {reason}", err=True)
    click.echo(f"report: {page}", err=True)
    sys.exit(verdict.exit_code)


def _approves(made: "Plan", approved: str | None, *, yes: bool) -> bool:
    if approved:
        if approved != made.hash:
            raise UsageError(f"the plan is now {made.hash}, not {approved}: look at it again, then run it")
        return True
    if yes:
        return True
    # At the prompt nothing has begun: Ctrl-C may end us at once.
    noted = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(f"Carry out plan {made.hash}?", err=True)
    finally:
        signal.signal(signal.SIGINT, noted)


@contextmanager
def _stop_requests() -> Iterator[list[str]]:
    """Signals as words: the first begins the undo, and no second one disturbs it."""
    asked: list[str] = []

    def note(number: int, _: object) -> None:
        name = signal.Signals(number).name
        asked.append("Ctrl-C" if name == "SIGINT" else name)
        if len(asked) > 1:
            click.echo("undoing already; please wait", err=True)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _experiment(workspace: Workspace, name: str) -> Document[ExperimentSpec]:
    if name not in workspace.experiments:
        raise unknown("experiment", name, list(workspace.experiments))
    return workspace.experiments[name]


def _incidents(workspace: Workspace, database: str) -> "IncidentSource | None":
    """The incidents of `failsoft serve`, where it ever ran on this workspace."""
    from failsoft.cli.incident_source import stored_incidents

    return stored_incidents(workspace, database)


def _kill_switch(workspace: Workspace, database: str) -> "KillSwitch":
    """The kill switch of `failsoft serve`. Without what reads it nothing is broken: `MissingPartError`."""
    try:
        from failsoft.cli.kill_switch import StoredSwitch
        from failsoft.runbooks.store.engine import database_url

        return StoredSwitch(database or database_url(workspace))
    except ImportError as error:
        raise MissingPartError(
            f"the kill switch is kept in a database that cannot be read ({error}): pip install 'failsoft[serve]'"
        ) from error


def _kubeconfig(workspace: Workspace) -> str:
    given = workspace.config.kubernetes.kubeconfig
    return str((workspace.root / Path(given).expanduser()).resolve()) if given else ""


def _prometheus_reference(workspace: Workspace) -> dict[str, str]:
    from failsoft.server.outside import secret_file

    at = workspace.config.prometheus
    if at.token is None:
        return {"url": at.url}
    return {
        "url": at.url,
        "token_env": at.token.env,
        "token_file": at.token.file and str(secret_file(workspace, at.token)),
    }


def _cluster(workspace: Workspace) -> "Cluster":
    from failsoft.clients.kubernetes import connect

    kubeconfig = _kubeconfig(workspace)
    return connect(Path(kubeconfig) if kubeconfig else None, workspace.config.kubernetes.context or None)


def _surroundings(workspace: Workspace, database: str) -> "Surroundings":
    from failsoft.chaos.clock import SystemClock
    from failsoft.chaos.situation import Surroundings
    from failsoft.server.outside import make_prometheus

    prometheus = make_prometheus(workspace, timeout=_QUERY_S)
    return Surroundings(
        workspace, _cluster(workspace), prometheus, SystemClock(), kill_switch=_kill_switch(workspace, database)
    )
