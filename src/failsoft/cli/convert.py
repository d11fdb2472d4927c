"""`failsoft convert`: SLOs of OpenSLO and Sloth as documents of failsoft."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import finish, output_option, report
from failsoft.errors import UsageError
from failsoft.findings import Finding, Severity, amount
from failsoft.workspace.read import LARGEST, read_text

if TYPE_CHECKING:
    from failsoft.exchange import Known
    from failsoft.workspace.tree import SourceFile

__all__ = ["command"]


@click.command("convert")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The workspace to write into."
)
@click.option("--team", default="my-team", show_default=True, help="The Team of what names no owner.")
@click.option(
    "--period", default="30d", show_default=True, help="The period of Sloth's SLOs, whose files do not say it."
)
@click.option("--strict", is_flag=True, help="Refuse what cannot be kept; what is to be filled in stays a warning.")
@output_option
def command(  # noqa: PLR0913  # an argument for each option
    *, files: tuple[Path, ...], out: Path, team: str, period: str, strict: bool, output: str
) -> None:
    """Read the SLOs of OpenSLO v1 and of Sloth in FILES (or folders of them), and write documents of failsoft.

    What can only be measured in another way, and what has no place in failsoft's documents, is told; what cannot be
    expressed is refused with the reason. Nothing is written where there is an error, and no file is overwritten.
    Exit codes: 0 written, with or without warnings; 1 errors, nothing written; 2 could not start.
    """
    from failsoft.exchange import convert

    _check(team, period)
    sources, findings = _sources(files)
    converted, found = convert(sources, owner=team, period=period, known=_known(out))
    findings = (*findings, *found)
    if strict:
        findings = tuple(_raised(finding) for finding in findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        finish(findings, output, "")
    _write(converted.files, out)
    if output == "text":
        report(findings, output)
        findings = ()
    hint = f"; next: failsoft check {out} && failsoft test {out}"
    written = f"{amount(converted.slos, 'SLO')} in {amount(len(converted.files), 'file')}"
    finish(findings, output, f"{out}: {written}{hint}")


def _check(team: str, period: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from failsoft.workspace.quantities import Duration, Name

    for flag, value, kind in (("--team", team, Name), ("--period", period, Duration)):
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            raise UsageError(f"{flag} {value!r} {error.errors(include_url=False)[0]['msg']}") from error


def _sources(paths: Sequence[Path]) -> "tuple[list[SourceFile], tuple[Finding, ...]]":
    sources: list[SourceFile] = []
    findings: list[Finding] = []
    for path in paths:
        inside = sorted(one for one in path.rglob("*") if one.suffix in {".yaml", ".yml"} and one.is_file())
        if path.is_dir() and not inside:
            raise UsageError(f"{path} holds no YAML file")
        for one in inside if path.is_dir() else [path]:
            try:
                with one.open("rb") as stream:
                    source = read_text(one.as_posix(), stream.read(LARGEST + 1))
            except OSError as error:
                raise UsageError(f"{one} cannot be read: {error.strerror}") from error
            if isinstance(source, Finding):
                findings.append(source)
            else:
                sources.append(source)
    return sources, tuple(findings)


def _known(out: Path) -> "Known":
    """What the workspace holds already; an empty or missing folder holds nothing."""
    from failsoft.exchange import Known
    from failsoft.workspace.load import load

    if not out.is_dir() or not any(path.suffix in {".yaml", ".yml"} for path in out.rglob("*")):
        return Known()
    workspace, _ = load(out)
    return Known(
        teams=frozenset(workspace.teams),
        models=frozenset(workspace.models),
        slos=frozenset(workspace.slos),
        windows=frozenset(workspace.windows),
        prometheus=workspace.config.prometheus.url if workspace.document is not None else "",
        there=workspace.document is not None or (out / "failsoft.yaml").exists(),
    )


def _raised(finding: Finding) -> Finding:
    """As an error; something to be filled in is a task and no loss, so it stays what it is."""
    from failsoft.exchange.codes import PLACEHOLDER

    if finding.code is PLACEHOLDER:
        return finding
    return replace(finding, code=replace(finding.code, severity=Severity.ERROR))


def _write(files: dict[str, str], out: Path) -> None:
    """All files or none; what is there already stays as it is."""
    there = [path for path in files if (out / path).exists()]
    if there:
        raise UsageError(f"{out / there[0]} is there already: name another folder with -o, or move the file away")
    written: list[Path] = []
    try:
        for path, text in files.items():
            target = out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as stream:
                written.append(target)
                stream.write(text)
    except OSError as error:
        for target in written:
            target.unlink(missing_ok=True)
        raise UsageError(f"{error.filename or out} cannot be written: {error.strerror}") from error
