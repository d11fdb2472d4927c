"""How far a runbook goes by itself: observe, suggest, approve, auto."""

from failsoft.clients.kubernetes import Ref

ROUTE = Ref("HTTPRoute", "chat", "prod")
STEPS = """
- inspect: {nodes: false}
- approve: {within: 30s}
- scale: {replicas: 3}
- notify: {text: "{{ model }} was looked after"}
- verify: {for: 200ms, within: 400ms, otherwise: [undo, page]}
- page: {summary: "still a person, please"}
"""


async def run(world, alert, delivery, hears):
    async with world.open() as service:
        await service.receive(delivery(alert()))
        outcome = await world.outcome()
        await world.hears(hears)
        return outcome


async def test_observe_looks_and_tells_and_does_nothing_else(quick, runbook, alert, delivery):
    world = quick(runbook(STEPS, mode="observe"))
    world.prometheus.ratio = 0.5
    assert await run(world, alert, delivery, "Not recovered within 400ms") == "observed"
    assert (world.kubernetes.effects, world.announcer.questions, world.pager.events) == ((), {}, [])
    assert "Deployment chat-70b: " in world.announcer.told
    assert "Runbook shift would scale Deployment prod/chat-70b from 2 to 3 replicas" in world.announcer.told


async def test_suggest_shows_the_plan_and_pages_when_nobody_recovers_the_slo(quick, runbook, alert, delivery):
    world = quick(runbook(STEPS, mode="suggest"))
    world.prometheus.ratio = 0.5
    assert await run(world, alert, delivery, "Suggested, and left to you (plan ") == "failed"
    assert (world.kubernetes.effects, world.announcer.questions) == ((), {})
    assert "1. scale Deployment prod/chat-70b from 2 to 3 replicas" in world.announcer.told
    assert len(world.pager.events) == 1


async def test_suggest_sees_when_people_recovered_the_slo(quick, runbook, alert, delivery):
    world = quick(runbook("- scale: {replicas: 3}\n- verify: {for: 200ms, within: 60s}", mode="suggest"))
    assert await run(world, alert, delivery, "suggests to scale") == "recovered"
    assert world.pager.events == []


async def test_approve_asks_even_where_the_runbook_forgot_to(quick, runbook, alert, delivery):
    world = quick(runbook("- scale: {replicas: 3}\n- shiftTraffic: {}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        assert len(question.plan.splitlines()) == 2
        assert world.kubernetes.effects == ()
        await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert await world.outcome() == "done"
    assert len(world.announcer.questions) == 1
    assert len([request for request in world.kubernetes.effects if request.method == "PUT"]) == 2


async def test_two_approve_steps_each_cover_what_follows_them(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3}\n- approve: {}\n- shiftTraffic: {}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        first = await world.question()
        assert "shift" not in first.plan
        await service.decide(first.token, "approve", user="U0ANA", via="slack")
        second = await world.question(first.number + 1)
        assert (world.replicas, world.writes()) == (3, [])
        await service.decide(second.token, "approve", user="U0ANA", via="slack")
        assert await world.outcome() == "done"
    assert world.writes() == ["PUT"]


async def test_auto_acts_without_asking_and_tells_its_plan(quick, runbook, alert, delivery):
    world = quick(runbook(STEPS, mode="auto"))
    assert await run(world, alert, delivery, "still a person, please") == "recovered"
    assert world.announcer.questions == {}
    assert world.replicas == 3
    assert "Acts without asking (plan " in world.announcer.told
    assert "chat was looked after" in world.announcer.told


async def test_a_model_without_what_the_runbook_changes_fails_with_a_page(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {}\n- shiftTraffic: {}"))
    route = world.kubernetes.cluster().get(ROUTE)
    del route["spec"]["rules"][0]["backendRefs"][1]
    world.kubernetes.cluster().replace(route)
    assert await run(world, alert, delivery, "Paged assistants") == "failed"
    assert "does not know the backend chat-small: add it there, with weight 0" in world.announcer.told


async def test_a_run_keeps_the_runbook_it_began_with(quick, runbook, alert, delivery, declare):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
    world.workspace = declare(runbook("- approve: {}\n- scale: {replicas: 9}"))
    async with world.open() as service:
        await service.decide(question.token, "approve", user="U0ANA", via="slack")
        assert await world.outcome() == "done"
    assert world.replicas == 3
