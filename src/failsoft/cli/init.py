"""`failsoft init`: a small workspace for one's own model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.errors import UsageError

if TYPE_CHECKING:
    from failsoft.workspace import Document
    from failsoft.workspace.kinds import EngineSpec

__all__ = ["command"]

_TTFT_MS = 500


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--model", default="my-model", show_default=True, help="The name of the model.")
@click.option("--engine", default="vllm", show_default=True, help="The serving engine.")
@click.option("--job", default="", help="The Prometheus job that scrapes it; the model's name when left out.")
@click.option("--team", default="my-team", show_default=True, help="The team that owns it.")
def command(folder: Path, model: str, engine: str, job: str, team: str) -> None:
    """Write a small workspace into FOLDER: a model, its team, SLOs and a runbook. Nothing that is there is touched."""
    from failsoft.workspace.decode import nearest
    from failsoft.workspace.load import shipped
    from failsoft.workspace.schema import document_schema

    engines = shipped().engines
    if engine not in engines:
        raise UsageError(f"there is no engine {engine!r}; {nearest(engine, list(engines)) or ', '.join(engines)}")
    _check_name("--team", team)
    for pattern in ("{model}", "look-at-{model}", "{model}-availability"):
        _check_name("--model", model, pattern.format(model=model))
    schema = json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n"
    text = _filled(engines[engine], folder, {"model": model, "job": job or model, "team": team})
    _check_whole(text)
    target, beside = folder / "failsoft.yaml", folder / "failsoft.schema.json"
    if target.exists():
        raise UsageError(f"{target} is there already: choose another folder, or edit that file")
    if beside.exists() and beside.read_text(encoding="utf-8", errors="replace") != schema:
        raise UsageError(f"{beside} is there already and is another one: move it, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    beside.write_text(schema, encoding="utf-8")
    target.write_text(text, encoding="utf-8")
    click.echo(f"wrote {target}; next: failsoft check {folder} && failsoft test {folder}")


def _check_name(option: str, given: str, made: str = "") -> None:
    """Whether a name, and the document's name that is `made` of it, is one."""
    from pydantic import TypeAdapter, ValidationError

    from failsoft.workspace.quantities import Name

    try:
        TypeAdapter(Name).validate_python(made or given)
    except ValidationError as error:
        expected = error.errors(include_url=False)[0]["ctx"]["expected"]
        inside = f" in {made}" if made not in {"", given} else ""
        raise UsageError(f"{option} {given!r} makes no name{inside}; expected {expected}") from None


def _check_whole(text: str) -> None:
    """Whether the text is a good workspace, found out in a folder that nobody sees."""
    from tempfile import TemporaryDirectory

    from failsoft.findings import Severity, render
    from failsoft.workspace.load import load

    with TemporaryDirectory(prefix="failsoft-init-") as scratch:
        (Path(scratch) / "failsoft.yaml").write_text(text, encoding="utf-8")
        _, findings = load(Path(scratch))
    heard = [finding for finding in findings if finding.severity is not Severity.INFO]
    if heard:
        raise UsageError(f"these words make no workspace:\n{render(heard[:1], 'text').rstrip()}")


def _filled(engine: "Document[EngineSpec]", folder: Path, names: dict[str, str]) -> str:
    import re
    from importlib.resources import files

    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    from failsoft.slo.promql import Matcher

    there = engine.spec.indicators
    if there.ttft is None and there.availability is None:
        raise UsageError(f"the engine {engine.name} exports neither ttft nor availability: write its SLOs by hand")
    template = files("failsoft.cli").joinpath("templates/workspace.yaml.j2").read_text(encoding="utf-8")
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    slug = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:63].rstrip("-") or "workspace"
    return environment.from_string(template).render(
        names,
        engine=engine.name,
        name=slug,
        label=engine.spec.identity.get("model", ""),
        ttft=_threshold(engine.spec, there.ttft.family) if there.ttft else "",
        availability=there.availability is not None,
        up=f"up{{{Matcher('job', '=', names['job'])}}}",
    )


def _threshold(spec: "EngineSpec", family: str) -> str:
    """The bucket bound of a histogram that is nearest to half a second, as people write it."""
    from decimal import Decimal

    from failsoft.slo.bounds import MILLISECONDS
    from failsoft.workspace.quantities import Latency

    scale = MILLISECONDS.get(spec.families[family].unit, Decimal(1000))
    bounds = [bound * scale for bound in spec.bounds(family)] or [Decimal(_TTFT_MS)]
    return str(Latency(min(bounds, key=lambda bound: (abs(bound - _TTFT_MS), bound))))
