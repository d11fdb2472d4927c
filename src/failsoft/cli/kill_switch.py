"""The kill switch that `failsoft serve` keeps, as an experiment reads it; two loops that do not know each other."""

import os
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from failsoft.errors import UnavailableError
from failsoft.runbooks.store.engine import is_sqlite, open_engine, reading
from failsoft.runbooks.store.schema import settings
from failsoft.runbooks.store.settings import killed

__all__ = ["ENVIRONMENT", "StoredSwitch", "from_environment"]

ENVIRONMENT = "FAILSOFT_KILL_SWITCH"
"""Holds the database's URL in the process that breaks things."""


class StoredSwitch:
    """The switch of all runbooks in the database of a URL; off as long as there is no such database.

    Raises `UsageError` where the URL is none of a database that failsoft knows.
    """

    opener = "failsoft.cli.kill_switch:from_environment"

    def __init__(self, url: str) -> None:
        self._url = url
        open_engine(url).dispose()

    @property
    def environment(self) -> Mapping[str, str]:
        """As the port says."""
        return {ENVIRONMENT: self._url}

    def reason(self) -> str:
        """As the port says."""
        engine = open_engine(self._url)
        try:
            return _reason(engine)
        except sa.exc.DBAPIError as error:
            raise UnavailableError(f"the kill switch cannot be read: {error.orig}") from error
        finally:
            engine.dispose()


def _reason(engine: sa.Engine) -> str:
    if is_sqlite(engine) and not Path(engine.url.database or "").is_file():
        return ""  # `failsoft serve` has not made it yet; opening would make an empty file
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table(settings.name):
            return ""
        switch = killed(connection, "")
    return "" if switch is None else str(switch)


def from_environment() -> StoredSwitch:
    """The switch whose database the environment names."""
    return StoredSwitch(os.environ[ENVIRONMENT])
