"""An alert starts a runbook, people answer, the world changes, the SLO decides: on every engine and database."""


async def test_an_approved_plan_is_carried_out_and_verified(world, alert, delivery):
    world.prometheus.ratio = 0.001
    async with world.open() as service:
        receipt = await service.receive(delivery(alert()))
        assert receipt.opened == (1,)
        question = await world.question()
        assert world.writes() == []
        answer = await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert answer.counts
        assert await world.outcome() == "recovered"
    assert world.weights == {"chat-70b": 0, "chat-small": 1}
    assert world.writes() == ["PUT"]
    assert world.announcer.questions[question.number].state == "approved"
    assert world.pager.events == []


async def test_a_denied_plan_changes_nothing(world, alert, delivery):
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        await service.decide(question.token, "deny", user="U0BEN", via="slack")
        assert await world.outcome() == "denied"
    assert world.kubernetes.effects == ()


async def test_an_slo_that_does_not_recover_is_undone_and_pages_the_owner(
    world, alert, delivery, until, runbook, declare
):
    steps = """
    - approve: {within: 30s}
    - shiftTraffic: {to: fallback, percent: 50%}
    - verify: {for: 200ms, within: 500ms, otherwise: [undo, page]}
    """
    world.workspace = declare(runbook(steps))
    world.prometheus.ratio = 0.2
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert await world.outcome() == "undone"
        await until(lambda: world.pager.events)
    assert world.weights == {"chat-70b": 1, "chat-small": 0}
    assert world.writes() == ["PUT", "PUT"]
    assert [event.action for event in world.pager.events] == ["trigger"]


async def test_a_run_that_waits_goes_on_with_the_next_worker(world, alert, delivery):
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
    async with world.open() as service:
        answer = await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert answer.counts
        assert await world.outcome() == "recovered"
    assert world.writes() == ["PUT"]
    inspected = [entry for entry in world.announcer.entries if entry.kind == "inspect"]
    assert len(inspected) == 1


async def test_a_resolved_alert_withdraws_the_question_and_ends_the_run(world, alert, delivery):
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        receipt = await service.receive(delivery(alert("resolved")))
        assert receipt.resolved == (1,)
        assert await world.outcome() == "resolved"
        late = await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert late.reason == "cancelled"
    assert world.kubernetes.effects == ()
