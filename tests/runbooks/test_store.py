"""The database: as safe as it was asked to be, migrated forwards, and honest when it is away."""

import sqlite3
import threading
import time

import pytest
import sqlalchemy as sa

from failsoft.errors import PermanentError, UnavailableError, UsageError
from failsoft.runbooks.service import open_service
from failsoft.runbooks.store.engine import database_url, open_engine, reading, transaction
from failsoft.runbooks.store.migrations import MIGRATIONS, migrate, migrated
from failsoft.runbooks.store.schema import metadata, schema_version, settings
from failsoft.workspace.kinds import RunbookSpec


def test_sqlite_is_opened_so_that_a_commit_is_on_the_disk(sqlite_url):
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        values = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]
    engine.dispose()
    assert values == ["wal", 2, 1, 5000]


def test_unixepoch_knows_fractions_also_where_sqlite_is_old(sqlite_url):
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        fine, coarse = connection.exec_driver_sql("SELECT unixepoch('subsec'), unixepoch()").one()
    engine.dispose()
    assert abs(fine - time.time()) < 5
    assert int(fine) == fine // 1
    assert isinstance(coarse, int)
    assert fine != int(fine) or sqlite3.sqlite_version_info >= (3, 42, 0)


def test_what_a_transaction_reads_cannot_change_under_it(sqlite_url):
    engine = open_engine(sqlite_url)
    migrate(engine)

    def add_one():
        with transaction(engine) as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(settings))
            time.sleep(0.005)
            connection.execute(sa.insert(settings).values(key=f"n{count}", value=count, by="test", at=0.0))

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(settings)) == 8
    engine.dispose()


def test_migrating_twice_is_migrating_once(database):
    migrate(database)
    assert migrated(database)
    with reading(database) as connection:
        assert connection.scalars(sa.select(schema_version.c.version)).all() == list(range(1, len(MIGRATIONS) + 1))


def test_many_may_migrate_at_the_same_time(any_url):
    engine = open_engine(any_url)
    failures = []

    def run():
        try:
            migrate(engine)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert migrated(engine)
    engine.dispose()


def test_the_migrations_lead_to_the_tables_of_the_code(database):
    there = sa.inspect(database)
    for table in metadata.sorted_tables:
        assert {column["name"] for column in there.get_columns(table.name)} == set(table.columns.keys())
        assert {index["name"] for index in there.get_indexes(table.name)} >= {index.name for index in table.indexes}


def test_the_database_of_a_newer_failsoft_is_refused(database):
    with transaction(database) as connection:
        connection.execute(sa.insert(schema_version).values(version=99, at=0.0))
    assert not migrated(database)
    with pytest.raises(PermanentError, match="made by a newer failsoft"):
        migrate(database)


def test_a_database_that_is_away_is_unavailable(tmp_path):
    for url in ("postgresql://nobody@127.0.0.1:1/none", f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.sqlite'}"):
        engine = open_engine(url)
        began = time.monotonic()
        with pytest.raises(UnavailableError), transaction(engine):
            pass
        with pytest.raises(UnavailableError):
            migrated(engine)
        assert time.monotonic() - began < 20
        engine.dispose()


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense", "sqlite://"])
def test_a_url_of_another_kind_is_refused_without_repeating_it(url):
    with pytest.raises(UsageError, match="expected sqlite:///FILE or postgresql://") as told:
        open_engine(url)
    assert "localhost" not in str(told.value)


def test_the_database_stands_in_the_workspace_by_default(declare, runbook):
    workspace = declare(runbook("- inspect: {}"))
    assert database_url(workspace) == f"sqlite:///{workspace.root}/.failsoft/failsoft.sqlite"


def test_a_runbook_survives_the_way_through_the_database(declare, runbook):
    steps = """
    - {name: look, inspect: {nodes: false, events: 15m}}
    - query: {promql: "up{selector}"}
    - approve: {from: people, within: 1h30m, otherwise: stop}
    - shiftTraffic: {percent: 12.5%, onInterrupted: ask}
    - scale: {model: fallback, replicas: 3}
    - verify: {slo: chat-availability, for: 90s, otherwise: [undo]}
    - notify: {text: hello}
    - page: {}
    """
    spec = declare(runbook(steps, mode="auto")).runbooks["shift"].spec
    written = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert RunbookSpec.model_validate(written) == spec


async def test_a_service_makes_the_folder_of_its_database(declare, runbook, kubernetes):
    workspace = declare(runbook("- inspect: {}"))
    async with open_service(
        workspace, cluster=kubernetes.cluster(), prometheus=None, pagers={}, announcer=None
    ) as service:
        assert await service.ready()
    assert (workspace.root / ".failsoft" / "failsoft.sqlite").stat().st_mode & 0o777 == 0o600
