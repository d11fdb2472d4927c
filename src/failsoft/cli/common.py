"""What the commands share: the workspace argument, the form of the output, and how a run ends."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from failsoft.cli.lazy import Ended
from failsoft.cli.side_by_side import shared_from
from failsoft.errors import UsageError
from failsoft.findings import Finding, Place, Severity, counted, render
from failsoft.workspace import Workspace
from failsoft.workspace.load import load
from failsoft.workspace.quantities import Duration

__all__ = [
    "MANY_FILES",
    "alertmanager_option",
    "duration",
    "finish",
    "load_clean",
    "output_option",
    "report",
    "uncollected",
    "workspace_argument",
]

MANY_FILES = 200
"""Files from which on a second process that reads half of them saves more than it costs."""

_EXPLAINED = 5
_ALIKE = 20


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
        help="The form of the findings; text shows 20 warnings of a kind and counts the others.",
    )(function)


def alertmanager_option[F: Callable[..., object]](function: F) -> F:
    """The option --alertmanager, for `load_clean`."""
    return click.option(
        "--alertmanager",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="A configuration of your own to merge into; else spec.alertmanager.base of the Workspace.",
    )(function)


def duration(text: str | Duration) -> Duration:
    """The type of an option that is a duration, such as 90m or 7d."""
    from pydantic_core import PydanticCustomError

    try:
        return text if isinstance(text, Duration) else Duration.parse(text)
    except PydanticCustomError as error:
        expected = (error.context or {}).get("expected", "")
        raise click.BadParameter(f"{text!r} {error.message()}; expected {expected}") from None


def report(findings: Sequence[Finding], form: str, root: Path = Path()) -> None:
    """Print findings: text to standard error, the forms for programs to standard output.

    Places within the workspace `root` are shown as seen from the current folder, so that whoever reads them finds them.
    """
    few, folded = _folded(findings) if form == "text" else (findings, {})
    shown = [finding.at(_seen(finding.place, root)) for finding in few]
    text = render(shown, form, colour=form == "text" and sys.stderr.isatty())
    if text:
        click.echo(text, err=form == "text", nl=form == "text")
    if text and form == "text":
        for code, count in folded.items():
            click.echo(f"and {count:,} more {code}", err=True)
        click.echo(f"more: failsoft explain {' '.join(_codes(findings))}\n", err=True)


def _folded(findings: Sequence[Finding]) -> tuple[list[Finding], dict[str, int]]:
    """All errors, the first of each other kind, no more than people read, and how many more there are of those."""
    counts: Counter[str] = Counter()
    few = []
    for finding in findings:
        if finding.severity is not Severity.ERROR:
            counts[finding.code.id] += 1
        if counts[finding.code.id] <= _ALIKE:
            few.append(finding)
    return few, {code: count - _ALIKE for code, count in sorted(counts.items()) if count > _ALIKE}


def _codes(findings: Sequence[Finding]) -> list[str]:
    """The codes to read about first: those of errors before the others, and no more than fit on a line."""
    order = list(Severity)
    ranked = sorted(findings, key=lambda finding: order.index(finding.severity))
    return list(dict.fromkeys(finding.code.id for finding in ranked))[:_EXPLAINED]


def _seen(place: Place, root: Path) -> Place:
    path = Path(place.path)
    if not path.is_absolute():
        path = root / path
        if not os.path.exists(path):  # noqa: PTH110  # Path.exists raises for names that no file can have
            return place
    here = Path.cwd()
    return replace(place, path=(path.relative_to(here) if path.is_relative_to(here) else path).as_posix())


def finish(findings: Sequence[Finding], form: str, good: str, root: Path = Path()) -> None:
    """Print findings as `report` does, then a last line, and exit with 1 where there is an error among them."""
    report(findings, form, root)
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    if form == "text":
        click.echo(counted(findings) if failed else good + (f" ({counted(findings)})" if findings else ""), err=failed)
    raise Ended(1 if failed else 0)


def load_clean(
    root: Path, form: str, base: Path | None = None, meanwhile: Callable[[], object] = lambda: None
) -> tuple[Workspace, tuple[Finding, ...]]:
    """The workspace and its warnings; where it has errors, they are printed and the command ends with 1.

    `base` is the Alertmanager configuration that the command line names; `meanwhile` is called while another process
    reads already.
    """
    workspace, findings = load(root, shared_from(MANY_FILES, meanwhile))
    if any(finding.severity is Severity.ERROR for finding in findings):
        finish(findings, form, "", root)
    if base is None:
        return workspace, findings
    there = workspace.config.alertmanager.model_copy(update={"base": str(base.resolve())})
    return replace(workspace, config=workspace.config.model_copy(update={"alertmanager": there})), findings


def unknown(kind: str, name: str, valid: Sequence[str]) -> UsageError:
    """The error for a name on the command line that no document has."""
    from failsoft.workspace.decode import nearest

    hint = nearest(name, valid)
    return UsageError(f"there is no {kind} {name!r} in this workspace" + (f"; {hint}" if hint else ""))


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for garbage: nearly all values that are made meanwhile live to the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
