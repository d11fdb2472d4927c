"""`failsoft init`: a small workspace for one's own model."""

import json
from pathlib import Path

import click

from failsoft.errors import UsageError

__all__ = ["command"]


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--model", default="my-model", show_default=True, help="The name of the model.")
@click.option("--engine", default="vllm", show_default=True, help="The serving engine.")
@click.option("--job", default="", help="The Prometheus job that scrapes it; the model's name when left out.")
@click.option("--team", default="my-team", show_default=True, help="The team that owns it.")
def command(folder: Path, model: str, engine: str, job: str, team: str) -> None:
    """Write a small workspace into FOLDER: a model, its team, two SLOs and a runbook."""
    from failsoft.findings import render
    from failsoft.workspace.load import load
    from failsoft.workspace.schema import document_schema

    target = folder / "failsoft.yaml"
    if target.exists():
        raise UsageError(f"{target} is there already: choose another folder, or edit that file")
    text = _filled(model=model, engine=engine, job=job or model, team=team, name=(folder.resolve().name or "workspace"))
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    (folder / "failsoft.schema.json").write_text(json.dumps(document_schema(), indent=2) + "\n", encoding="utf-8")
    _, findings = load(folder)
    if findings:
        target.unlink()
        raise UsageError(f"these names make no workspace:\n{render(findings, 'text')}")
    click.echo(f"wrote {target}; next: failsoft check {folder} && failsoft test {folder}")


def _filled(*, model: str, engine: str, job: str, team: str, name: str) -> str:
    import re
    from importlib.resources import files

    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    template = files("failsoft.cli").joinpath("templates/workspace.yaml.j2").read_text(encoding="utf-8")
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    label = {"vllm": "model_name"}.get(engine, "")
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].rstrip("-") or "workspace"
    return environment.from_string(template).render(
        model=model, engine=engine, job=job, team=team, name=slug, label=label
    )
