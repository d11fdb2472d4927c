"""Pages and messages: sent until the other side has them, in order, and pages never wait for Slack."""

import asyncio

from failsoft.errors import PermanentError, TemporaryError, UnavailableError

URGENT = {"slo": "small-ttft", "model": "chat-small"}


async def test_a_pager_that_is_away_gets_the_page_later(quick, runbook, alert, delivery):
    world = quick(runbook("- inspect: {}"))
    world.pager.failing = [UnavailableError("away", delay=0.05), TemporaryError("429", delay=0.05), OSError("broken")]
    async with world.open() as service:
        await service.receive(delivery(alert(**URGENT)))
        page = await world.page()
    assert (page.action, page.severity, page.source) == ("trigger", "critical", "chat-small")
    (letter,) = world.rows("SELECT attempts, state FROM outbox WHERE kind = 'page'")
    assert tuple(letter) == (4, "sent")


async def test_a_page_that_will_never_be_taken_is_kept_and_counted(quick, runbook, alert, delivery, until):
    world = quick(runbook("- inspect: {}"))
    world.pager.failing = [PermanentError("wrong routing key")]
    async with world.open() as service:
        await service.receive(delivery(alert(**URGENT)))
        await until(lambda: world.rows("SELECT 1 FROM outbox WHERE state = 'dead'"))
        assert (await service.stats()).letters["page", "dead"] == 1
    (letter,) = world.rows("SELECT error FROM outbox WHERE state = 'dead'")
    assert letter.error == "wrong routing key"


async def test_pages_do_not_wait_for_slack(quick, runbook, alert, delivery):
    world = quick(runbook("- inspect: {}"))
    world.announcer.failing = [UnavailableError("Slack is down", delay=60.0)] * 100
    async with world.open() as service:
        await service.receive(delivery(alert(**URGENT)))
        await world.page()
        assert (await service.stats()).oldest_letter > 0
    assert world.announcer.calls == []


async def test_trigger_and_resolve_share_a_key_and_keep_their_order(quick, runbook, alert, delivery):
    world = quick(runbook("- inspect: {}"))
    world.pager.failing = [UnavailableError("away", delay=0.2)]
    async with world.open() as service:
        await service.receive(delivery(alert(**URGENT)))
        await service.receive(delivery(alert("resolved", **URGENT)))
        await world.page(1)
    assert [event.action for event in world.pager.events] == ["trigger", "resolve"]
    assert len({event.dedup_key for event in world.pager.events}) == 1


async def test_a_page_for_a_run_by_hand_outlives_the_run(quick, runbook, until):
    world = quick(runbook("- scale: {replicas: 3}\n- verify: {for: 200ms, within: 300ms}", mode="auto"))
    world.prometheus.ratio = None
    async with world.open() as service:
        await service.start_run("shift", "chat-ttft", "ana")
        await world.page()
        await until(lambda: world.announcer.incidents[1].state == "resolved")
        await until(lambda: world.rows("SELECT 1 FROM outbox WHERE kind = 'page' AND state = 'sent'"))
        letters = (await service.stats()).letters
    assert {key: count for key, count in letters.items() if key[0] == "page"} == {("page", "sent"): 1}
    assert [event.action for event in world.pager.events] == ["trigger"]


async def test_one_thread_whose_first_message_is_edited(quick, runbook, alert, delivery):
    world = quick(runbook("- inspect: {nodes: false}\n- approve: {}\n- scale: {replicas: 3}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        assert world.announcer.incidents[1].state == "waiting"
        await service.decide(question.token, "approve", user="U0ANA", via="slack")
        await world.outcome()
        await service.receive(delivery(alert("resolved")))
        await world.hears("All its alerts are resolved")
    calls = world.announcer.calls
    assert calls[0] == "post incident"
    assert calls.count("post incident") == calls.count("post question") == 1
    assert "edit question" in calls
    card = world.announcer.incidents[1]
    assert (card.title, card.sentence, card.channel) == ("Users wait too long", "1 of 5 waits", "#assistants-oncall")
    assert card.links == {
        "dashboard": "https://grafana.example.com/d/chat-ttft",
        "runbook": "https://git.example.com/shift.yaml",
    }
    numbers = [entry.number for entry in world.announcer.entries]
    assert numbers == sorted(set(numbers))


async def test_after_a_restart_the_thread_goes_on_where_it_was(quick, runbook, alert, delivery):
    world = quick(runbook("- approve: {}\n- scale: {replicas: 3}"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
    async with world.open() as service:
        await service.decide(question.token, "deny", user="U0ANA", via="slack")
        await world.hears("ana said no")
    assert world.announcer.calls.count("post incident") == world.announcer.calls.count("post question") == 1


async def test_what_a_worker_was_sending_when_it_stopped_is_sent_by_the_next(quick, runbook, alert, delivery, until):
    world = quick(runbook("- inspect: {}"))
    stuck, send = asyncio.Event(), world.pager.send

    async def hangs(event):
        stuck.set()
        await asyncio.sleep(3600)

    world.pager.send = hangs
    async with world.open() as service:
        await service.receive(delivery(alert(**URGENT)))
        await stuck.wait()
    world.pager.send = send
    async with world.open():
        assert (await world.page()).action == "trigger"


async def test_without_slack_only_pages_are_sent(quick, runbook, alert, delivery, until):
    world = quick(runbook("- inspect: {}"))
    world.announcer = None
    async with world.open() as service:
        await service.receive(delivery(alert(**URGENT)))
        await world.page()
        await until(lambda: not world.rows("SELECT 1 FROM outbox WHERE state = 'pending'"))
