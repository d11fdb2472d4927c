"""What the commands share: the workspace argument, the form of the output, and how a run ends."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from failsoft.errors import UsageError
from failsoft.findings import Finding, Severity, counted, render
from failsoft.workspace import Workspace
from failsoft.workspace.load import load

__all__ = ["finish", "load_clean", "output_option", "report", "workspace_argument"]


def workspace_argument[F: Callable[..., object]](function: F) -> F:
    """The argument WORKSPACE: a folder, the current one when left out."""
    decorate = click.argument("workspace", type=click.Path(path_type=Path), default=".")
    return decorate(function)


def output_option[F: Callable[..., object]](function: F) -> F:
    """The option --output."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json", "sarif", "github"]),
        default="text",
        show_default=True,
        help="The form of the findings.",
    )(function)


def report(findings: Sequence[Finding], form: str) -> None:
    """Print findings: text to standard error, the forms for programs to standard output."""
    text = render(findings, form, colour=form == "text" and sys.stderr.isatty())
    if text:
        click.echo(text, err=form == "text", nl=form == "text")


def finish(findings: Sequence[Finding], form: str, good: str) -> None:
    """Print findings, then a last line, and exit with 1 where there is an error among them."""
    report(findings, form)
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    if form == "text":
        click.echo(counted(findings) if failed else good + (f" ({counted(findings)})" if findings else ""), err=failed)
    sys.exit(1 if failed else 0)


def load_clean(root: Path, form: str) -> tuple[Workspace, tuple[Finding, ...]]:
    """The workspace and its warnings; where it has errors, they are printed and the command ends with 1."""
    workspace, findings = load(root)
    if any(finding.severity is Severity.ERROR for finding in findings):
        finish(findings, form, "")
    return workspace, findings


def unknown(kind: str, name: str, valid: Sequence[str]) -> UsageError:
    """The error for a name on the command line that no document has."""
    from failsoft.workspace.decode import nearest

    hint = nearest(name, valid)
    return UsageError(f"there is no {kind} {name!r} in this workspace" + (f"; {hint}" if hint else ""))
