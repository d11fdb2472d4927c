"""What the commands share that look into the database of `failsoft serve`, without the server or its engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import load_clean

if TYPE_CHECKING:
    import sqlalchemy as sa

    from failsoft.workspace import Workspace

__all__ = ["database_option", "person_option", "records"]


def database_option[F: Callable[..., object]](function: F) -> F:
    """The option --database."""
    told = "The database's URL; server.database when left out."
    return click.option("--database", metavar="URL", default="", help=told)(function)


def person_option[F: Callable[..., object]](function: F) -> F:
    """The option --as."""
    told = "Your name among the people of the team."
    return click.option("--as", "person", metavar="NAME", required=True, help=told)(function)


@contextmanager
def records(root: Path, database: str) -> "Iterator[tuple[Workspace, sa.Engine]]":
    """The workspace at `root`, and its database. Raises what `offline.opened` raises."""
    from failsoft.runbooks.offline import opened

    loaded, _ = load_clean(root, "text")
    with opened(loaded, database) as engine:
        yield loaded, engine
