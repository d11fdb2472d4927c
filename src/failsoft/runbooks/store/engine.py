"""The one database engine that DBOS and our own tables share, for SQLite 3.40 and PostgreSQL, and its transactions."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from failsoft.errors import UnavailableError, UsageError
from failsoft.runbooks.store.turns import Turns, TurnsConnection
from failsoft.workspace import Workspace

__all__ = ["database_url", "is_sqlite", "now", "open_engine", "reading", "tidy", "transaction"]

_BUSY_MS = 5_000
_CHECKPOINT_PAGES = 20_000
_CONNECT_S = 2
_POOL = 10
# DBOS asks for unixepoch('subsec') on Python >= 3.12; SQLite knows that word since 3.42, Debian 12 has 3.40.
_SQLITE_WITH_SUBSEC = (3, 42, 0)
_URGENT = "failsoft_urgent"
_READS = ("SELECT", "PRAGMA")


def database_url(workspace: Workspace) -> str:
    """The URL of the workspace's database: the one it names, else an SQLite file in its `.failsoft` folder."""
    named = workspace.config.server.database
    return named or f"sqlite:///{workspace.root.absolute() / '.failsoft' / 'failsoft.sqlite'}"


def open_engine(url: str) -> sa.Engine:
    """An engine for `sqlite:///FILE` or `postgresql://...`; it connects on first use.

    Raises:
        UsageError: it is neither of the two.
    """
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise UsageError("server.database is no URL: expected sqlite:///FILE or postgresql://HOST/NAME") from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"} and parsed.database:
        return _sqlite(parsed)
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=_POOL,
            max_overflow=_POOL,
            pool_timeout=_CONNECT_S,
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_S, "application_name": "failsoft"},
        )
    raise UsageError(f"server.database is of the kind {parsed.drivername!r}: expected sqlite:///FILE or postgresql://")


def is_sqlite(engine: sa.Engine) -> bool:
    """Whether the engine is one of SQLite."""
    return engine.dialect.name == "sqlite"


@contextmanager
def transaction(engine: sa.Engine, *, urgent: bool = False) -> Iterator[sa.Connection]:
    """One transaction: committed at the end of the block, rolled back when it raises.

    An urgent one goes before the others of this process that wait to write to the same SQLite file.

    On SQLite it takes the write lock first, so that what it reads cannot change under it; on PostgreSQL, rows that
    are read to be changed are locked by `FOR NO KEY UPDATE` where they are read.

    Raises:
        UnavailableError: the database is not there, is locked for too long, or broke the transaction off.
    """
    with _translated(), engine.connect().execution_options(**{_URGENT: urgent}) as connection, connection.begin():
        if is_sqlite(engine):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that only looks, and waits for nobody. Raises `UnavailableError` as `transaction` does."""
    with _translated(), engine.connect() as connection:
        yield connection


def tidy(engine: sa.Engine) -> None:
    """Bring SQLite's log into its file, without making anybody wait. Raises `UnavailableError`."""
    if is_sqlite(engine):
        with reading(engine) as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        temporary = isinstance(error, OperationalError | InterfaceError | PoolTimeoutError)
        if not temporary and not getattr(error, "connection_invalidated", False):
            raise
        raise UnavailableError(f"the database did not answer: {_first_line(error)}") from error


def now(connection: sa.Connection) -> float:
    """Seconds since the epoch by the clock that all workers of the database share."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.scalar(sa.select(sa.func.extract("epoch", sa.func.clock_timestamp()))) or 0)


def _sqlite(url: sa.URL) -> sa.Engine:
    factory = {"factory": TurnsConnection}
    engine = sa.create_engine(url, pool_size=_POOL, max_overflow=_POOL, pool_timeout=_CONNECT_S, connect_args=factory)
    turns = Turns()

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        # WAL stands here because it has to hold before DBOS opens the file: a rollback journal stalls its wake-ups.
        # `tidy` empties it; a commit does only where that lags behind, for it takes a tenth of a second.
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        if sqlite3.sqlite_version_info < _SQLITE_WITH_SUBSEC:
            connection.create_function("unixepoch", -1, _unixepoch)

    path = Path(url.database or "")

    @event.listens_for(engine, "checkout")
    def _there(_connection: Any, record: Any, _proxy: Any) -> None:
        # a file that was moved away or replaced is still written to by whoever has it open, and nobody will read it
        here = _inode(path)
        if record.info.setdefault("inode", here) != here or here is None:
            raise DisconnectionError(f"{path} is another file than it was")

    @event.listens_for(engine, "before_cursor_execute")
    def _write(  # as SQLAlchemy calls it
        connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> None:
        writer = connection.connection.driver_connection
        if not isinstance(writer, TurnsConnection) or statement.lstrip()[:6].upper() in _READS:
            return
        urgent = connection.get_execution_options().get(_URGENT, False)
        if not writer.take(turns, _BUSY_MS / 1000, urgent=urgent):
            locked = sqlite3.OperationalError("database is locked")
            raise OperationalError(statement, parameters, locked)

    return engine


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _unixepoch(*modifiers: str) -> float | int:
    moment = time.time()
    return moment if {"subsec", "subsecond"} & set(modifiers) else int(moment)


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return next(iter(str(cause).splitlines()), type(cause).__name__)
