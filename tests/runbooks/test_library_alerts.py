"""Alerts that are no SLO's open incidents where a runbook answers their failure mode, under the rules of SLOs."""

import pytest
import sqlalchemy as sa

from failsoft.cli import main
from failsoft.runbooks.choose import answered
from failsoft.runbooks.intake import take_in
from failsoft.runbooks.store.engine import transaction
from failsoft.runbooks.store.schema import episodes, incidents, runs
from failsoft.workspace.load import load

RULE = """\
kind: AlertRule
metadata: {name: NAME}
spec:
  topic: own
  failureMode: engine-stuck
  severity: page
  because: Nobody is answered.
  about: pod
  owner: assistants
  expr: stuck > 0
  summary: It is stuck.
  description: Look.
  needs: [{exporter: vllm, metrics: [stuck]}]
  tests: [{name: stuck, series: {'stuck{pod="a"}': 0x5 1x20}, fires: [{at: 9m}], quiet: [3m]}]
"""
RULES = RULE.replace("NAME", "engine-stuck") + "---\n" + RULE.replace("NAME", "engine-dead")
MODES = "failureModes: [engine-stuck]"
LOOK = "- notify: {text: 'look at {{ slo }} of {{ model }}'}\n- page: {}"


@pytest.fixture
def world_of(database, declare, alert, delivery):
    """Takes alerts of the library in; `seen()` gives incidents as (subject, model, state) and runs as runbooks."""

    def made(*runbooks):
        workspace = declare(RULES, *runbooks)

        def take(status="firing", *, rule="engine-stuck", model="chat", pod="a", **labels):
            labels = {"alertname": rule, "alert_rule": rule, "pod": pod, "failure_mode": "engine-stuck"} | labels
            one = alert(status, slo="", model=model, tier="", **labels)
            with transaction(database) as connection:
                return take_in(connection, workspace, delivery(one))

        def seen():
            with transaction(database) as connection:
                columns = (incidents.c.slo, incidents.c.model, incidents.c.team, incidents.c.state)
                found = connection.execute(sa.select(*columns).order_by(incidents.c.id)).all()
                books = connection.scalars(sa.select(runs.c.runbook).order_by(runs.c.created_at)).all()
                notes = connection.scalars(sa.select(episodes.c.note).where(episodes.c.note != "")).all()
            return [tuple(row) for row in found], list(books), list(notes)

        take.seen = seen
        return take

    return made


def test_an_alert_about_a_model_opens_an_incident_and_its_runbook(world_of, runbook):
    take = world_of(runbook(LOOK, name="stuck", answers=MODES))
    receipt = take()
    assert (len(receipt.opened), len(receipt.runs), receipt.unclaimed) == (1, 1, 0)
    assert take.seen() == ([("mode:engine-stuck", "chat", "assistants", "open")], ["stuck"], [])


def test_one_outage_is_asked_about_once_whatever_tells_of_it(world_of, runbook):
    """More pods, and other alerts of the same failure mode, join; the incident ends when none of them fires."""
    take = world_of(runbook(LOOK, name="stuck", answers=MODES))
    take(pod="a")
    assert take(pod="b").runs == ()
    assert take(pod="a", rule="engine-dead").runs == ()
    assert take(pod="a").runs == (), "the same delivery again changes nothing"
    assert len(take.seen()[1]) == 1
    take("resolved", pod="a")
    take("resolved", pod="b")
    assert take.seen()[0][0][3] == "open"
    assert take("resolved", pod="a", rule="engine-dead").resolved
    assert take.seen()[0][0][3] == "resolved"


def test_two_models_are_two_incidents(world_of, runbook):
    take = world_of(runbook(LOOK, name="stuck", answers=MODES))
    take()
    take(model="chat-small")
    assert [row[1] for row in take.seen()[0]] == ["chat", "chat-small"]
    assert len(take.seen()[1]) == 2


def test_where_no_runbook_answers_it_stays_with_the_pager(world_of, runbook):
    other = runbook(LOOK, name="small", answers=f"{MODES}, models: [chat-small]")
    take = world_of(other)
    receipt = take()
    assert (receipt.opened, receipt.unclaimed) == ((), 1)
    assert take.seen() == ([], [], ["no runbook answers engine-stuck"])
    assert take(model="chat-small").opened


def test_an_alert_without_a_model_is_its_owners_and_of_runbooks_that_need_none(world_of, runbook):
    look = runbook("- inspect: {}", name="a-look", answers=MODES)
    tell = runbook(LOOK, name="tell", answers=MODES)
    take = world_of(look, tell)
    take(model="")
    take(model="of-somebody-else", pod="c")
    assert take.seen() == ([("mode:engine-stuck", "", "assistants", "open")], ["tell"], [])


def test_what_labels_say_is_compared_with_what_is_declared(world_of, runbook):
    take = world_of(runbook(LOOK, name="stuck", answers=MODES))
    assert take(failure_mode="latency-degraded").opened, "its document says what it stands for"
    assert take(rule="forged").unclaimed == 1
    assert take.seen()[2] == ["there is no alert 'forged' in the workspace"]


def test_a_runbook_that_verifies_the_slo_of_the_alert_answers_none(world_of, runbook, declare):
    check = runbook("- verify: {}", name="check", answers="failureModes: [latency-degraded, engine-stuck]")
    take = world_of(check)
    assert take().unclaimed == 1
    assert answered(declare(RULES, check)) == {}
    named = runbook("- verify: {slo: chat-ttft}", name="check", answers=MODES)
    every = frozenset({"", "chat", "chat-small"})
    assert answered(declare(RULES, named)) == {"engine-stuck": (every, every)}


def test_a_runbook_that_only_looks_leaves_the_page_to_the_pager(declare, runbook):
    for steps, paged in (("- inspect: {}", False), ("- approve: {}", True), ("- approve: {otherwise: stop}", False)):
        (who,) = answered(declare(RULES, runbook(steps, name="stuck", answers=f"{MODES}, models: [chat]"))).values()
        assert who == (frozenset({"chat"}), frozenset({"chat"} if paged else ())), steps


def test_a_runbook_for_such_alerts_only_is_told_of_what_it_cannot_do(declare, runbook, tmp_path):
    root = declare(RULES, runbook(LOOK, name="stuck", answers=MODES)).root
    assert load(root)[1] == (), "an alert of the library can reach it"
    text = (root / "all.yaml").read_text()
    (root / "all.yaml").write_text(text.replace("- page: {}", "- verify: {}"))
    (finding,) = load(root)[1]
    assert (finding.code.id, finding.message) == ("FS302", "the alerts of engine-stuck have no SLO to verify")
    (root / "all.yaml").write_text(text.replace("owner: assistants\n  expr", "enabled: false\n  expr"))
    assert "FS303" in {found.code.id for found in load(root)[1]}, "an alert that is off reaches nobody"


async def test_it_is_worked_on_paged_for_and_shown_like_any_other(quick, runbook, alert, delivery, capsys):
    world = quick(RULES, runbook(LOOK, name="stuck", answers=MODES))
    labels = {"alertname": "EngineStuck", "alert_rule": "engine-stuck"}
    async with world.open() as service:
        await service.receive(delivery(alert(slo="", tier="", **labels)))
        await world.hears("look at engine-stuck of chat")
        event = await world.page()
        assert event.summary.startswith("engine-stuck of chat: ")
        assert (event.details["failure mode"], event.details["model"]) == ("engine-stuck", "chat")
        await world.outcome()
        (card,) = world.announcer.incidents.values()
        assert (card.what, card.slo, card.model) == ("failure mode", "engine-stuck", "chat")
    with pytest.raises(SystemExit):
        main(["incidents", "show", "1", str(world.workspace.root), "--database", world.how.database])
    assert "failure mode engine-stuck of chat, team assistants" in capsys.readouterr().out


async def test_without_a_model_the_same_is_said_of_nobody(quick, runbook, alert, delivery):
    world = quick(RULES, runbook(LOOK, name="stuck", answers=MODES))
    async with world.open() as service:
        await service.receive(delivery(alert(slo="", model="", tier="", alertname="Stuck", alert_rule="engine-stuck")))
        event = await world.page()
        assert event.summary.startswith("engine-stuck: ")
        assert event.source == "assistants"
        await world.outcome()
