"""Clicks in Slack: acknowledged in time, decided once, answered to the person, through every kind of broken line."""

import asyncio
import contextlib
import gc
import logging
import re
import threading
import time

import pytest
import uvicorn
from starlette.applications import Starlette

from failsoft.clients.secrets import Secret
from failsoft.errors import ConflictError, PermanentError, UnavailableError
from failsoft.slack import ClickReply, approval_request, approval_result, incident_message
from failsoft.slack.views import DecisionView, Outcome
from failsoft.testing import FakeSlack

CHANNEL = "C0INCIDENTS"


@pytest.fixture
def asked(slack, incident, approval):
    """Post an incident and its question; gives the question as people see it."""

    async def ask(poster):
        first = incident_message(incident())
        root = await poster.post(CHANNEL, text=first.text, blocks=first.blocks)
        question = approval_request(incident(), approval())
        asked = await poster.post(CHANNEL, text=question.text, blocks=question.blocks, thread_ts=root.ts)
        return next(message for message in slack.messages() if message.ts == asked.ts)

    return ask


async def told(slack, user, count=1):
    """What a person was told alone, once it is so many times."""
    return [message.text for message in await slack.wait_for(lambda: _at_least(slack.ephemeral(user), count))]


def _at_least(found, count):
    return found if len(found) >= count else None


async def test_the_approvers_click_counts_and_says_so(slack, make_bot, desk, asked):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        before = time.time()
        await slack.click("oncall", question, "Approve")
        assert await told(slack, "oncall") == [
            "Recorded: you approved plan `3fa2c1d09b7e`. Follow it in this thread.",
        ]
        await slack.assert_acked_within(3)
        assert await bot.connected()
    assert not await bot.connected()
    (click,) = desk.clicks
    assert (click.action, click.token, click.user_id, click.user_name) == ("approve", "q-7", "U0ONCALL", "oncall")
    assert (click.channel, click.message_ts, click.thread_ts) == (CHANNEL, question.ts, question.thread_ts)
    assert before - 1 <= click.clicked_at <= time.time() + 1
    assert slack.ephemeral()[0].thread_ts == question.thread_ts


async def test_a_strangers_click_is_refused_to_the_stranger_alone(slack, make_bot, desk, asked):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        await slack.click("stranger", question, "Approve")
        (said,) = await told(slack, "stranger")
    assert said.startswith("Nothing was done: you are not one of those who may answer this. Ask <@U0ONCALL>")
    assert desk.decided == []
    assert len(desk.clicks) == 1
    assert len(slack.messages()) == 2


async def test_a_replayed_click_on_a_message_that_has_changed_since_is_honoured_once(
    slack, make_bot, desk, asked, approval
):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        await slack.click("oncall", question, "Deny")
        await told(slack, "oncall")
        result = approval_result(approval(), DecisionView(Outcome.DENIED, approval().expires_at, "U0ONCALL"))
        await bot.poster.update(CHANNEL, question.ts, text=result.text, blocks=result.blocks)
        now = next(message for message in slack.messages() if message.ts == question.ts)
        assert now.buttons == ()
        with pytest.raises(LookupError):
            await slack.click("oncall", now, "Deny")
        await slack.click("oncall", question, "Approve")
        said = await told(slack, "oncall", 2)
    assert said[1] == "Nothing was done: this was answered already. One answer counts."
    assert desk.decided == [("deny", "q-7")]


async def test_an_envelope_that_slack_sends_again_is_acknowledged_again_and_decided_once(slack, make_bot, desk, asked):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        envelope = await slack.click("oncall", await asked(bot.poster), "Approve")
        await told(slack, "oncall")
        for count in (2, 3):
            await slack.duplicate_envelope(envelope)
            await slack.wait_for(lambda count=count: len(envelope.acked_at) == count)
    assert len(desk.clicks) == 1
    assert len(slack.ephemeral()) == 1


async def test_the_acknowledgement_does_not_wait_for_the_decision(slack, make_bot, desk, asked):
    bot = make_bot()
    desk.gate.clear()
    async with bot.running():
        await slack.wait_connected()
        envelope = await slack.click("oncall", await asked(bot.poster), "Approve")
        await slack.assert_acked_within(3, envelope)
        assert desk.clicks == []
        desk.gate.set()
        await told(slack, "oncall")


async def test_the_acknowledgement_does_not_wait_for_slacks_web_api(slack, make_bot, asked):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        for method in ("auth.test", "chat.postEphemeral", "users.info"):
            slack.fail_next(method, 429, retry_after=30, times=99)
        envelope = await slack.click("oncall", question, "Approve")
        await slack.assert_acked_within(3, envelope)


async def test_after_slack_asks_for_a_new_connection_clicks_arrive_on_it(slack, make_bot, desk, asked):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        for count in (2, 3):
            await slack.disconnect()
            await slack.wait_for(lambda count=count: slack.connections == count and slack.connected == 1)
            envelope = await slack.click("stranger", question, "Approve")
            await slack.assert_acked_within(3, envelope)
    assert len(desk.clicks) == 2


async def test_a_line_that_is_cut_is_built_again_with_a_fresh_ticket_although_slack_is_down_for_a_while(
    slack, make_bot, asked
):
    bot = make_bot(ping_interval=0.4)
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        slack.fail_next("link", 503, times=2)
        slack.cut_connections()
        await slack.wait_for(lambda: slack.connected == 0)
        await slack.wait_for(lambda: slack.connected == 1, within=60)
        envelope = await slack.click("oncall", question, "Approve")
        await slack.assert_acked_within(3, envelope)
    assert len(slack.calls("apps.connections.open")) > 2


async def test_three_clicks_of_one_person_within_a_second_are_three_clicks(slack, make_bot, desk, asked):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        await asyncio.gather(*(slack.click("stranger", question, "Approve") for _ in range(3)))
        await told(slack, "stranger", 3)
    assert len(desk.clicks) == 3


async def test_a_decision_that_cannot_be_recorded_at_once_is_tried_again(slack, make_bot, desk, asked):
    desk.failures = [UnavailableError("database", delay=0.01), ConflictError("row", delay=0.01)]
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        await slack.click("oncall", await asked(bot.poster), "Approve")
        assert "Recorded" in (await told(slack, "oncall"))[0]
    assert len(desk.decided) == 1


@pytest.mark.parametrize(
    "lost",
    [
        ([UnavailableError("db", delay=0.01)] * 3, "database or its engine"),
        ([PermanentError("no")], "database or its engine"),
        ([ZeroDivisionError("defect")], "has a defect"),
    ],
)
async def test_a_decision_that_is_lost_is_told_to_the_person_and_a_new_click_counts(slack, make_bot, desk, asked, lost):
    failures, says = lost
    desk.failures = list(failures)
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        await slack.click("oncall", question, "Approve")
        (said,) = await told(slack, "oncall")
        assert says in said
        assert "could *not* be recorded" in said
        await slack.click("oncall", question, "Approve")
        assert "Recorded" in (await told(slack, "oncall", 2))[1]


async def test_what_everybody_should_hear_is_said_in_the_thread(slack, make_bot, asked):
    class Loud:
        async def decide(self, click):
            return ClickReply("heard", ephemeral=False)

    bot = make_bot(decisions=Loud())
    async with bot.running():
        await slack.wait_connected()
        question = await asked(bot.poster)
        await slack.click("oncall", question, "Approve")
        await slack.wait_for(lambda: len(slack.messages()) == 3)
    assert slack.messages()[-1].thread_ts == question.thread_ts


async def test_other_buttons_of_the_app_are_acknowledged_and_decide_nothing(slack, make_bot, desk):
    bot = make_bot()
    async with bot.running():
        await slack.wait_connected()
        text = {"type": "plain_text", "text": "Dashboard"}
        elements = [{"type": "button", "text": text, "action_id": "open", "url": "https://x"}]
        elements += [{"type": "button", "text": {"type": "plain_text", "text": "Broken"}, "action_id": "failsoft.deny"}]
        await bot.poster.post(CHANNEL, text="x", blocks=[{"type": "actions", "elements": elements}])
        (message,) = slack.messages()
        for label in ("Dashboard", "Broken"):
            envelope = await slack.click("oncall", message, label)
            await slack.assert_acked_within(3, envelope)
    assert [click.token for click in desk.clicks] in ([], [""])


@pytest.mark.parametrize("wrong", ["bot_token", "app_token"])
async def test_a_refused_token_is_told_at_the_start(slack, make_bot, wrong):
    prefix = "xoxb" if wrong == "bot_token" else "xapp"
    bot = make_bot(**{wrong: Secret(f"{prefix}-wrong")})
    with pytest.raises(PermanentError, match="invalid_auth"):
        async with bot.running():
            pytest.fail("it started")


async def test_the_server_starts_without_slack_and_the_bot_connects_when_slack_is_there(make_bot, port, asked):
    bot = make_bot(base_url=f"http://127.0.0.1:{port}/api/", bot_token=Secret("xoxb-fake"), ping_interval=0.4)
    async with bot.running():
        assert not await bot.connected()
        async with FakeSlack(port=port) as late:
            await late.wait_connected(within=20)
            await late.disconnect()
            await late.wait_for(lambda: late.connections >= 2)


async def test_a_click_that_was_acknowledged_is_decided_before_the_bot_ends(slack, make_bot, desk, asked):
    bot = make_bot()
    desk.gate.clear()
    async with bot.running():
        await slack.wait_connected()
        envelope = await slack.click("oncall", await asked(bot.poster), "Approve")
        await slack.assert_acked_within(3, envelope)
        asyncio.get_running_loop().call_later(0.1, desk.gate.set)
    assert len(desk.decided) == 1


async def test_it_ends_cleanly_in_one_loop_and_can_be_started_again(slack, make_bot, desk, asked):
    threads = threading.active_count()
    bot = make_bot()
    for _ in range(2):
        tasks, started = asyncio.all_tasks(), time.monotonic()
        async with bot.running():
            await slack.wait_connected()
        assert {
            task for task in asyncio.all_tasks() - tasks if re.search("slack_sdk|slack_bolt|failsoft.slack", repr(task))
        } == set()
        assert time.monotonic() - started < 20
        await slack.wait_for(lambda: slack.connected == 0)
    assert threading.active_count() == threads
    gc.collect()  # a session or a task left behind warns here, and a warning is an error


async def test_a_question_asked_before_a_restart_can_be_answered_after_it(slack, make_bot, desk, asked):
    bot = make_bot()
    async with bot.running():
        question = await asked(bot.poster)
    async with make_bot().running():
        await slack.wait_connected()
        await slack.click("oncall", question, "Approve")
        assert "Recorded" in (await told(slack, "oncall"))[0]


async def test_it_lives_in_the_loop_of_a_web_server(slack, make_bot, asked, port):
    @contextlib.asynccontextmanager
    async def lifespan(application):
        async with bot.running():
            yield

    bot = make_bot()
    application = Starlette(lifespan=lifespan)
    server = uvicorn.Server(uvicorn.Config(application, port=port, lifespan="on", log_config=None))
    serving = asyncio.create_task(server.serve())
    await slack.wait_connected()
    await slack.click("oncall", await asked(bot.poster), "Approve")
    assert "Recorded" in (await told(slack, "oncall"))[0]
    server.should_exit = True
    await asyncio.wait_for(serving, 60)
    await slack.wait_for(lambda: slack.connected == 0)


async def test_it_ends_while_it_is_still_trying_to_connect(make_bot, port, caplog):
    started = time.monotonic()
    async with make_bot(base_url=f"http://127.0.0.1:{port}/api/").running():
        await asyncio.sleep(0.1)
    assert time.monotonic() - started < 20
    gc.collect()


async def test_no_token_is_logged_even_when_everything_is(slack, make_bot, asked, caplog):
    with caplog.at_level(logging.DEBUG):
        bot = make_bot()
        async with bot.running():
            await slack.wait_connected()
            await slack.click("oncall", await asked(bot.poster), "Approve")
            await told(slack, "oncall")
    assert slack.bot_token not in caplog.text
    assert slack.app_token not in caplog.text
