"""A throwaway PostgreSQL on this machine, and fresh databases on it or on any other server."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from failsoft.clients.binaries import find
from failsoft.errors import PermanentError
from failsoft.lab.parts.process import Process, free_port

__all__ = ["database", "postgres_server"]

_OWNER = "failsoft"


@contextmanager
def postgres_server(*, registry: Path | None = None) -> Iterator[str]:
    """A PostgreSQL that lives as long as the block, in a folder of its own: fast, and not meant to survive a power cut.

    PostgreSQL refuses to run as root, so for root it runs as `postgres`, or as `nobody` where there is no such user.

    Args:
        registry: see `Process`.

    Yields:
        its URL, as SQLAlchemy and DBOS take it: `postgresql+psycopg://...`.

    Raises:
        MissingPartError: there is no PostgreSQL on this machine.
        PermanentError: it could not make its cluster, or ended at its start.
    """
    user = _unprivileged_user()
    with tempfile.TemporaryDirectory(prefix="failsoft-postgres-") as scratch:
        folder = Path(scratch)
        if user is not None:
            shutil.chown(folder, user)
        programs = _reachable(find("initdb").resolve().parent, folder, user)
        environment = _environment(programs)
        password = secrets.token_hex(16)
        data = _make_cluster(programs, folder, environment, user, password)
        port = free_port()
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 300,
            "fsync": "off",
            "full_page_writes": "off",
            "jit": "off",
        }
        argv = [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]
        # Stopped by SIGQUIT, an immediate shutdown: nothing in it is worth a checkpoint.
        process = Process(
            argv,
            folder / "postgres.log",
            registry=registry,
            env=environment,
            cwd=folder,
            user=user,
            stop_signal=signal.SIGQUIT,
        )
        url = f"postgresql+psycopg://{_OWNER}:{password}@127.0.0.1:{port}/postgres"
        with process:
            process.wait_ready(_accepts(url))
            yield url


@contextmanager
def database(server: str) -> Iterator[str]:
    """A new, empty database that lives as long as the block.

    Args:
        server: the URL of any database on the server, with the right to create databases.

    Yields:
        its URL, `postgresql+psycopg://...`.

    Raises:
        psycopg.Error: the server did not answer or refused.
    """
    import psycopg
    from psycopg.sql import SQL, Identifier
    from sqlalchemy.engine import make_url

    name = f"failsoft_{secrets.token_hex(6)}"
    url = make_url(server).set(drivername="postgresql+psycopg", database=name)
    with psycopg.connect(_libpq(server), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(_libpq(server), autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def _reachable(programs: Path, folder: Path, user: str | None) -> Path:
    """The programs' folder, or a copy of the whole installation where `user` may not enter it (a root's home, say)."""
    try:
        _run_as(user, [programs / "initdb", "--version"], folder, {})
    except PermissionError:
        prefix = programs.parents[3]  # `usr` in `usr/lib/postgresql/15/bin`
        shutil.copytree(prefix, folder / "usr", symlinks=True)
        return folder / "usr" / programs.relative_to(prefix)
    return programs


def _environment(programs: Path) -> dict[str, str]:
    # Unpacked without an installation, its libraries are where only this variable makes the loader look.
    libraries = (programs.parents[2] / "lib").glob("*-linux-gnu")
    return {"LC_ALL": "C", "TZ": "UTC", "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))}


def _make_cluster(programs: Path, folder: Path, environment: dict[str, str], user: str | None, password: str) -> Path:
    data, secret = folder / "data", folder / "password"
    secret.write_text(password, "ascii")
    argv = [
        str(programs / "initdb"),
        f"--pgdata={data}",
        f"--username={_OWNER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
    ]
    done = _run_as(user, argv, folder, environment)
    if done.returncode:
        raise PermanentError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    return data


def _run_as(
    user: str | None, argv: Sequence[str | Path], cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    group = None if user is None else pwd.getpwnam(user).pw_gid
    return subprocess.run(
        argv,
        cwd=cwd,
        env=environment,
        user=user,
        group=group,
        extra_groups=None if user is None else [],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60.0,
    )


def _accepts(url: str) -> Callable[[], bool]:
    import psycopg

    def check() -> bool:
        try:
            psycopg.connect(_libpq(url), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    return check


def _libpq(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return scheme.partition("+")[0] + separator + rest
