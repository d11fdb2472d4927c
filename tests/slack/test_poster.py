"""What the bot says arrives once, or an error says what to do."""

import logging
import time

import pytest
from aiohttp import web

from failsoft.clients.secrets import Secret
from failsoft.clients.slack import SlackPoster
from failsoft.errors import NotFoundError, PermanentError, TemporaryError, UnavailableError

CHANNEL = "C0INCIDENTS"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


async def test_an_incident_is_one_thread_whose_first_message_is_edited_in_place(slack, poster):
    first = await poster.post(CHANNEL, text="firing", blocks=[SECTION])
    await poster.post(CHANNEL, text="question", thread_ts=first.ts)
    await poster.update(CHANNEL, first.ts, text="recovered", blocks=[SECTION])
    root, reply = slack.messages(CHANNEL)
    assert (root.text, root.edits, root.thread_ts) == ("recovered", 1, "")
    assert slack.thread(root) == (reply,)


@pytest.mark.parametrize("name", ["incidents", "#incidents"])
async def test_a_post_to_a_name_says_the_id_with_which_it_can_be_edited(slack, poster, name):
    posted = await poster.post(name, text="firing")
    assert posted.channel == CHANNEL
    await poster.update(posted.channel, posted.ts, text="recovered")
    with pytest.raises(NotFoundError):
        await poster.update(name, posted.ts, text="again")
    assert [message.text for message in slack.messages()] == ["recovered"]


async def test_one_person_can_be_told_alone(slack, poster):
    await poster.ephemeral(CHANNEL, "U0STRANGER", text="no")
    assert [message.text for message in slack.ephemeral("stranger")] == ["no"]
    assert slack.messages() == ()


async def test_a_message_of_any_length_is_taken(slack, poster):
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 9000}}
    await poster.post(CHANNEL, text="y" * 90_000, blocks=[section] * 60)
    (message,) = slack.messages()
    assert len(message.blocks) == 50


async def test_nothing_in_a_text_is_turned_into_a_mention_or_a_link_behind_our_back(slack, poster):
    await poster.post(CHANNEL, text="@channel #general http://x")
    (call,) = slack.calls("chat.postMessage")
    assert call.arguments["parse"] == "none"
    assert call.arguments["link_names"] is False
    assert call.arguments["unfurl_links"] is False


async def test_a_short_rate_limit_is_waited_out(slack, poster):
    slack.fail_next("chat.postMessage", 429, retry_after=0)
    await poster.post(CHANNEL, text="hello")
    assert [call.status for call in slack.calls("chat.postMessage")] == [429, 200]


async def test_a_long_rate_limit_is_told_at_once_with_its_delay(slack, poster):
    slack.fail_next("chat.postMessage", 429, retry_after=40)
    started = time.monotonic()
    with pytest.raises(TemporaryError) as caught:
        await poster.post(CHANNEL, text="hello")
    assert caught.value.delay == 40
    assert time.monotonic() - started < 20
    assert slack.messages() == ()


async def test_a_rate_limit_that_does_not_end_is_told(slack, poster):
    slack.fail_next("chat.update", 429, retry_after=0, times=9)
    with pytest.raises(TemporaryError):
        await poster.update(CHANNEL, "1.1", text="hello")
    assert len(slack.calls("chat.update")) == 3


async def test_a_post_whose_answer_is_lost_is_not_sent_twice_and_can_be_found(slack, poster):
    before = time.time()
    slack.drop_reply("chat.postMessage")
    with pytest.raises(UnavailableError):
        await poster.post(CHANNEL, text="firing", key="incident-7")
    (message,) = slack.messages()
    assert await poster.find(CHANNEL, "incident-7", since=before) == message.ts
    assert await poster.find(CHANNEL, "incident-8", since=before) is None
    assert await poster.find(CHANNEL, "incident-7", since=before + 900) is None


async def test_a_reply_is_found_in_its_thread_only(slack, poster):
    root = await poster.post(CHANNEL, text="firing", key="incident-7")
    for number in range(3):
        await poster.post(CHANNEL, text="more", thread_ts=root.ts, key=f"step-{number}")
    since = time.time() - 60
    assert await poster.find(CHANNEL, "step-2", since=since, thread_ts=root.ts) == slack.messages()[-1].ts
    assert await poster.find(CHANNEL, "step-2", since=since) is None


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        ("channel_not_found", NotFoundError, "invite it, or correct the channel's id"),
        ("message_not_found", NotFoundError, "gone"),
        ("not_in_channel", PermanentError, "/invite"),
        ("invalid_auth", PermanentError, "check the token"),
        ("is_archived", PermanentError, "archived"),
        ("something_new", PermanentError, "something_new"),
        ("internal_error", UnavailableError, "internal_error"),
        ("ratelimited", TemporaryError, "pause"),
    ],
)
async def test_slacks_errors_say_what_to_do(slack, poster, error, kind, says):
    slack.fail_next("chat.postMessage", error=error)
    with pytest.raises(kind, match=says):
        await poster.post(CHANNEL, text="hello")


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_error_is_unavailable(slack, poster, status):
    slack.fail_next("chat.postMessage", status)
    with pytest.raises(UnavailableError):
        await poster.post(CHANNEL, text="hello")


async def test_a_wrong_token_is_seen_when_the_bot_asks_who_it_is(slack, poster):
    assert (await poster.identity()).team == "fake"
    stranger = SlackPoster(Secret("xoxb-wrong"), base_url=slack.api_url)
    with pytest.raises(PermanentError, match="invalid_auth"):
        await stranger.identity()


async def test_a_slow_slack_is_given_up(slack):
    slack.fail_next("chat.postMessage", delay=5)
    poster = SlackPoster(Secret(slack.bot_token), base_url=slack.api_url, timeout=1)
    with pytest.raises(UnavailableError, match="in time"):
        await poster.post(CHANNEL, text="hello")


async def test_nobody_there_is_unavailable(port):
    poster = SlackPoster(Secret("xoxb-1"), base_url=f"http://127.0.0.1:{port}/api/")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await poster.post(CHANNEL, text="hello")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>sign in</html>", "text/html"),
        ("ok", "text/plain"),
        ("{", "application/json"),
        ("[]", "application/json"),
    ],
)
async def test_another_server_in_slacks_place_is_unavailable(body, kind):
    async def answer(request):
        return web.Response(text=body, content_type=kind)

    application = web.Application()
    application.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with pytest.raises(UnavailableError):
        await SlackPoster(Secret("xoxb-1"), base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/").identity()
    await runner.cleanup()


async def test_a_proxy_in_the_environment_is_not_used_for_this_machine(slack, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    poster = SlackPoster(Secret(slack.bot_token), base_url=slack.api_url)
    await poster.post(CHANNEL, text="hello")


def test_a_proxy_is_used_for_slack_unless_no_proxy_says_otherwise(monkeypatch):
    from failsoft.clients.slack.connection import proxy_for

    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "slack.internal")
    assert proxy_for("https://slack.com/api/") == "http://proxy:3128"
    assert proxy_for("https://slack.internal/api/") is None
    assert proxy_for("http://localhost:1/api/") is None


async def test_the_token_is_in_no_log_and_in_no_error(slack, caplog):
    with caplog.at_level(logging.DEBUG):
        poster = SlackPoster(Secret("xoxb-secret", reference="env T"), base_url=slack.api_url)
        with pytest.raises(PermanentError) as caught:
            await poster.post(CHANNEL, text="hello")
    assert "xoxb-secret" not in caplog.text + str(caught.value) + repr(caught.value.__context__)
