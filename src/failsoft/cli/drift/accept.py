"""`failsoft drift accept`: take a new reference in place of the old one, with author, reason and audit."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from failsoft.cli.drift.files import read_reference, write_whole
from failsoft.cli.drift.folder import file_for
from failsoft.errors import UsageError

__all__ = ["accept"]


@click.command("accept")
@click.argument("new", type=click.Path(path_type=Path))
@click.argument("reference", metavar="REF", type=click.Path(path_type=Path))
@click.option("--author", required=True, help="Who accepts it.")
@click.option("--reason", required=True, help="Why what is seen now is well.")
def accept(*, new: Path, reference: Path, author: str, reason: str) -> None:
    """Take the reference profile NEW in place of REF.

    NEW comes from `failsoft drift fit` or `learn`. Where REF is a folder of one for each revision, NEW takes the place
    of that of its own revision, or comes beside the others. Who took it, why and instead of what is written into REF,
    and as a line of JSON into REF.log beside it, which is only ever appended to. Commit both.
    """
    from failsoft.drift.acceptance import accepted, log_line

    proposed = read_reference(new, "text")
    if reference.is_dir():
        reference = file_for(reference, proposed.revision)
    old = read_reference(reference, "text") if reference.exists() else None
    try:
        taken = accepted(proposed, old, author=author, reason=reason, at=datetime.now(UTC).replace(microsecond=0))
    except ValueError as error:
        raise UsageError(str(error)) from None
    log = reference.with_name(reference.name + ".log")
    try:
        with log.open("a", encoding="utf-8") as stream:
            stream.write(log_line(taken))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise UsageError(f"cannot write {log}: {error.strerror}") from None
    write_whole(reference, taken.render())
    click.echo(f"{reference} is now {taken.digest[:12]}" + (f", was {old.digest[:12]}" if old else ""))
