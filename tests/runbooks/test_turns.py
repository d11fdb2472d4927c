"""Writers of one SQLite file take turns: nobody sleeps beside a free database, and what is urgent goes first."""

import threading

import pytest
import sqlalchemy as sa

from failsoft.errors import UnavailableError
from failsoft.runbooks.store import engine as store
from failsoft.runbooks.store.engine import open_engine, reading, tidy, transaction
from failsoft.runbooks.store.turns import Turns


@pytest.fixture
def engine(tmp_path):
    opened = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with transaction(opened) as connection:
        connection.exec_driver_sql("CREATE TABLE words (word TEXT)")
    yield opened
    opened.dispose()


def write(engine, word, *, urgent=False):
    with transaction(engine, urgent=urgent) as connection:
        connection.exec_driver_sql("INSERT INTO words VALUES (?)", (word,))


def write_and_break(engine):
    with transaction(engine) as connection:
        connection.exec_driver_sql("INSERT INTO words VALUES ('lost')")
        raise RuntimeError("broken")


def words(engine):
    with reading(engine) as connection:
        return list(connection.scalars(sa.text("SELECT word FROM words ORDER BY rowid")))


def waiting(turns, number):
    for _ in range(10_000):
        with turns._lock:
            if len(turns._urgent) + len(turns._others) == number:
                return
        threading.Event().wait(0.005)
    raise AssertionError("nobody waits")


def test_who_came_first_writes_first_and_the_urgent_before_them(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(store, "Turns", lambda: made.append(Turns()) or made[-1])
    engine = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with transaction(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE words (word TEXT)")
    [turns] = made
    threads = []
    with transaction(engine) as connection:
        for word, urgent in (("second", False), ("third", False), ("first", True)):
            thread = threading.Thread(target=write, args=(engine, word), kwargs={"urgent": urgent})
            thread.start()
            threads.append(thread)
            waiting(turns, len(threads))
        connection.exec_driver_sql("INSERT INTO words VALUES ('holder')")
    for thread in threads:
        thread.join()
    assert words(engine) == ["holder", "first", "second", "third"]
    engine.dispose()


def test_a_transaction_that_breaks_lets_the_next_one_write(engine):
    for _ in range(30):  # more often than there are connections
        with pytest.raises(RuntimeError):
            write_and_break(engine)
    write(engine, "kept")
    assert words(engine) == ["kept"]


def test_a_write_outside_a_block_of_ours_takes_its_turn_too(engine):
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO words VALUES ('theirs')"))
    write(engine, "ours")
    assert words(engine) == ["theirs", "ours"]


def test_readers_wait_for_nobody(engine):
    with transaction(engine) as connection:
        connection.exec_driver_sql("INSERT INTO words VALUES ('unseen')")
        assert words(engine) == []


def test_who_waits_too_long_is_told_so_and_leaves_the_line(engine, monkeypatch):
    monkeypatch.setattr(store, "_BUSY_MS", 20)
    with transaction(engine), pytest.raises(UnavailableError, match="database is locked"):
        write(engine, "late")
    write(engine, "later")
    assert words(engine) == ["later"]


def test_another_process_is_waited_for_as_ever(engine, tmp_path):
    other = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    held = threading.Event()

    def hold():
        with transaction(other) as connection:
            connection.exec_driver_sql("INSERT INTO words VALUES ('other')")
            held.set()
            threading.Event().wait(0.1)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    write(engine, "ours")
    thread.join()
    other.dispose()
    assert words(engine) == ["other", "ours"]


def test_tidying_empties_the_log(engine, tmp_path):
    for number in range(50):
        write(engine, f"word {number}")
    tidy(engine)
    # written from its beginning again: it does not grow any more
    size = (tmp_path / "x.sqlite-wal").stat().st_size
    write(engine, "one more")
    assert (tmp_path / "x.sqlite-wal").stat().st_size == size


def test_a_file_that_was_moved_away_is_written_to_no_more(engine, tmp_path):
    write(engine, "before")
    (tmp_path / "away").mkdir()
    for name in ("x.sqlite", "x.sqlite-wal", "x.sqlite-shm"):
        (tmp_path / name).rename(tmp_path / "away" / name)
    with pytest.raises(UnavailableError):
        write(engine, "into the void")
    for name in ("x.sqlite", "x.sqlite-wal", "x.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / "away" / name).rename(tmp_path / name)
    write(engine, "after")
    assert words(engine) == ["before", "after"]
