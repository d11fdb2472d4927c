"""The fake is as strict as Slack: what it takes, Slack takes, as far as the fake's docstring says."""

import contextlib
import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.web.async_client import AsyncWebClient

from failsoft.testing import FakePager, FakeSlack
from failsoft.testing.slack import Message, channel_page
from failsoft.testing.slack.blocks import block_errors

CHANNEL = "C0INCIDENTS"


def mrkdwn(text="x", **more):
    return {"type": "mrkdwn", "text": text, **more}


def plain(text="x"):
    return {"type": "plain_text", "text": text}


def button(**more):
    return {"type": "button", "text": plain("Yes"), "action_id": "a", "value": "v"} | more


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def confirm(**more):
    return {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain()} | more


SECTION = {"type": "section", "text": mrkdwn()}
REFUSED = {
    "long text": ([{"type": "section", "text": mrkdwn("x" * 3001)}], "must be less than 3001 characters"),
    "empty text": ([{"type": "section", "text": mrkdwn("")}], "must be more than 0 characters"),
    "nothing": ([{"type": "section"}], "missing required field"),
    "long field": ([{"type": "section", "fields": [mrkdwn("x" * 2001)]}], "/blocks/0/fields/0/text"),
    "many fields": ([{"type": "section", "fields": [mrkdwn()] * 11}], "between 1 and 10"),
    "long header": ([{"type": "header", "text": plain("x" * 151)}], "less than 151"),
    "mrkdwn header": ([{"type": "header", "text": mrkdwn()}], "plain_text"),
    "many elements": ([{"type": "context", "elements": [mrkdwn()] * 11}], "between 1 and 10"),
    "no elements": ([{"type": "context", "elements": []}], "between 1 and 10"),
    "no buttons": ([actions()], "between 1 and 25"),
    "long label": ([actions(button(text=plain("x" * 76)))], "less than 76"),
    "mrkdwn label": ([actions(button(text=mrkdwn()))], "plain_text"),
    "long value": ([actions(button(value="x" * 2001))], "less than 2001"),
    "long action": ([actions(button(action_id="x" * 256))], "less than 256"),
    "odd style": ([actions(button(style="green"))], "primary or danger"),
    "long title": ([actions(button(confirm=confirm(title=plain("x" * 101))))], "less than 101"),
    "long confirm": ([actions(button(confirm=confirm(confirm=plain("x" * 31))))], "less than 31"),
    "unknown key": ([SECTION | {"colour": "red"}], "additional property: colour"),
    "unknown text key": ([{"type": "section", "text": mrkdwn(emoji=True)}], "additional property: emoji"),
    "unknown block": ([{"type": "carousel3"}], "unsupported type"),
    "many blocks": ([SECTION] * 51, "no more than 50"),
    "same id twice": ([SECTION | {"block_id": "1"}] * 2, "unique"),
    "no list": ({"type": "section"}, "must be an array"),
}


@pytest.fixture
def client(slack):
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url)


@pytest.mark.parametrize("case", REFUSED)
async def test_bad_blocks_are_refused_in_slacks_words_and_not_posted(slack, client, case):
    blocks, says = REFUSED[case]
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)
    answer = caught.value.response.data
    assert answer["error"] == "invalid_blocks"
    assert says in answer["response_metadata"]["messages"][0]
    assert slack.messages() == ()


@pytest.mark.parametrize("case", REFUSED)
def test_whatever_the_sdks_own_models_refuse_the_fake_refuses(case):
    blocks, _ = REFUSED[case]
    try:
        for block in Block.parse_all(blocks):
            block.to_dict()
    except (SlackObjectFormationError, AttributeError, TypeError):
        assert block_errors(blocks)


async def test_all_blocks_together_have_a_limit(client):
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        await client.chat_postMessage(
            channel=CHANNEL, text="x", blocks=[{"type": "section", "text": mrkdwn("x" * 3000)}] * 5
        )


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("xoxb-wrong", "invalid_auth"), ("xapp-fake", "not_allowed_token_type")],
)
async def test_tokens_are_checked(slack, token, error):
    with pytest.raises(SlackApiError, match=error):
        await AsyncWebClient(token, base_url=slack.api_url).auth_test()


async def test_a_socket_mode_address_works_once(slack, client):
    address = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(address) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(address)


async def test_errors_of_the_web_api(slack, client):
    for call, error in (
        (client.chat_postMessage(channel="C0NOWHERE", text="x"), "channel_not_found"),
        (client.api_call("chat.postMessage", json={"channel": CHANNEL}), "no_text"),
        (client.chat_postMessage(channel=CHANNEL, text="x", thread_ts="1.1"), "thread_not_found"),
        (client.chat_postMessage(channel=CHANNEL, text="x" * 40_001), "msg_too_long"),
        (client.chat_update(channel=CHANNEL, ts="1.1", text="x"), "message_not_found"),
        (client.chat_update(channel="incidents", ts="1.1", text="x"), "channel_not_found"),
        (client.chat_postEphemeral(channel=CHANNEL, user="U0NOBODY", text="x"), "user_not_found"),
        (client.users_info(user="U0NOBODY"), "user_not_found"),
        (client.api_call("chat.fly"), "unknown_method"),
    ):
        with pytest.raises(SlackApiError, match=error):
            await call
    assert (await client.users_info(user="U0ONCALL"))["user"]["name"] == "oncall"
    assert (await client.conversations_info(channel=CHANNEL))["channel"]["name"] == "incidents"


async def test_an_update_keeps_what_it_does_not_give(slack, client):
    ts = (await client.chat_postMessage(channel="#incidents", text="one", blocks=[SECTION]))["ts"]
    await client.chat_update(channel=CHANNEL, ts=ts, text="two")
    (message,) = slack.messages()
    assert (message.text, message.visible, message.edits) == ("two", "x", 1)


async def test_faults_hit_as_many_calls_as_they_say_and_in_order(slack, client):
    slack.fail_next("auth.test", error="internal_error", times=2)
    slack.fail_next("auth.test", 500)
    statuses = []
    for _ in range(4):
        with contextlib.suppress(SlackApiError):
            await client.auth_test()
        statuses.append((slack.calls()[-1].status, slack.calls()[-1].answer["ok"]))
    assert statuses == [(200, False), (200, False), (500, False), (200, True)]


async def test_history_is_paged_and_shows_metadata_only_when_asked(slack, client):
    for number in range(5):
        metadata = {"event_type": "t", "event_payload": {"n": number}}
        await client.chat_postMessage(channel=CHANNEL, text=str(number), metadata=metadata)
    first = await client.conversations_history(channel=CHANNEL, limit=3, include_all_metadata=True)
    assert [message["text"] for message in first["messages"]] == ["4", "3", "2"]
    assert first["messages"][0]["metadata"]["event_payload"] == {"n": 4}
    rest = await client.conversations_history(channel=CHANNEL, cursor=first["response_metadata"]["next_cursor"])
    assert [message["text"] for message in rest["messages"]] == ["1", "0"]
    assert "metadata" not in rest["messages"][0]


async def test_nobody_can_click_what_is_not_there(slack, client):
    await client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button())])
    (message,) = slack.messages()
    with pytest.raises(LookupError, match="its buttons: Yes"):
        await slack.click("oncall", message, "No")
    with pytest.raises(LookupError, match="nobody here"):
        await slack.click("ghost", message, "Yes")
    with pytest.raises(ConnectionError):
        await slack.click("oncall", message, "Yes")


async def test_a_wait_that_fails_tells_what_happened(slack, client):
    await client.auth_test()
    with pytest.raises(TimeoutError, match=r"0 messages; last calls: auth\.test ok"):
        await slack.wait_for(slack.messages, within=0.05)


def test_in_a_thread_for_tests_without_an_event_loop():
    from slack_sdk import WebClient

    with FakeSlack() as slack:
        WebClient(slack.bot_token, base_url=slack.api_url).chat_postMessage(channel=CHANNEL, text="hello")
        assert slack.run(slack.wait_for(slack.messages))[0].text == "hello"
        slack.fail_next("chat.postMessage", error="is_archived")
        with pytest.raises(SlackApiError, match="is_archived"):
            WebClient(slack.bot_token, base_url=slack.api_url).chat_postMessage(channel=CHANNEL, text="hello")


async def test_one_loop_can_wait_for_a_fake_that_runs_in_a_thread():
    with FakeSlack() as slack:
        await AsyncWebClient(slack.bot_token, base_url=slack.api_url).chat_postMessage(channel=CHANNEL, text="hello")
        assert await slack.wait_for(slack.messages)


@pytest.mark.parametrize("kind", [FakeSlack, FakePager])
def test_a_fake_that_does_not_run_says_how_to_run_it(kind):
    with pytest.raises(RuntimeError, match="with statement"):
        kind().fail_next("auth.test", 500) if kind is FakeSlack else kind().fail_next(500)


async def test_calls_are_recorded_without_tokens(tmp_path):
    async with FakeSlack(record=tmp_path / "calls.jsonl") as slack:
        await AsyncWebClient(slack.bot_token, base_url=slack.api_url).chat_postMessage(channel=CHANNEL, text="hello")
    (line,) = map(json.loads, (tmp_path / "calls.jsonl").read_text().splitlines())
    assert (line["method"], line["arguments"]["text"], line["answer"]["ok"]) == ("chat.postMessage", "hello", True)
    assert "xoxb" not in json.dumps(line)


def test_the_page_shows_threads_and_runs_nothing_of_what_was_said():
    root = Message("C1", "1.1", "<script>alert(1)</script> &lt;b&gt; *bold* <https://x|link> <javascript:x|bad>")
    reply = Message("C1", "1.2", "yes <@U1>", thread_ts="1.1")
    alone = Message("C1", "1.3", "`code` _no_", thread_ts="1.1", only_for="U1")
    page = channel_page("incidents", (reply, root, alone), {"U1": "<ana>"})
    assert "<script>" not in page
    assert "javascript" not in page.replace("&lt;javascript:x|bad&gt;", "")
    for part in ("<b>bold</b>", '<a href="https://x">link</a>', "@&lt;ana&gt;", "<code>code</code>", "<i>no</i>"):
        assert part in page
    assert page.index("bold") < page.index('class="thread"') < page.index("yes")
