"""Who may answer, and which answer counts: each refusal is recorded, said to the person, and changes nothing."""

import asyncio

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import UnavailableError
from failsoft.runbooks.decisions import decide
from failsoft.runbooks.store.engine import open_engine, transaction

DEPLOYMENT = Ref("Deployment", "chat-70b", "prod")

ASK = """
- approve: {within: 30s}
- scale: {replicas: 3}
"""


@pytest.fixture
def asked(quick, runbook):
    return quick(runbook(ASK))


async def test_a_stranger_is_refused(asked, alert, delivery):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        question = await asked.question()
        answer = await service.decide(question.token, "approve", user="U0WHO", via="slack")
        assert (answer.counts, answer.reason) == (False, "not allowed")
        assert "ana, ben" in answer.text
        not_on_call = await service.decide(question.token, "approve", user="U0CEM", via="slack")
        assert not_on_call.reason == "not allowed"
        nobody = await service.decide(question.token, "approve", user="", via="slack")
        assert nobody.reason == "not allowed"
    clicks = asked.rows('SELECT "user", person, honoured FROM clicks ORDER BY id')
    assert [tuple(row) for row in clicks] == [("U0WHO", None, False), ("U0CEM", "cem", False), ("", None, False)]
    assert asked.kubernetes.effects == ()


async def test_everybody_of_the_team_may_answer_where_the_runbook_says_people(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {from: people}\n- scale: {replicas: 3}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        assert [person.name for person in question.approvers] == ["ana", "ben", "cem"]
        assert (await service.decide(question.token, "approve", user="U0CEM", via="slack")).counts
        await world.outcome()


async def test_an_unknown_question_is_refused_and_recorded(asked):
    async with asked.open() as service:
        answer = await service.decide("forged", "approve", user="U0ANA", via="slack")
    assert answer.reason == "unknown"
    assert [tuple(row) for row in asked.rows("SELECT token, honoured FROM clicks")] == [("forged", False)]


async def test_who_started_a_run_may_not_approve_it_but_may_stop_it(asked):
    async with asked.open() as service:
        await service.start_run("shift", "chat-ttft", "ana")
        question = await asked.question()
        assert "ana started this" in question.note
        own = await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert own.reason == "requester"
        assert (await service.decide(question.token, "deny", user="U0ANA", via="slack")).counts
        assert await asked.outcome() == "denied"


async def test_who_runs_an_experiment_on_the_model_may_not_approve_what_answers_it(asked, alert, delivery):
    asked.experimenter = lambda model: "ben" if model == "chat" else None
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        question = await asked.question()
        assert (await service.decide(question.token, "approve", user="U0BEN", via="slack")).reason == "requester"
        assert (await service.decide(question.token, "approve", user="U0ANA", via="slack")).counts
        await asked.outcome()


async def test_the_question_says_that_the_rule_is_void_when_nobody_started_it(asked, alert, delivery):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        question = await asked.question()
    assert question.note == "Nobody started this by hand, so everybody who may answer may say yes."


async def test_a_replayed_click_counts_once(asked, alert, delivery):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        question = await asked.question()
        answers = await asyncio.gather(
            *(service.decide(question.token, "approve", user="U0ANA", via="slack") for _ in range(5))
        )
        assert [answer.counts for answer in answers].count(True) == 1
        assert {answer.reason for answer in answers} == {None, "decided"}
        assert await asked.outcome() == "done"
        assert (await service.decide(question.token, "approve", user="U0BEN", via="slack")).reason == "decided"
    assert asked.writes("scale") == ["PUT"]
    honoured = asked.rows("SELECT honoured FROM clicks")
    assert [row.honoured for row in honoured].count(True) == 1
    assert len(honoured) == 6


async def test_a_no_wins_over_a_yes_that_was_not_acted_on_yet(asked, alert, delivery):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        token = (await asked.question()).token
    # nobody drives the run now, so nothing is done with the yes
    engine = open_engine(asked.how.database)
    with transaction(engine) as connection:
        assert decide(connection, asked.workspace, token, "approve", user="ana", via="cli").counts
    with transaction(engine) as connection:
        assert decide(connection, asked.workspace, token, "deny", user="ben", via="cli").counts
    with transaction(engine) as connection:
        again = decide(connection, asked.workspace, token, "approve", user="ana", via="cli")
        assert again.reason == "decided"
    engine.dispose()
    async with asked.open():
        assert await asked.outcome() == "denied"
    assert asked.kubernetes.effects == ()


async def test_a_click_after_a_restart_is_honoured_once(asked, alert, delivery):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        token = (await asked.question()).token
    async with asked.open() as service:
        assert (await service.decide(token, "approve", user="U0ANA", via="slack")).counts
        assert not (await service.decide(token, "approve", user="U0BEN", via="slack")).counts
        assert await asked.outcome() == "done"
    assert asked.replicas == 3


async def test_no_answer_in_time_pages_the_owner(quick, runbook, alert, delivery, until):
    world = quick(runbook("- approve: {within: 500ms, otherwise: page}\n- scale: {replicas: 3}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question(1)
        assert await world.outcome() == "expired"
        await until(lambda: world.pager.events)
        late = await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert late.reason in {"expired", "cancelled"}
    assert "nobody answered in time" in world.pager.events[0].summary
    assert world.kubernetes.effects == ()


async def test_no_answer_in_time_may_also_just_stop(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {within: 200ms, otherwise: stop}\n- scale: {replicas: 3}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "expired"
    assert world.pager.events == []


async def test_a_plan_that_no_longer_fits_is_refused_and_asked_anew(asked, alert, delivery):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        first = await asked.question()
        asked.kubernetes.cluster().scale(DEPLOYMENT, 1)
        asked.kubernetes.forget_requests()
        assert (await service.decide(first.token, "approve", user="U0ANA", via="slack")).counts
        second = await asked.question(first.number + 1)
        assert second.plan_hash != first.plan_hash
        assert "from 1 to 3" in second.plan
        assert asked.kubernetes.effects == ()
        old = await service.decide(first.token, "approve", user="U0BEN", via="slack")
        assert old.reason == "stale plan"
        await service.decide(second.token, "approve", user="U0ANA", via="slack")
        assert await asked.outcome() == "done"
    assert asked.replicas == 3


async def test_the_kill_switch_ends_what_waits_and_refuses_a_yes(asked, alert, delivery, until):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        question = await asked.question()
        await service.kill("ben")
        assert await asked.outcome() == "stopped"
        answer = await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert answer.reason == "stopped"
        await until(lambda: asked.pager.events)
        assert (await service.stats()).kill_switches == 1
        await service.revive("ben")
        assert (await service.stats()).kill_switches == 0
    assert "ben turned the kill switch of all runbooks on" in asked.pager.events[0].summary
    assert asked.kubernetes.effects == ()


async def test_a_yes_that_nobody_could_use_for_too_long_is_asked_anew(asked, alert, delivery):
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        first = await asked.question()
    engine = open_engine(asked.how.database)
    with transaction(engine) as connection:
        assert decide(connection, asked.workspace, first.token, "approve", user="ana", via="cli").counts
    with transaction(engine) as connection:
        # the worker was away for an hour
        connection.exec_driver_sql("UPDATE approvals SET decided_at = decided_at - 3600")
    engine.dispose()
    async with asked.open() as service:
        second = await asked.question(first.number + 1)
        assert second.plan_hash == first.plan_hash
        assert asked.kubernetes.effects == ()
        await asked.hears("was approved too long ago")
        await service.decide(second.token, "approve", user="U0ANA", via="slack")
        assert await asked.outcome() == "done"


async def test_a_question_says_when_nobody_knows_of_experiments(asked, alert, delivery):
    def away(_model):
        raise UnavailableError("the cluster is away")

    asked.experimenter = away
    async with asked.open() as service:
        await service.receive(delivery(alert()))
        await asked.question()
        await asked.hears("Nobody knows whether an experiment is under way on chat: the cluster is away")
