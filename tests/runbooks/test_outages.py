"""One outage, many alerts: it is answered once, again when it gets worse or comes back, and never goes quiet unseen."""

import time

import pytest
import sqlalchemy as sa

from failsoft.runbooks.intake import take_in
from failsoft.runbooks.pages import page
from failsoft.runbooks.store import incidents
from failsoft.runbooks.store.engine import transaction
from failsoft.runbooks.store.schema import episodes, outbox, runs, timeline
from failsoft.runbooks.store.schema import incidents as incident_table

PAGE_FAST, PAGE_SLOW = {"tier": "page-fast"}, {"tier": "page-slow"}
TICKET_FAST, TICKET_SLOW = ({"tier": f"ticket-{speed}", "severity": "ticket"} for speed in ("fast", "slow"))


class Outage:
    """What Alertmanager tells of chat-ttft, and what came of it."""

    def __init__(self, database, workspace, alert, delivery):
        self._database, self._workspace, self._alert, self._delivery = database, workspace, alert, delivery
        self._now = time.time()

    def tell(self, *alerts):
        with transaction(self._database) as connection:
            return take_in(connection, self._workspace, self._delivery(*alerts))

    def alert(self, status="firing", *, tier, severity="page", began=0.0):
        """One that began so many seconds before now."""
        made = self._alert(status, tier=tier, severity=severity)
        starts = made.starts_at.fromtimestamp(self._now - began, made.starts_at.tzinfo)
        return made.model_copy(update={"starts_at": starts})

    def fires(self, *tiers, began=0.0):
        return self.tell(*(self.alert(**tier, began=began) for tier in tiers))

    def ends(self, *tiers, began=0.0):
        return self.tell(*(self.alert("resolved", **tier, began=began) for tier in tiers))

    def run_ends(self, outcome, *, ago=0.0, paged=False):
        """The run that is at work ends, so many seconds ago, and pages the owner where it does."""
        with transaction(self._database) as connection:
            wanted = sa.update(runs).where(runs.c.state != "ended")
            connection.execute(wanted.values(state="ended", outcome=outcome, ended_at=self._now - ago))
            if paged:
                incident = incidents.incident(connection, 1)
                page(connection, self._workspace, incident, "nobody answered in time")

    def send(self):
        with transaction(self._database) as connection:
            connection.execute(sa.update(outbox).values(state="sent"))

    def rows(self, query):
        with transaction(self._database) as connection:
            return connection.execute(query).all()

    @property
    def pages(self):
        """What the pager is told, in order."""
        found = self.rows(sa.select(outbox.c.payload).where(outbox.c.kind == "page").order_by(outbox.c.id))
        assert len({row.payload["dedup_key"] for row in found}) <= 1
        return [row.payload["action"] for row in found]

    @property
    def runs(self):
        return len(self.rows(sa.select(runs.c.id)))

    @property
    def thread(self):
        """What the thread says, the ends of runs apart."""
        told = sa.select(outbox.c.payload).where(outbox.c.kind == "entry").order_by(outbox.c.id)
        entries = [row.payload["entry"] for row in self.rows(told)]
        texts = {row.id: row.text for row in self.rows(sa.select(timeline.c.id, timeline.c.text))}
        return [texts[entry] for entry in entries]

    @property
    def incidents(self):
        found = self.rows(sa.select(incident_table.c.state, incident_table.c.severity).order_by(incident_table.c.id))
        return [tuple(row) for row in found]


@pytest.fixture
def outage(database, declare, runbook, alert, delivery):
    workspace = declare(runbook("- approve: {}\n- shiftTraffic: {to: fallback}\n- verify: {}"))
    return Outage(database, workspace, alert, delivery)


def test_ticket_first_then_page_while_the_runbook_is_at_work_is_one_run(outage):
    outage.fires(TICKET_SLOW)
    outage.fires(PAGE_FAST)
    assert outage.runs == 1
    assert outage.incidents == [("open", "page")]
    assert outage.thread[-1] == "chat-ttft-page-fast (page-fast) fires too"


@pytest.mark.parametrize(("outcome", "paged"), [("denied", False), ("expired", True), ("suggested", False)])
def test_a_page_after_a_ticket_that_was_answered_is_answered_anew(outage, outcome, paged):
    outage.fires(TICKET_SLOW, began=60)
    outage.run_ends(outcome, paged=paged)
    assert len(outage.fires(PAGE_FAST, began=30).runs) == 1


def test_a_page_that_began_before_the_slo_was_seen_to_recover_is_no_news(outage):
    outage.fires(TICKET_SLOW, began=60)
    outage.run_ends("recovered")
    assert outage.fires(PAGE_FAST, began=30).runs == ()
    assert outage.pages == []


def test_page_first_then_ticket_adds_a_line_and_nothing_else(outage):
    outage.fires(PAGE_FAST)
    outage.run_ends("expired", paged=True)
    assert outage.fires(TICKET_SLOW).runs == ()
    assert (outage.runs, outage.pages) == (1, ["trigger"])
    assert outage.thread[-1] == "chat-ttft-ticket-slow (ticket-slow) fires too"


def test_the_page_is_resolved_when_only_tickets_fire_and_comes_back_with_the_next_one_that_pages(outage):
    outage.fires(PAGE_FAST, TICKET_SLOW, began=300)
    outage.run_ends("expired", paged=True)
    assert outage.ends(PAGE_FAST, began=300).resolved == ()
    assert outage.pages == ["trigger", "resolve"]
    assert outage.incidents == [("open", "ticket")]
    assert outage.thread[-1] == "Nothing that pages fires any more, only tickets do"
    outage.send()
    assert len(outage.fires(PAGE_FAST).runs) == 1
    outage.run_ends("expired", paged=True)
    assert outage.pages == ["trigger", "resolve", "trigger"]
    assert outage.ends(PAGE_FAST, TICKET_SLOW, began=300).resolved == ()
    assert outage.ends(PAGE_FAST).resolved == (1,)
    assert outage.pages == ["trigger", "resolve", "trigger", "resolve"]
    assert outage.incidents == [("resolved", "page")], "the worst it had"


def test_a_flap_within_keep_firing_for_is_the_same_episode(outage):
    outage.fires(PAGE_FAST, began=60)
    outage.run_ends("recovered")
    said = outage.thread
    assert outage.fires(PAGE_FAST, began=60).runs == ()
    assert outage.thread == said


def test_a_flap_after_the_incident_was_resolved_is_another_incident(outage):
    outage.fires(PAGE_FAST, began=60)
    outage.run_ends("expired", paged=True)
    outage.ends(PAGE_FAST, began=60)
    receipt = outage.fires(PAGE_FAST, began=-60)
    assert (receipt.opened, len(receipt.runs)) == ((2,), 1)


def test_a_flap_while_the_owner_who_was_paged_still_has_the_page_is_a_line(outage):
    outage.fires(PAGE_FAST, PAGE_SLOW, began=60)
    outage.run_ends("expired", paged=True)
    outage.ends(PAGE_FAST, began=60)
    assert outage.fires(PAGE_FAST).runs == ()
    assert outage.pages == ["trigger"]


def test_a_flap_after_the_slo_was_seen_to_recover_is_a_relapse(outage):
    outage.fires(PAGE_FAST, PAGE_SLOW, began=60)
    outage.run_ends("recovered", ago=30)
    outage.ends(PAGE_FAST, began=60)
    assert len(outage.fires(PAGE_FAST, began=10).runs) == 1


@pytest.mark.parametrize("slower", [PAGE_SLOW, TICKET_FAST, TICKET_SLOW], ids=lambda one: one["tier"])
@pytest.mark.parametrize("together", [True, False])
def test_a_slower_tier_after_a_question_without_an_answer_and_a_page_is_a_line(outage, slower, together):
    """The faster one ends in the same delivery, or in the next one."""
    outage.fires(PAGE_FAST, began=300)
    outage.run_ends("expired", paged=True)
    outage.send()
    ended, told = outage.alert("resolved", **PAGE_FAST, began=300), outage.alert(**slower, began=200)
    receipts = [outage.tell(ended, told)] if together else [outage.tell(told), outage.tell(ended)]
    assert [(one.opened, one.resolved, one.runs) for one in receipts] == [((), (), ())] * len(receipts)
    assert outage.runs == 1
    assert outage.pages == (["trigger"] if slower is PAGE_SLOW else ["trigger", "resolve"])
    assert f"chat-ttft-{slower['tier']} ({slower['tier']}) fires too" in outage.thread
    assert outage.ends(slower, began=200).resolved == (1,)
    assert outage.pages == ["trigger", "resolve"]


@pytest.mark.parametrize("began", [60, 10], ids=["began before it recovered", "told late by a long window"])
@pytest.mark.parametrize("slower", [PAGE_SLOW, TICKET_SLOW], ids=lambda one: one["tier"])
def test_a_slower_tier_after_the_slo_was_seen_to_recover_asks_nobody(outage, slower, began):
    outage.fires(PAGE_FAST, began=90)
    outage.run_ends("recovered", ago=30)
    assert outage.fires(slower, began=began).runs == ()
    assert outage.ends(PAGE_FAST, began=90).resolved == ()
    assert (outage.runs, outage.pages) == (1, [])


def test_a_faster_tier_after_the_slo_was_seen_to_recover_is_a_relapse(outage):
    outage.fires(PAGE_SLOW, began=90)
    outage.run_ends("recovered", ago=30)
    assert len(outage.fires(PAGE_FAST, began=10).runs) == 1


def test_a_slower_tier_told_of_after_the_end_opens_the_incident_again_and_keeps_the_page_if_it_can(outage):
    outage.fires(PAGE_FAST, began=60)
    outage.run_ends("expired", paged=True)
    outage.ends(PAGE_FAST, began=60)
    receipt = outage.fires(PAGE_SLOW, began=30)
    assert (receipt.opened, receipt.runs) == ((), ())
    assert outage.incidents == [("open", "page")]
    assert outage.pages == ["trigger"], "the resolve was not sent yet"
    assert outage.thread[-1] == "chat-ttft-page-slow (page-slow) fires too: open again"


def test_where_the_pager_has_forgotten_it_something_urgent_pages_again_and_asks_nobody(outage):
    outage.fires(PAGE_FAST, began=60)
    outage.run_ends("expired", paged=True)
    outage.ends(PAGE_FAST, began=60)
    outage.send()
    assert outage.fires(PAGE_SLOW, began=30).runs == ()
    assert outage.pages == ["trigger", "resolve", "trigger"]


def test_a_ticket_told_of_after_the_end_pages_nobody(outage):
    outage.fires(PAGE_FAST, began=60)
    outage.run_ends("expired", paged=True)
    outage.ends(PAGE_FAST, began=60)
    outage.send()
    assert outage.fires(TICKET_SLOW, began=30).runs == ()
    assert outage.pages == ["trigger", "resolve"]
    assert outage.incidents == [("open", "ticket")]


def test_an_outage_that_ended_before_anybody_answered_is_asked_about_again_when_a_slower_tier_tells_of_it(outage):
    outage.fires(PAGE_FAST, began=60)
    outage.ends(PAGE_FAST, began=60)
    outage.run_ends("resolved")
    receipt = outage.fires(PAGE_SLOW, began=30)
    assert (receipt.opened, len(receipt.runs)) == ((), 1)


def test_an_end_and_a_beginning_of_one_episode_in_one_delivery_is_an_end(outage):
    beginning, end = outage.alert(**PAGE_FAST), outage.alert("resolved", **PAGE_FAST)
    outage.tell(end, beginning)
    outage.tell(beginning, end)
    assert all(state == "resolved" for state, _ in outage.incidents)
    assert [row.status for row in outage.rows(sa.select(episodes.c.status))] == ["resolved"]
