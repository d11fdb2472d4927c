"""`failsoft schema`: the JSON Schema of the documents."""

import json
from pathlib import Path

import click

__all__ = ["command"]


@click.command("schema")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="A file to write instead of printing."
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where the file is not up to date.")
def command(out: Path | None, *, check: bool) -> None:
    """Write the JSON Schema of all kinds of documents.

    Name it in the first line of a file: `# yaml-language-server: $schema=PATH`.
    """
    from failsoft.workspace.schema import document_schema

    text = json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        click.echo(text, nl=False)
    elif not check:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    elif not out.is_file() or out.read_text(encoding="utf-8") != text:
        raise click.ClickException(f"{out} is not up to date: run `failsoft schema -o {out}`")
