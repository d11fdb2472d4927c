"""`failsoft diff`: what a change of a workspace does, in words."""

import json
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.artefacts import MANIFEST
from failsoft.cli.common import finish, load_clean, workspace_argument
from failsoft.clients.binaries import Completed, run_tool
from failsoft.errors import UsageError
from failsoft.findings import Severity, render

if TYPE_CHECKING:
    from failsoft.alerts import Compiled
    from failsoft.alerts.changes import Change

__all__ = ["command"]

_SIGNS = {"new": "+", "gone": "-", "changed": "~"}


@click.command("diff")
@workspace_argument
@click.option("--against", required=True, metavar="FOLDER|GITREF", help="Another workspace, or a commit of this one.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something changes.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(*, workspace: Path, against: str, exit_code: bool, output: str) -> None:
    """Say in words what WORKSPACE changes: SLOs, thresholds of tiers, alerts, and who hears them.

    Exit codes: 0 done, 1 WORKSPACE has errors (or something changes, with --exit-code), 2 could not start.
    """
    from failsoft.alerts.changes import changes
    from failsoft.cli.compile import compiled

    loaded, warnings = load_clean(workspace, "text")
    after, problems = compiled(loaded, tests=False)
    if any(finding.severity is Severity.ERROR for finding in problems):
        finish((*warnings, *problems), "text", "", workspace)
    with _other(workspace, against) as folder:
        before = _before(folder, against)
    found = changes(before, after)
    click.echo(_json(found) if output == "json" else _text(found, against))
    sys.exit(1 if exit_code and found else 0)


def _before(folder: Path, against: str) -> "Compiled":
    from failsoft.cli.compile import compiled
    from failsoft.workspace.load import load

    loaded, findings = load(folder)
    made, problems = compiled(loaded, tests=False)
    errors = [finding for finding in (*findings, *problems) if finding.severity is Severity.ERROR]
    if errors:
        raise UsageError(
            f"what is at {against} cannot be compiled, so nothing can be compared:\n{render(errors, 'text')}"
        )
    return made


@contextmanager
def _other(workspace: Path, against: str) -> Iterator[Path]:
    """The folder to compare with; a commit's is laid out for as long as it is needed."""
    folder = Path(against)
    if folder.is_dir():
        if (folder / MANIFEST).exists():
            raise UsageError(f"{folder} holds what was compiled, no workspace: ask `failsoft compile --check` about it")
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="failsoft-diff-") as made:
        yield _laid_out(workspace, against, Path(made))


def _laid_out(workspace: Path, commit: str, into: Path) -> Path:
    top = _git(workspace, "rev-parse", "--show-toplevel")
    if not top.ok:
        raise UsageError(
            f"{commit} is no folder, and {workspace} is in no git repository that could have such a commit"
        )
    found = _git(workspace, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    if not found.ok:
        raise UsageError(f"{commit} is neither a folder nor a commit: name one, such as origin/main")
    prefix = _git(workspace, "rev-parse", "--show-prefix").stdout.strip()
    packed = into / "packed.tar"
    # from the top, for git takes the paths of an archive relative to where it stands
    done = _git(
        Path(top.stdout.strip()), "archive", "--format=tar", "-o", str(packed), found.stdout.strip(), prefix or "."
    )
    if not done.ok:
        raise UsageError(f"{workspace} is not in {commit}: {done.stderr.strip()}")
    try:
        with tarfile.open(packed) as archive:
            archive.extractall(into / "tree", filter="data")
    except (tarfile.TarError, OSError) as error:
        raise UsageError(f"what git has at {commit} cannot be laid out: {error}") from error
    return into / "tree" / prefix


def _git(where: Path, *words: str) -> Completed:
    if not where.is_dir():
        raise UsageError(f"{where} is no folder")
    return run_tool(["git", "-C", where, *words])


def _text(found: "tuple[Change, ...]", against: str) -> str:
    if not found:
        return f"nothing changes against {against}"
    lines = []
    for change in found:
        more = "" if change.how == "changed" else f" is {change.how}"
        lines.append(f"{_SIGNS[change.how]} {change.subject}{more}")
        lines += [f"    {line}" for line in change.lines]
    counts = [(sum(change.how == how for change in found), how) for how in _SIGNS]
    return "\n".join([*lines, ", ".join(f"{count} {how}" for count, how in counts if count)])


def _json(found: "tuple[Change, ...]") -> str:
    listed = [{"subject": change.subject, "how": change.how, "lines": list(change.lines)} for change in found]
    return json.dumps({"changes": listed}, indent=2, ensure_ascii=False)
