"""Changing the world: what was interrupted is looked up, done again or asked; nobody else's change is overwritten."""

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import UnavailableError
from failsoft.runbooks.interpreter import asking

DEPLOYMENT = Ref("Deployment", "chat-70b", "prod")
FAST_VERIFY = "- verify: {for: 200ms, within: 400ms, otherwise: [undo, page]}"


@pytest.fixture
def answered(alert, delivery):
    """Fires the alert, says yes to the first question, and gives how the run ended once the thread says `hears`."""

    async def run(world, hears="", *, meanwhile=None):
        async with world.open() as service:
            await service.receive(delivery(alert()))
            question = await world.question()
            assert (await service.decide(question.token, "approve", user="U0ANA", via="slack")).counts
            if meanwhile is not None:
                await meanwhile()
            outcome = await world.outcome()
            await world.hears(hears)
            return outcome

    return run


@pytest.fixture
def paged(answered):
    """The same, and gives how the run ended and the summary of the page."""

    async def run(world, **more):
        outcome = await answered(world, "Paged assistants", **more)
        return outcome, (await world.page()).summary

    return run


async def test_a_lost_reply_is_looked_up_and_not_done_twice(quick, runbook, answered, until):
    world = quick(runbook("- approve: {}\n- shiftTraffic: {onInterrupted: verify}"))
    world.kubernetes.lose_reply("PUT", "httproutes")
    assert await answered(world, "got no answer, it may have been done or not") == "done"
    assert world.writes() == ["PUT"]
    assert world.weights == {"chat-70b": 0, "chat-small": 1}


async def test_a_refused_call_that_did_nothing_is_done_after_a_look(quick, runbook, answered):
    world = quick(runbook("- approve: {}\n- shiftTraffic: {onInterrupted: verify}"))
    world.kubernetes.fail_next("PUT", "httproutes", status=503)
    assert await answered(world) == "done"
    assert world.writes() == ["PUT"]
    assert [tuple(row) for row in world.rows("SELECT attempts, interrupted FROM steps WHERE position = 1")] == [(2, 1)]


async def test_rerun_does_it_again_whatever_is_there(quick, runbook, answered):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3, onInterrupted: rerun}"))
    world.kubernetes.lose_reply("PUT", "scale")
    assert await answered(world) == "done"
    assert world.writes("scale") == ["PUT", "PUT"]
    assert world.replicas == 3


async def test_ask_lets_a_person_decide_what_an_interruption_left(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3, onInterrupted: ask}"))
    world.kubernetes.lose_reply("PUT", "scale")
    async with world.open() as service:
        await service.receive(delivery(alert()))
        first = await world.question()
        await service.decide(first.token, "approve", user="U0ANA", via="slack")
        doubt = await world.question(first.number + 1)
        assert "may have been done or not" in doubt.note
        card = await service.incident(1)
        assert [step.state for step in card.run.steps] == ["done", "in doubt"]
        await service.decide(doubt.token, "approve", user="U0BEN", via="slack")
        assert await world.outcome() == "done"
    assert world.writes("scale") == ["PUT"]


async def test_a_no_to_an_interrupted_step_says_what_may_stay(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3, onInterrupted: ask}"))
    world.kubernetes.lose_reply("PUT", "scale")
    async with world.open() as service:
        await service.receive(delivery(alert()))
        first = await world.question()
        await service.decide(first.token, "approve", user="U0ANA", via="slack")
        doubt = await world.question(first.number + 1)
        await service.decide(doubt.token, "deny", user="U0BEN", via="slack")
        assert await world.outcome() == "denied"
        stays = "what it did stays: scale Deployment prod/chat-70b from 2 to 3 replicas (perhaps)"
        await world.hears(f"ben said no; {stays}")


async def test_what_is_neither_as_before_nor_as_wanted_pages_a_person(quick, runbook, paged, until):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3, onInterrupted: verify}"))

    async def somebody_else_scales():
        await until(lambda: world.writes("scale"))
        world.kubernetes.cluster().scale(DEPLOYMENT, 7)
        world.kubernetes.clear_faults()

    # the reply is lost, and nobody can look before somebody else has scaled
    world.kubernetes.lose_reply("PUT", "scale")
    world.kubernetes.fail_next("GET", "deployments/chat-70b$", status=503, skip=3, count=-1)
    outcome, summary = await paged(world, meanwhile=somebody_else_scales)
    assert outcome == "failed"
    assert "neither as before nor as wanted" in summary
    assert "what it did stays: scale Deployment prod/chat-70b from 2 to 3 replicas (perhaps)" in summary
    assert world.replicas == 7


async def test_an_object_that_changed_meanwhile_is_read_again(quick, runbook, answered):
    world = quick(runbook("- approve: {}\n- shiftTraffic: {}"))
    world.kubernetes.fail_next("PUT", "httproutes", status=409, count=2)
    assert await answered(world) == "done"
    assert world.weights == {"chat-70b": 0, "chat-small": 1}


async def test_what_changes_between_the_yes_and_the_change_is_asked_anew(quick, runbook, alert, delivery, monkeypatch):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 5}"))
    cluster = world.kubernetes.cluster()
    use = asking._use

    def used_then_changed(*arguments):
        passed = use(*arguments)
        monkeypatch.undo()
        cluster.scale(DEPLOYMENT, 4)
        return passed

    monkeypatch.setattr(asking, "_use", used_then_changed)
    async with world.open() as service:
        await service.receive(delivery(alert()))
        first = await world.question()
        await service.decide(first.token, "approve", user="U0ANA", via="slack")
        second = await world.question(first.number + 1)
        assert "from 4 to 5" in second.plan
        await service.decide(second.token, "approve", user="U0ANA", via="slack")
        assert await world.outcome() == "done"
    assert world.replicas == 5


async def test_what_the_api_server_refuses_fails_and_pages(quick, runbook, paged):
    world = quick(runbook("- approve: {}\n- shiftTraffic: {}"))
    world.kubernetes.fail_next("PUT", "httproutes", status=403)
    outcome, summary = await paged(world)
    assert outcome == "failed"
    assert "step 2 (shiftTraffic) failed" in summary
    assert "what it did stays" not in summary


async def test_undo_plays_the_inverses_backwards(quick, runbook, paged):
    steps = f"- approve: {{}}\n- scale: {{model: fallback, replicas: 4}}\n- shiftTraffic: {{}}\n{FAST_VERIFY}"
    world = quick(runbook(steps))
    world.prometheus.ratio = 0.5
    outcome, summary = await paged(world)
    assert outcome == "undone"
    paths = [request.path.rsplit("/", 2)[-2:] for request in world.kubernetes.effects if request.method == "PUT"]
    assert paths == [["chat-small", "scale"], ["httproutes", "chat"], ["httproutes", "chat"], ["chat-small", "scale"]]
    assert world.weights == {"chat-70b": 1, "chat-small": 0}
    small = world.kubernetes.cluster().get(Ref("Deployment", "chat-small", "prod"))
    assert small["spec"]["replicas"] == 1
    assert "all changes are undone" in summary


async def test_undo_does_not_overwrite_what_somebody_else_changed_since(quick, runbook, paged, monkeypatch):
    verify = "- verify: {for: 200ms, within: 300ms, otherwise: [undo]}"
    world = quick(runbook(f"- approve: {{}}\n- scale: {{replicas: 3}}\n{verify}"))
    world.prometheus.ratio = 0.5
    query = world.prometheus.query

    def while_somebody_else_scales(text, **at):
        world.kubernetes.cluster().scale(DEPLOYMENT, 9)
        return query(text, **at)

    monkeypatch.setattr(world.prometheus, "query", while_somebody_else_scales)
    outcome, summary = await paged(world)
    assert outcome == "failed"
    assert "somebody else changed it since; what it did stays" in summary
    assert world.replicas == 9


async def test_an_undo_whose_reply_is_lost_is_looked_up(quick, runbook, paged):
    world = quick(runbook(f"- approve: {{}}\n- shiftTraffic: {{}}\n{FAST_VERIFY}"))
    world.prometheus.ratio = 0.5
    world.kubernetes.lose_reply("PUT", "httproutes", skip=1)
    outcome, _ = await paged(world)
    assert outcome == "undone"
    assert world.writes() == ["PUT", "PUT"]
    assert world.weights == {"chat-70b": 1, "chat-small": 0}


async def test_nothing_is_asked_or_written_where_the_world_is_as_wanted(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 2}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "done"
    assert world.kubernetes.effects == ()
    assert [one.state for one in world.announcer.questions.values()] == []


async def test_the_kill_switch_is_read_before_each_change(quick, runbook, alert, delivery, until):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3}\n- shiftTraffic: {}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        world.kubernetes.delay_next("PUT", "scale", seconds=0.5)
        await service.decide(question.token, "approve", user="U0ANA", via="slack")
        await until(lambda: world.rows("SELECT 1 FROM steps WHERE kind = 'scale' AND state = 'started'"))
        await service.kill("ana", "shift")
        assert await world.outcome() == "stopped"
        summary = (await world.page()).summary
    assert world.writes() == []
    assert "ana turned the kill switch of the runbook shift on" in summary
    assert "what it did stays: scale Deployment prod/chat-70b from 2 to 3 replicas" in summary


async def test_a_cluster_that_is_away_while_planning_is_waited_for_then_paged(
    quick, runbook, alert, delivery, monkeypatch
):
    def away(*_):
        raise UnavailableError("the cluster is away", delay=0.01)

    monkeypatch.setattr(asking, "ahead", away)
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "failed"
        assert "no plan can be made: the cluster is away" in (await world.page()).summary
    (step,) = world.rows("SELECT tries FROM steps")
    assert step.tries == asking._PLAN_TRIES - 1


async def test_one_run_at_a_time_works_on_a_model(quick, runbook, alert, delivery):
    other = runbook("- approve: {}\n- scale: {replicas: 5}", name="other", answers="slos: [chat-availability]")
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3}"), other)
    async with world.open() as service:
        await service.receive(delivery(alert()))
        first = await world.question()
        await service.receive(delivery(alert(slo="chat-availability")))
        await world.hears("waits: run-")
        assert len(world.announcer.questions) == 1
        await service.decide(first.token, "approve", user="U0ANA", via="slack")
        assert await world.outcome(1) == "done"
        second = await world.question(first.number + 1)
        assert "from 3 to 5" in second.plan
        await service.decide(second.token, "deny", user="U0ANA", via="slack")
        assert await world.outcome(2) == "denied"


async def test_traffic_that_one_slo_of_a_model_has_shifted_is_not_shifted_again_by_the_next(
    quick, runbook, alert, delivery
):
    steps = "- approve: {}\n- shiftTraffic: {percent: 80%}\n- verify: {for: 200ms, within: 1500ms, otherwise: [undo]}"
    world = quick(runbook(steps, answers="models: [chat]"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        await service.decide((await world.question()).token, "approve", user="U0ANA", via="slack")
        assert await world.outcome(1) == "recovered"
        world.prometheus.ratio = 0.5
        await service.receive(delivery(alert(slo="chat-availability")))
        assert await world.outcome(2) == "failed"
        await world.hears("chat-small 80% (was 80%): is already so, nothing to change")
        await world.hears("Nothing to approve: 1. send the traffic of HTTPRoute prod/chat")
    assert len(world.announcer.questions) == 1
    # the second has changed nothing, so there is nothing for it to undo
    assert (world.writes(), world.weights) == (["PUT"], {"chat-70b": 1, "chat-small": 4})
