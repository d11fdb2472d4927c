"""What Alertmanager says, at least once and in any order, becomes episodes and incidents, once."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from failsoft.runbooks import intake
from failsoft.runbooks.intake import take_in
from failsoft.runbooks.store.engine import open_engine, transaction
from failsoft.runbooks.store.migrations import migrate
from failsoft.runbooks.store.schema import deliveries, episodes, incidents, metadata, outbox, runs, timeline


@pytest.fixture
def workspace(declare, runbook):
    return declare(runbook("- inspect: {}", mode="observe"))


@pytest.fixture
def receive(database, workspace, delivery):
    def received(*alerts):
        with transaction(database) as connection:
            return take_in(connection, workspace, delivery(*alerts))

    return received


@pytest.fixture
def select(database):
    def selected(query):
        with transaction(database) as connection:
            return connection.execute(query).all()

    return selected


def opened(select):
    return select(sa.select(incidents).order_by(incidents.c.id))


def later(one):
    return one.model_copy(update={"starts_at": datetime.now(UTC) + timedelta(minutes=1)})


def finish(select, run, outcome):
    ended = sa.update(runs).where(runs.c.id == run).values(state="ended", outcome=outcome, ended_at=time.time())
    select(ended.returning(runs.c.id))


def test_the_first_alert_opens_an_incident_and_starts_its_runbook(receive, select, alert):
    receipt = receive(alert())
    assert (receipt.opened, len(receipt.runs)) == ((1,), 1)
    (run,) = select(sa.select(runs))
    assert (run.runbook, run.state, run.requester) == ("shift", "queued", None)
    (incident,) = opened(select)
    assert (incident.slo, incident.team, incident.severity, incident.failure_mode) == (
        "chat-ttft",
        "assistants",
        "page",
        "latency-degraded",
    )


def test_what_is_delivered_twice_changes_nothing_the_second_time(receive, select, alert):
    receive(alert(), alert(tier="slow"))
    before = select(sa.select(timeline.c.kind, timeline.c.text))
    again = receive(alert(tier="slow"), alert())
    assert (again.opened, again.runs) == ((), ())
    assert select(sa.select(timeline.c.kind, timeline.c.text)) == before
    assert len(select(sa.select(deliveries))) == 2


def test_all_tiers_and_flaps_attach_to_the_open_incident(receive, select, alert):
    receive(alert(severity="ticket", tier="slow"))
    assert receive(alert(tier="fast")).opened == ()
    receive(alert("resolved", tier="fast"))
    assert receive(alert(tier="fast", minute=20)).opened == ()
    assert [row.severity for row in opened(select)] == ["page"]
    assert {row.incident_id for row in select(sa.select(episodes))} == {1}


def test_the_incident_is_resolved_when_none_of_its_alerts_fires(receive, select, alert):
    receive(alert(tier="fast"), alert(tier="slow"))
    assert receive(alert("resolved", tier="fast")).resolved == ()
    assert receive(alert("resolved", tier="slow")).resolved == (1,)
    assert opened(select)[0].state == "resolved"
    assert receive(later(alert())).opened == (2,)


def test_a_slower_tier_held_back_until_the_faster_one_ended_belongs_to_the_same_incident(receive, select, alert):
    """It began during the incident; the runbook has seen the SLO recover since, so nobody is asked again."""
    (run,) = receive(alert(tier="fast")).runs
    finish(select, run, "recovered")
    assert receive(alert("resolved", tier="fast")).resolved == (1,)
    receipt = receive(alert(tier="slow"))
    assert (receipt.opened, receipt.runs) == ((), ())
    assert [row.state for row in opened(select)] == ["open"]
    assert receive(alert("resolved", tier="slow")).resolved == (1,)


def test_an_alert_told_of_after_its_end_is_late_news(receive, select, alert):
    receive(alert("resolved"))
    assert receive(alert()).opened == ()
    assert opened(select) == []


def test_an_alert_that_fires_long_after_its_end_under_its_old_start_fires_again(receive, select, alert, monkeypatch):
    receive(alert())
    receive(alert("resolved"))
    # Prometheus was away, the alert ran out in Alertmanager, and Prometheus came back with it
    monkeypatch.setattr(intake, "LATE_S", -1.0)
    assert receive(alert()).opened == (2,)
    (episode,) = select(sa.select(episodes))
    assert (episode.status, episode.reopened, episode.incident_id) == ("firing", 1, 2)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"slo": ""}, "it has no label slo"),
        ({"model": ""}, "it has no label model"),
        ({"slo": "nobody-declared-this"}, "there is no SLO 'nobody-declared-this' in the workspace"),
        ({"model": "chat-small"}, "the SLO chat-ttft is not one of the model 'chat-small'"),
    ],
)
def test_an_alert_without_declared_labels_is_recorded_and_seen_but_starts_nothing(receive, select, alert, labels, why):
    receipt = receive(alert(**labels))
    assert (receipt.unclaimed, receipt.opened) == (1, ())
    (episode,) = select(sa.select(episodes))
    assert (episode.incident_id, episode.note) == (None, why)
    assert why in select(sa.select(timeline))[0].text


def test_something_urgent_that_no_runbook_answers_pages_the_owner(receive, select, alert):
    receive(alert(slo="small-ttft", model="chat-small"))
    (page,) = select(sa.select(outbox).where(outbox.c.kind == "page"))
    assert page.payload["team"] == "assistants"
    assert "no runbook answers it" in page.payload["summary"]
    assert page.payload["links"] == [["https://grafana.example.com/d/small-ttft", "dashboard"]]


def test_a_ticket_that_no_runbook_answers_pages_nobody(receive, select, alert):
    receive(alert(slo="small-ttft", model="chat-small", severity="ticket"))
    assert select(sa.select(outbox).where(outbox.c.kind == "page")) == []


def test_the_page_is_resolved_with_the_incident_under_the_same_key(receive, select, alert):
    receive(alert(slo="small-ttft", model="chat-small"))
    receive(alert("resolved", slo="small-ttft", model="chat-small"))
    pages = select(sa.select(outbox.c.payload).where(outbox.c.kind == "page").order_by(outbox.c.id))
    assert [page.payload["action"] for page in pages] == ["trigger", "resolve"]
    assert len({page.payload["dedup_key"] for page in pages}) == 1


def test_many_at_once_open_one_incident(database, workspace, alert, delivery, select):
    tiers = [alert(tier=f"tier-{number}") for number in range(6)]

    def received(order):
        with transaction(database) as connection:
            return take_in(connection, workspace, delivery(*order))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(received, itertools.islice(itertools.permutations(tiers), 12)))
    assert len(opened(select)) == 1
    assert len(select(sa.select(episodes))) == 6
    assert len(select(sa.select(runs))) == 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('intake') / 'failsoft.sqlite'}")
    migrate(engine)
    yield engine
    engine.dispose()


# One alert's life as Alertmanager may tell it: episodes in order, each of them firing and perhaps resolved.
lives = st.lists(st.booleans(), min_size=1, max_size=4)


@given(lives=st.lists(lives, min_size=1, max_size=3), order=st.randoms(use_true_random=False), twice=st.booleans())
@settings(max_examples=60)
def test_no_order_and_no_repetition_leaves_an_incident_open_or_closed_wrongly(
    shared, workspace, alert, delivery, lives, order, twice
):
    with transaction(shared) as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "failsoft_schema":
                connection.execute(sa.delete(table))
    told = []
    for number, life in enumerate(lives):
        for minute, ends in enumerate(life):
            told.append(alert(tier=f"tier-{number}", minute=minute))
            told += [alert("resolved", tier=f"tier-{number}", minute=minute)] * ends
    told += told * twice
    order.shuffle(told)
    for one in told:
        with transaction(shared) as connection:
            take_in(connection, workspace, delivery(one))
    firing = sum(not ends for life in lives for ends in life)
    with transaction(shared) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(episodes.c.status == "firing")) == firing
        states = connection.scalars(sa.select(incidents.c.state)).all()
        assert states.count("open") == (1 if firing else 0)
        assert len(connection.execute(sa.select(episodes)).all()) == sum(map(len, lives))


TENANTS = """
kind: SLO
metadata: {name: chat-tenants}
spec:
  model: chat
  indicator: {availability: {}}
  objective: 99%
  groupBy: {label: tenant, added: true}
"""


def test_groups_that_burn_are_one_incident_that_names_each_and_lasts_until_the_last_one(
    database, declare, runbook, delivery, alert, select
):
    workspace = declare(runbook("- inspect: {}", mode="observe", answers="slos: [chat-tenants]"), TENANTS)

    def receive(*alerts):
        with transaction(database) as connection:
            return take_in(connection, workspace, delivery(*alerts))

    def tells(status, tenant):
        return alert(status, slo="chat-tenants", group=tenant)

    receipt = receive(tells("firing", "acme"), tells("firing", "<!channel>"))
    assert (receipt.opened, len(receipt.runs)) == ((1,), 1)
    texts = [text for (text,) in select(sa.select(timeline.c.text))]
    assert any("for tenant acme fires" in text for text in texts)
    assert any("for tenant <!channel>" in text for text in texts)
    assert receive(tells("resolved", "acme")).resolved == ()
    assert receive(tells("resolved", "<!channel>")).resolved == (1,)
