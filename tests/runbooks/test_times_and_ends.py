"""What is told of a run afterwards is what happened: when each step began and ended, and which ones failed."""

import asyncio
import time

from failsoft.errors import PermanentError


async def test_a_step_lasts_from_its_question_to_the_answer_and_none_less_than_nothing(
    quick, runbook, alert, delivery, monkeypatch
):
    world = quick(
        runbook("- query: {promql: up}\n- approve: {within: 30s}\n- scale: {replicas: 3}\n- query: {promql: up}")
    )
    slow = world.prometheus.query
    monkeypatch.setattr(world.prometheus, "query", lambda text, **at: (time.sleep(0.2), slow(text, **at))[1])
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        await asyncio.sleep(0.3)
        await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert await world.outcome() == "done"
        card = await service.incident(1)
    rows = world.rows("SELECT kind, started_at, ended_at FROM steps ORDER BY position")
    (asked,) = world.rows("SELECT asked_at, decided_at FROM approvals")
    assert [row.kind for row in rows] == ["query", "approve", "scale", "query"]
    assert rows[1].started_at == asked.asked_at
    assert rows[1].ended_at >= asked.decided_at
    moments = [moment for row in rows for moment in (row.started_at, row.ended_at)]
    assert moments == sorted(moments)
    looked, waited, _, again = (step.seconds for step in card.run.steps)
    assert min(looked, again) >= 0.2
    assert waited >= 0.3


async def test_a_run_in_which_a_step_failed_does_not_say_that_all_is_done(quick, runbook, alert, delivery):
    world = quick(
        runbook("- {name: look, query: {promql: up}}\n- query: {promql: up}\n- notify: {text: hello}", mode="auto")
    )
    world.prometheus.ratio = PermanentError("bad_data: parse error")
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "incomplete"
        await world.hears("Runbook shift: ended; 2 of 3 steps failed: look, step 2 (query)")
    assert "all steps are done" not in world.announcer.told


async def test_a_run_that_recovered_the_slo_says_what_failed_on_the_way(quick, runbook, alert, delivery):
    world = quick(runbook('- notify: {text: "{{ alert.nothing }}"}\n- verify: {for: 200ms, within: 60s}', mode="auto"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "recovered"
        await world.hears("the SLO holds again; 1 of 2 steps failed: step 1 (notify)")
