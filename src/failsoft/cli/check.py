"""`failsoft check`: everything that is wrong with a workspace, at once."""

from collections.abc import Iterator
from pathlib import Path

import click

from failsoft.cli.common import finish, output_option, workspace_argument
from failsoft.findings import Finding
from failsoft.workspace import Workspace
from failsoft.workspace.load import load

__all__ = ["command", "findings_of"]


@click.command("check")
@workspace_argument
@output_option
def command(workspace: Path, output: str) -> None:
    """Check the documents of WORKSPACE. Exit codes: 0 clean, 1 findings, 2 could not start."""
    loaded, findings = findings_of(workspace)
    counts = {
        "models": loaded.models,
        "SLOs": loaded.slos,
        "drift monitors": loaded.monitors,
        "experiments": loaded.experiments,
        "runbooks": loaded.runbooks,
    }
    held = ", ".join(f"{sum(not one.shipped for one in named.values())} {what}" for what, named in counts.items())
    finish(findings, output, f"{workspace}: {held}: all good")


def findings_of(root: Path) -> tuple[Workspace, tuple[Finding, ...]]:
    """The workspace and all that is wrong with it: its documents, what they compile to, and the files they name."""
    from failsoft.cli.compile import compiled

    loaded, findings = load(root)
    _, more = compiled(loaded, tests=False)
    found = (*findings, *more, *_references(loaded))
    return loaded, tuple(sorted(found, key=lambda finding: (finding.place, finding.code.id)))


def _references(workspace: Workspace) -> Iterator[Finding]:
    from failsoft.drift import ReferenceProfile

    for monitor in workspace.monitors.values():
        path = workspace.root / monitor.spec.reference
        if path.is_file():
            profile = ReferenceProfile.parse(path.read_bytes(), monitor.spec.reference)
            if isinstance(profile, Finding):
                yield profile
