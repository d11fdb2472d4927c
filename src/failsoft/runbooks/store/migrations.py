"""Bringing a database to the present schema, step by numbered step, forwards only."""

from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from failsoft.errors import PermanentError, UnavailableError
from failsoft.runbooks.store.engine import is_sqlite, now, transaction
from failsoft.runbooks.store.schema import metadata, schema_version

__all__ = ["MIGRATIONS", "migrate", "migrated"]

# "failsoft" in ASCII: workers that start at the same time on PostgreSQL migrate one after the other.
_ADVISORY_LOCK = 0x6661696C736F6674


def _first(connection: sa.Connection) -> None:
    metadata.create_all(connection)


MIGRATIONS: Sequence[Callable[[sa.Connection], None]] = (_first,)
"""The steps; number n brings a database from version n-1 to n. A step that was released never changes."""


def migrate(engine: sa.Engine) -> None:
    """Bring the database to the present version; does nothing when it is there.

    Raises:
        UnavailableError: the database does not answer.
        PermanentError: it was made by a newer failsoft.
    """
    if is_sqlite(engine):
        _make_file(Path(engine.url.database or ""))
    with transaction(engine) as connection:
        if not is_sqlite(engine):
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        schema_version.create(connection, checkfirst=True)
        done = _version(connection)
        if done > len(MIGRATIONS):
            raise PermanentError(
                f"the database is of version {done}, made by a newer failsoft; this one knows {len(MIGRATIONS)}"
            )
        for number, step in enumerate(MIGRATIONS[done:], done + 1):
            step(connection)
            connection.execute(sa.insert(schema_version).values(version=number, at=now(connection)))


def _make_file(path: Path) -> None:
    """Make the file, and its folder, readable by nobody else: tokens of open questions stand in it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"the database {path} cannot be made: {error.strerror}") from error


def migrated(engine: sa.Engine) -> bool:
    """Whether the database is there and at the present version. Raises `UnavailableError`."""
    with transaction(engine) as connection:
        return sa.inspect(connection).has_table(schema_version.name) and _version(connection) == len(MIGRATIONS)


def _version(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(sa.func.max(schema_version.c.version))) or 0
