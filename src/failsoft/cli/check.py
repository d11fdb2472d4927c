"""`failsoft check`: everything that is wrong with a workspace, at once."""

from pathlib import Path

import click

from failsoft.cli.common import finish, output_option, workspace_argument
from failsoft.workspace.load import load

__all__ = ["command"]


@click.command("check")
@workspace_argument
@output_option
def command(workspace: Path, output: str) -> None:
    """Check the documents of WORKSPACE. Exit codes: 0 clean, 1 findings, 2 could not start."""
    loaded, findings = load(workspace)
    counts = {
        "models": loaded.models,
        "SLOs": loaded.slos,
        "drift monitors": loaded.monitors,
        "experiments": loaded.experiments,
        "runbooks": loaded.runbooks,
    }
    held = ", ".join(f"{sum(not d.shipped for d in named.values())} {what}" for what, named in counts.items())
    finish(findings, output, f"{workspace}: {held}: all good")
