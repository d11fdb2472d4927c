"""One thread for each incident in Slack: edited in place, nothing twice, and clicks told what became of them."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from failsoft.clients.secrets import Secret
from failsoft.clients.slack import SlackPoster
from failsoft.errors import NotFoundError, UnavailableError
from failsoft.runbooks.decisions import Answer, Reason
from failsoft.runbooks.views import Entry, IncidentCard, QuestionCard, RunCard
from failsoft.server.answers import SlackAnswers
from failsoft.server.channels import Channels
from failsoft.server.threads import SlackThreads
from failsoft.slack import Click
from failsoft.testing import FakeSlack
from failsoft.workspace.kinds.inventory import Person

NOW = time.time() + 5
QUESTION = QuestionCard(
    number=3,
    token="t-3",
    text="May shift do this to chat?",
    runbook="shift",
    plan="scale prod/chat from 2 to 4",
    plan_hash="3fa2c1d09b7e55aa",
    note="Nobody started this by hand.",
    approvers=(Person(name="ana", slack="U0ONCALL"), Person(name="cem")),
    otherwise="page",
    asked_at=NOW,
    expires_at=NOW + 600,
    state="waiting",
    by=None,
    at=None,
    command="failsoft approve r-1",
)
CARD = IncidentCard(
    number=7,
    slo="chat-ttft",
    model="chat",
    team="assistants",
    channel="#incidents",
    severity="page",
    failure_mode="latency-degraded",
    state="firing",
    title="Users of <chat> wait",
    sentence="18 % waited",
    opened_at=NOW,
    resolved_at=None,
    firing=1,
    run=RunCard("r-1", "shift", "approve", "waiting", "", None, ()),
    question=None,
    links={"Dashboard": "https://grafana.example.com/d/chat"},
    timeline=(Entry(1, NOW, "opened", "SLOBurns fires"),),
)


@pytest.fixture
async def slack():
    async with FakeSlack(channels={"C0INCIDENTS": "incidents", "C0OTHER": "other"}) as fake:
        yield fake


@pytest.fixture
def threads(slack):
    def make():
        token = Secret(slack.bot_token)
        poster = SlackPoster(token, base_url=slack.api_url, timeout=2)
        return SlackThreads(poster, Channels(token, base_url=slack.api_url))

    return make


async def test_a_thread_from_the_first_alert_to_the_answer(slack, threads):
    said = threads()
    first = await said.incident(CARD, None)
    assert first.channel == "C0INCIDENTS", "by its id, for a name cannot be edited in"
    await said.entry(CARD, Entry(2, NOW, "began", "Runbook <!channel> begins\nin two lines"), first)
    waiting = replace(CARD, state="waiting", question=QUESTION)
    asked = await said.question(waiting, QUESTION, first, None)
    assert await said.incident(waiting, first) == first
    root, entry, question = slack.messages("C0INCIDENTS")
    assert (root.ts, root.edits) == (first.ts, 1)
    assert "Waiting for a yes or no" in root.visible
    assert {entry.thread_ts, question.thread_ts} == {root.ts}
    assert "Runbook &lt;!channel&gt; begins\nin two lines" in entry.text
    assert [button.label for button in question.buttons] == ["Approve", "Deny"]
    assert "<@U0ONCALL> cem" in question.visible
    assert "the team assistants is paged" in question.visible

    decided = replace(QUESTION, state="approved", by=Person(name="ana", slack="U0ONCALL"), at=NOW + 60)
    assert await said.question(CARD, decided, first, asked) == asked
    question = slack.messages("C0INCIDENTS")[-1]
    assert question.buttons == ()
    assert "*Approved* by <@U0ONCALL>" in question.visible
    assert "scale prod/chat" in question.visible


@pytest.mark.parametrize("state", ["expired", "withdrawn", "stale", "denied"])
async def test_a_question_that_is_over_has_no_buttons(slack, threads, state):
    said = threads()
    first = await said.incident(CARD, None)
    await said.question(CARD, replace(QUESTION, state=state), first, None)
    assert slack.messages("C0INCIDENTS")[-1].buttons == ()


async def test_a_channel_is_given_by_id_or_name_and_one_that_is_not_there_is_said(threads):
    said = threads()
    for given in ("C0OTHER", "#other", "other"):
        assert (await said.incident(replace(CARD, channel=given), None)).channel == "C0OTHER"
    with pytest.raises(NotFoundError, match="#nowhere"):
        await said.incident(replace(CARD, channel="#nowhere"), None)


async def test_a_thread_goes_on_when_its_channel_is_renamed_and_the_server_starts_again(slack, threads):
    first = await threads().incident(CARD, None)
    slack._workspace.channels["C0INCIDENTS"] = "on-call"
    said = threads()
    await said.entry(CARD, Entry(2, NOW, "began", "Runbook begins"), first)
    assert await said.incident(replace(CARD, state="resolved"), first) == first
    root, entry = slack.messages("C0INCIDENTS")
    assert (root.edits, entry.thread_ts) == (1, root.ts)


async def test_a_post_whose_answer_was_lost_is_found_and_not_posted_again(slack, threads):
    said = threads()
    slack.drop_reply("chat.postMessage")
    with pytest.raises(UnavailableError):
        await said.incident(CARD, None)
    again = await said.incident(CARD, None)
    assert [message.ts for message in slack.messages()] == [again.ts]


async def test_what_was_said_before_a_restart_is_found_and_not_said_again(slack, threads):
    old = replace(CARD, opened_at=time.time() - 60)
    entry = Entry(2, time.time() - 50, "began", "Runbook begins")
    first = await threads().incident(old, None)
    await threads().entry(old, entry, first)
    said = threads()
    assert await said.incident(old, None) == first
    await said.entry(old, entry, first)
    assert len(slack.messages()) == 2


async def test_without_the_scope_to_look_it_is_rather_said_twice_than_not_at_all(slack, threads):
    old = replace(CARD, opened_at=time.time() - 60)
    slack.fail_next("conversations.history", error="missing_scope")
    assert (await threads().incident(old, None)).ts
    assert len(slack.messages()) == 1


class Judge:
    def __init__(self, answer, question):
        self.answer, self.card, self.asked = answer, question, []

    async def decide(self, token, verdict, *, user, via):
        self.asked.append((token, verdict, user, via))
        return self.answer

    async def question(self, answer):
        return self.card


CLICK = Click("approve", "t-3", "U0STRANGER", "eve", "C0INCIDENTS", "1.1", "1.0", NOW)


async def test_a_click_that_counts_is_confirmed_with_the_plan_it_was_for():
    judge = Judge(Answer(None, "", SimpleNamespace(plan_hash=QUESTION.plan_hash)), QUESTION)
    reply = await SlackAnswers(judge).decide(CLICK)
    assert judge.asked == [("t-3", "approve", "U0STRANGER", "slack")]
    assert reply.ephemeral
    assert "approved plan `3fa2c1d09b7e`" in reply.text


@pytest.mark.parametrize("reason", list(Reason))
async def test_every_refusal_is_told_to_the_person_alone(reason):
    judge = Judge(Answer(reason, "", None), replace(QUESTION, state="denied", at=NOW))
    reply = await SlackAnswers(judge).decide(CLICK)
    assert reply.ephemeral
    assert reply.text.startswith("Nothing was done: ")


async def test_a_stranger_is_told_whom_to_ask():
    judge = Judge(Answer(Reason.NOT_ALLOWED, "", None), QUESTION)
    assert "Ask <@U0ONCALL>, cem" in (await SlackAnswers(judge).decide(CLICK)).text


async def test_who_started_it_is_told_to_ask_the_others():
    judge = Judge(Answer(Reason.REQUESTER, "", None), QUESTION)
    reply = await SlackAnswers(judge).decide(replace(CLICK, user_id="U0ONCALL"))
    assert "somebody else has to answer. Ask cem." in reply.text


async def test_a_click_on_an_unknown_question_is_answered_too():
    judge = Judge(Answer(Reason.UNKNOWN, "", None), None)
    assert "does not know this question" in (await SlackAnswers(judge).decide(CLICK)).text
