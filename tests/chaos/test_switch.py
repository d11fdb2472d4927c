"""The kill switch before each change of an experiment: nothing is changed after it was thrown, and all is undone."""

import itertools

import pytest

from failsoft.chaos.restore import settle
from failsoft.chaos.switch import HaltedError, opened
from failsoft.cli.kill_switch import ENVIRONMENT, StoredSwitch
from failsoft.errors import PermanentError, UnavailableError, UsageError
from failsoft.runbooks.store.engine import open_engine, transaction
from failsoft.runbooks.store.migrations import migrate
from failsoft.runbooks.store.settings import kill, revive


class Switch:
    """A switch that is thrown when it has been read so often."""

    opener, environment = "", {}

    def __init__(self, on_after, why="ana turned the kill switch of all runbooks on"):
        self.reads, self._on_after, self._why = 0, on_after, why

    def reason(self):
        self.reads += 1
        if self.reads <= self._on_after:
            return ""
        if isinstance(self._why, Exception):
            raise self._why
        return self._why


def play(steps, draft):
    steps.record(draft)
    for step in (steps.cordon, steps.taint, steps.evict, steps.delete_remaining, steps.hold):
        step()


def steps_with(world, clock, switch, run):
    steps = world.steps(run, clock)
    steps._switch = switch
    return steps


def test_whenever_it_is_thrown_nothing_more_is_read_or_changed_and_all_is_undone(world, fake, quick):
    """Thrown before the 1st, the 2nd ... reading, until a run gets through."""
    world.settle()
    world.protect(minAvailable=2)  # every eviction is refused, so that something is left to delete
    before = world.settled_specs()
    for reads in itertools.count():
        run, switch = f"r{reads}", Switch(reads)
        steps = steps_with(world, quick, switch, run)
        draft = world.draft(run, world.busy_nodes()[:1], now=quick.now(), notice_s=1, hold_s=0)
        halted = False
        try:
            play(steps, draft)
        except HaltedError as error:
            halted = "ana turned" in str(error)
            assert switch.reads == reads + 1, "the first reading that says so is the last one"
        if reads == 0:
            assert world.records() == ()
        else:
            settle(world.cluster, steps._ledger.read(run), clock=quick)
        assert world.settled_specs() == before
        world.ready(2)
        if not halted:
            break
    assert reads > 10


@pytest.mark.parametrize(("protected", "changes"), [(True, 4), (False, 7)], ids=["deleted at the end", "evicted"])
def test_before_each_single_change_the_switch_is_read(world, fake, quick, protected, changes):
    """The record, then on each node cordon and taint, and each pod."""
    world.settle()
    if protected:
        world.protect(minAvailable=2)
    made_before_reading = []

    def made():
        paths = [(request.method, request.path) for request in fake.effects if world.where in request.path]
        ours = [path for _, path in paths if "/nodes/" in path or path.endswith(("/configmaps", "/eviction"))]
        return len(ours) + sum(protected and method == "DELETE" and "/pods/" in path for method, path in paths)

    class Watched(Switch):
        def reason(self):
            made_before_reading.append(made())
            return super().reason()

    fake.forget_requests()
    victims = world.busy_nodes()[: 1 if protected else 2]
    play(
        steps_with(world, quick, Watched(10**9), "r1"),
        world.draft("r1", victims, now=quick.now(), notice_s=2, hold_s=1),
    )
    assert made() == changes
    counts = [*made_before_reading, made()]
    assert max(later - earlier for earlier, later in itertools.pairwise(counts)) == 1


def test_one_that_nobody_can_read_for_long_stops_as_if_it_were_on(world, quick):
    world.settle()
    steps = steps_with(world, quick, Switch(0, UnavailableError("the database is away")), "r1")
    with pytest.raises(HaltedError, match=r"nobody can say .* the database is away"):
        steps.record(world.draft("r1", world.busy_nodes()[:1], now=quick.now()))
    assert world.records() == ()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'db' / 'failsoft.sqlite'}"


def test_the_stored_switch_is_off_before_there_is_a_database_and_makes_none(url, tmp_path):
    switch = StoredSwitch(url)
    assert switch.reason() == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=["url", "postgres_url"])
def any_url(request):
    return request.getfixturevalue(request.param)


def test_the_stored_switch_says_who_threw_it_and_heeds_only_the_one_for_everything(any_url, monkeypatch):
    url = any_url
    switch = StoredSwitch(url)
    engine = open_engine(url)
    migrate(engine)
    assert switch.reason() == ""
    with transaction(engine) as connection:
        kill(connection, "shift", "ben")
    assert switch.reason() == ""
    with transaction(engine) as connection:
        kill(connection, "", "ana")
    assert switch.reason() == "ana turned the kill switch of all runbooks on"

    monkeypatch.setenv(ENVIRONMENT, url)
    assert opened(switch.opener).reason() == switch.reason()
    with transaction(engine) as connection:
        revive(connection, "", "ana")
    assert switch.reason() == ""
    engine.dispose()


def test_a_file_that_is_no_database_is_not_taken_for_a_switch_that_is_off(url, tmp_path):
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "failsoft.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(UnavailableError, match="cannot be read"):
        StoredSwitch(url).reason()


def test_a_database_that_is_away_is_not_taken_for_a_switch_that_is_off():
    with pytest.raises(UnavailableError):
        StoredSwitch("postgresql://127.0.0.1:1/none").reason()


def test_what_cannot_be_opened_is_said():
    assert opened("") is None
    with pytest.raises(PermanentError, match=r"no\.such"):
        opened("no.such:thing")
    with pytest.raises(UsageError):
        StoredSwitch("mysql://h/x")
