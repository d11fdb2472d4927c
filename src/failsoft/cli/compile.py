"""`failsoft compile`: Prometheus rules, the tests that prove them, and the Alertmanager configuration."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from pydantic import ValidationError

from failsoft.cli.common import (
    alertmanager_option,
    finish,
    load_clean,
    output_option,
    uncollected,
    workspace_argument,
)
from failsoft.cli.kept import NOTHING, Kept, kept
from failsoft.cli.sealed import OPEN, Said, seal
from failsoft.errors import UsageError
from failsoft.findings import Finding, Place, Severity, amount
from failsoft.workspace.kinds.configuration import OutputAt

if TYPE_CHECKING:
    from failsoft.alerts import Compiled
    from failsoft.workspace import Workspace
    from failsoft.workspace.tree import SourceFile

__all__ = ["command", "compiled", "compilers"]

_MANY = 100
"""SLOs from which on a second process that makes half of the tests saves more than it costs."""

_MANY_KEPT = 100
"""SLOs from which on looking for what was made already saves more than it costs."""

_FORMATS = get_args(OutputAt.model_fields["format"].annotation)


@click.command("compile")
@workspace_argument
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="The folder to write into.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="What to write; plain rule files when left out.")
@click.option("--namespace", help="The Kubernetes namespace of the objects.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label of the objects; may be repeated.")
@click.option("--tests/--no-tests", default=True, show_default=True, help="Write the promtool tests too.")
@alertmanager_option
@click.option("--cache/--no-cache", default=True, show_default=True, help="Keep what was made of unchanged documents.")
@click.option("--check", is_flag=True, help="Write nothing; say which files are out of date, and exit with 1.")
@output_option
def command(  # noqa: PLR0913  # an argument for each option
    *,
    workspace: Path,
    out: Path | None,
    form: str | None,
    namespace: str | None,
    labels: tuple[str, ...],
    tests: bool,
    alertmanager: Path | None,
    cache: bool,
    check: bool,
    output: str,
) -> None:
    """Compile the SLOs of WORKSPACE into a folder.

    It holds rules/ (one file for each model), tests/ and alertmanager.yaml. Folder, form, namespace and labels may
    stand in spec.output of the document of kind Workspace too. Where there are errors nothing is written. Files of
    other origin in the folder stay. With many SLOs, models whose documents did not change are not compiled again, and
    nothing is read where nothing changed (the folder .failsoft of WORKSPACE says what was made of what). Exit codes:
    0 no error (warnings do not fail), 1 errors, 2 could not start.
    """
    with uncollected():
        sealed = seal(workspace, (out, form, namespace, labels, tests, alertmanager)) if cache and not check else OPEN
        if ended := sealed.said():
            said, left = ended
            finish(said.findings, output, f"{said.folder}: {said.what}, 0 of {left} files changed", workspace)
        loaded, warnings = load_clean(workspace, output, alertmanager, compilers)
        from failsoft.alerts.packages import packaged
        from failsoft.cli.artefacts import stale, write

        settings = _settings(loaded.config.output, form, namespace, labels)
        folder = _folder(workspace, out, settings)
        runbooks = _runbooks(loaded)
        before = _kept(loaded, runbooks, folder, settings, tests=tests) if cache and not check else NOTHING
        made, problems = compiled(loaded, tests=tests, before=before, runbooks=runbooks)
        findings = (*warnings, *problems)
        if any(finding.severity is Severity.ERROR for finding in findings):
            finish(findings, output, "", workspace)
        files = packaged(made.files, settings)
        if check:
            findings += _stale(stale(files, folder), folder)
            finish(findings, output, f"{folder}: all {len(files)} files are up to date", workspace)
        changed = write(files, folder, before.files)
        before.remember(made.units, changed.listed)
        alerts = sum(len(unit.names) for unit in made.units) + before.alerts.total()
        what = f"{amount(len(made.objectives), 'SLO')}, {amount(alerts, 'alert')}" if made.objectives else "no SLO"
        if len(loaded.slos) >= _MANY_KEPT:
            sealed.keep(loaded, Said(str(folder), what, tuple(findings)), changed.listed)
    gone = f", {changed.removed} removed" if changed.removed else ""
    finish(
        findings, output, f"{folder}: {what}, {changed.written} of {len(changed.listed)} files changed{gone}", workspace
    )


def _settings(written: OutputAt, form: str | None, namespace: str | None, labels: tuple[str, ...]) -> OutputAt:
    """What the workspace says, with what the command line says instead."""
    wrong = [label for label in labels if "=" not in label]
    if wrong:
        raise UsageError(f"--label {wrong[0]} is not of the form KEY=VALUE")
    given = {"format": form, "namespace": namespace}
    more = {name: value for name, value in given.items() if value is not None}
    named = dict(label.split("=", 1) for label in labels)
    try:
        return OutputAt.model_validate(written.model_dump() | more | {"labels": written.labels | named})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        flag = "--namespace" if first["loc"][0] == "namespace" else "--label"
        expected = first.get("ctx", {}).get("expected", "")
        raise UsageError(f"{flag} {first['input']!r} {first['msg']}; expected {expected}") from error


def _folder(workspace: Path, out: Path | None, settings: OutputAt) -> Path:
    from failsoft.workspace.load import FOLDERS

    if out is None and not settings.folder:
        raise UsageError("name the folder to write into with -o, or with spec.output.folder of the Workspace")
    folder = out if out is not None else workspace / settings.folder
    home, target = workspace.resolve(), folder.resolve()
    if target == home or (target.is_relative_to(home) and target.relative_to(home).parts[0] in FOLDERS):
        raise UsageError(f"{folder} is read as part of the workspace: name a folder beside its documents, such as out")
    return folder


def _stale(found: Mapping[str, str], folder: Path) -> tuple[Finding, ...]:
    from failsoft.alerts import codes

    hint = "run the same command without --check, and commit what it writes"
    return tuple(
        Finding(codes.STALE_OUTPUT, f"{path} {how}", Place((folder.absolute() / path).as_posix()), hint=hint)
        for path, how in found.items()
    )


def _kept(
    workspace: "Workspace", runbooks: Mapping[str, str], folder: Path, settings: OutputAt, *, tests: bool
) -> Kept:
    """What need not be made again, where looking for it takes less time than making it."""
    if len(workspace.slos) < _MANY_KEPT or settings.format != "rules":
        return NOTHING
    return kept(workspace, runbooks, folder, settings, tests=tests)


def _runbooks(workspace: "Workspace") -> dict[str, str]:
    """The runbook that answers each SLO."""
    from failsoft.runbooks.choose import choose

    chosen = {name: choose(workspace, name) for name in workspace.slos}
    return {name: book.name for name, book in chosen.items() if book is not None}


def compilers() -> None:
    """Import what `compiled` needs, which takes a while: so there is something to do while another process reads."""
    for name in ("failsoft.alerts.packages", "failsoft.cli.counted", "failsoft.runbooks.choose"):
        import_module(name)


def compiled(
    workspace: "Workspace",
    *,
    rules: bool = True,
    tests: bool = True,
    before: Kept = NOTHING,
    runbooks: Mapping[str, str] | None = None,
) -> "tuple[Compiled, tuple[Finding, ...]]":
    """A workspace compiled, with the runbook that answers each SLO, its routes within the user's own configuration.

    Without `rules` it says what is wrong, which takes half of the time, and the rules of SLOs are not made; nor are
    those of `before`. Whoever knows the `runbooks` already says so.
    """
    from failsoft.alerts import ALERTMANAGER_FILE, compile_workspace
    from failsoft.cli.counted import counted_references
    from failsoft.cli.side_by_side import can_share, shared
    from failsoft.runbooks.choose import answered

    runbooks = _runbooks(workspace) if runbooks is None else runbooks
    counted = counted_references(workspace)
    rules = rules or bool(workspace.config.alertmanager.base)  # whose routes name alerts
    many = rules and tests and len(workspace.slos) >= _MANY and can_share()
    made, found = compile_workspace(
        workspace,
        runbooks,
        answered=answered(workspace),
        rules=rules,
        tests=tests,
        references=counted.profiles,
        calibrations=counted.calibrations,
        unchanged=before.models,
        spread=shared if many else map,
    )
    findings = (*counted.findings, *found)
    if not workspace.config.alertmanager.base:
        return made, findings
    text, more = _within(workspace, made, before)
    files = {**made.files, ALERTMANAGER_FILE: text} if text else made.files
    return replace(made, files=files), (*findings, *more)


def _within(workspace: "Workspace", made: "Compiled", before: Kept) -> tuple[str, tuple[Finding, ...]]:
    """Our configuration merged into the user's; an empty text where something stands in the way."""
    from failsoft.alerts import ALERTMANAGER_FILE, codes
    from failsoft.alerts.alertmanager import PAGE_ALERT
    from failsoft.alerts.routing import merged
    from failsoft.workspace.read import read_text

    base = workspace.config.alertmanager.base
    try:
        source = read_text(base, (workspace.root / base).read_bytes())
    except OSError as error:
        place = workspace.config_at("spec", "alertmanager", "base")
        return "", (Finding(codes.ROUTES_UNREADABLE, f"{base} cannot be read: {error.strerror}", place),)
    if isinstance(source, Finding):
        return "", (source,)
    names = [PAGE_ALERT, *(name for unit in made.units for name in unit.names), *before.alerts]
    comment, _, ours = made.files[ALERTMANAGER_FILE].partition("\n")
    shown = comment.replace("from failsoft.yaml.", f"from failsoft.yaml and {Path(base).name}.")
    text, found = merged(source, ours, names, comment=shown)
    return text, (*found, *_silenced(source, made)) if text else found


def _silenced(base: "SourceFile", made: "Compiled") -> "Iterator[Finding]":
    """Rules of the user's own configuration that are wider than their author knows, now that our alerts are there."""
    from failsoft.alerts import codes
    from failsoft.alerts.burn import burn_labels
    from failsoft.alerts.routing import read_configuration, strangers
    from failsoft.alerts.routing.read import single_node
    from failsoft.workspace.tree import SourceOrigin

    configuration, node = read_configuration(base)[0], single_node(base)[0]
    if configuration is None or node is None:
        return
    origin = SourceOrigin(base, node)
    alerts = [labels for objective in made.objectives for labels in burn_labels(objective)]
    for rule, fires, silent in strangers(configuration.inhibitions, alerts):
        message = f"while {fires['slo']} burns, the {silent['severity']} of {silent['slo']} is silent by this rule"
        hint = "`failsoft routes` shows what silences an alert"
        yield Finding(codes.SILENCED_BY_STRANGERS, message, origin.place(*rule.path), "slo and model among equal", hint)
