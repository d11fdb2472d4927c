"""`failsoft compile`: Prometheus rules, the tests that prove them, and the Alertmanager configuration."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import finish, load_clean, output_option, workspace_argument
from failsoft.findings import Finding, Severity

if TYPE_CHECKING:
    from failsoft.alerts import Compiled
    from failsoft.workspace import Workspace

__all__ = ["command", "compiled"]


@click.command("compile")
@workspace_argument
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write into."
)
@click.option("--tests/--no-tests", default=True, show_default=True, help="Write the promtool tests too.")
@output_option
def command(*, workspace: Path, out: Path, tests: bool, output: str) -> None:
    """Compile the SLOs of WORKSPACE into a folder.

    It holds rules/ (one file for each SLO), tests/ and alertmanager.yaml. Where there are errors nothing is written.
    Files of other origin in the folder stay. Exit codes: 0 clean, 1 findings, 2 could not start.
    """
    from failsoft.cli.artefacts import write

    with _uncollected():
        loaded, warnings = load_clean(workspace, output)
        made, problems = compiled(loaded, tests=tests)
        findings = (*warnings, *problems)
        if any(finding.severity is Severity.ERROR for finding in findings):
            finish(findings, output, "")
        changed = write(made.files, out)
    alerts = sum(len(unit.alerts) for unit in made.units)
    what = f"{len(made.objectives)} SLOs, {alerts} alerts" if made.objectives else "no SLO"
    finish(findings, output, f"{out}: {what}, {changed} of {len(made.files)} files changed")


@contextmanager
def _uncollected() -> Iterator[None]:
    # nearly all values that are made here live to the end: looking for garbage among them takes a sixth of the time
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def compiled(workspace: "Workspace", *, tests: bool = True) -> "tuple[Compiled, tuple[Finding, ...]]":
    """A workspace compiled, with the runbook that answers each SLO."""
    from failsoft.alerts import compile_workspace
    from failsoft.runbooks.choose import choose

    chosen = {name: choose(workspace, name) for name in workspace.slos}
    runbooks = {name: book.name for name, book in chosen.items() if book is not None}
    return compile_workspace(workspace, runbooks, tests=tests)
