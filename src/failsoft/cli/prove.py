"""`failsoft test`: the proof that every alert fires when it should, and only then."""

import tempfile
from pathlib import Path

import click

from failsoft.cli.common import alertmanager_option, finish, load_clean, output_option, workspace_argument
from failsoft.findings import Severity

__all__ = ["command"]


@click.command("test")
@workspace_argument
@click.option("--promtool", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Another promtool.")
@alertmanager_option
@output_option
def command(*, workspace: Path, promtool: Path | None, alertmanager: Path | None, output: str) -> None:
    """Prove the alerts of WORKSPACE with promtool, and its routes with amtool.

    Every tier of every SLO is shown to fire within its computed time and not before, to be quiet while the service is
    healthy, idle or has little traffic, and to end after recovery. Every alert is shown to reach its owner.
    Exit codes: 0 proven (warnings do not fail), 1 errors, 2 could not start.
    """
    from failsoft.cli.artefacts import write
    from failsoft.cli.compile import compiled
    from failsoft.cli.progress import progress
    from failsoft.cli.proving import Tools, check_tools, coverage, equal, prove
    from failsoft.cli.proving_routes import prove_routes
    from failsoft.clients.binaries import find

    tools = Tools(promtool.resolve() if promtool else find("promtool"), find("amtool"))
    check_tools(tools)
    loaded, warnings = load_clean(workspace, output, alertmanager)
    made, problems = compiled(loaded)
    findings = (*warnings, *problems)
    if any(finding.severity is Severity.ERROR for finding in findings):
        finish(findings, output, "", workspace)
    with tempfile.TemporaryDirectory(prefix="failsoft-test-") as folder:
        write(made.files, Path(folder))
        with progress("proving", "proofs") as told:
            findings += prove(made, Path(folder), tools, told)
        findings += prove_routes(loaded, made, Path(folder), tools.amtool)
    rows = coverage(made, findings)
    if output == "text":
        width = max((len(subject) for subject, _, _ in rows), default=0)
        values = equal(made, findings)
        for subject, alerts, proven in rows:
            of, same = values.get(subject, (0, 0))
            said = f"{same} of {of} values equal" if of else f"{proven} of {alerts} alerts with a fire and a quiet test"
            click.echo(f"{subject:<{width}}  {said}")
    total, proven = sum(alerts for _, alerts, _ in rows), sum(shown for _, _, shown in rows)
    count = f"{total}" if proven == total else f"{proven} of {total}"
    finish(findings, output, f"{workspace}: {count} alerts proven", workspace)
