"""A fake workspace, the bot's mouth, and somebody who decides and keeps every click."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from failsoft.clients.secrets import Secret
from failsoft.clients.slack import SlackPoster
from failsoft.slack import (
    ApprovalView,
    Click,
    ClickReply,
    IncidentState,
    IncidentView,
    LinkView,
    PlanView,
    Refusal,
    SlackBot,
    TimelineEntry,
    recorded,
    refused,
)
from failsoft.testing import FakeSlack

CHANNEL = "C0INCIDENTS"
START = datetime(2026, 11, 21, 3, 1, tzinfo=UTC)

PLAN = PlanView(
    runbook="shift-to-fallback",
    text="shift 100 % of the traffic of prod/chat-70b to prod/chat-small\nscale prod/chat-small from 2 to 4 replicas",
    hash="3fa2c1d09b7e55aa",
)
APPROVAL = ApprovalView(
    token="q-7",
    plan=PLAN,
    expires_at=START + timedelta(minutes=12),
    approvers=("U0ONCALL", "S0ONCALL"),
    otherwise="the team assistants is paged",
    command="failsoft approve 7",
)
INCIDENT = IncidentView(
    title="Users of chat wait too long for the first token",
    slo="chat-ttft",
    model="chat",
    team="assistants",
    severity="page",
    state=IncidentState.FIRING,
    sentence="18.2 % of requests waited more than 500 ms over the last 5 min (objective: at most 1 %).",
    mode="approve",
    opened_at=START,
    links=(LinkView("Dashboard", "https://grafana.example.com/d/chat-ttft"),),
    timeline=(TimelineEntry(START, "alert fired: tier fast, 18.2x burn"),),
    command="failsoft incidents show 7",
)


@pytest.fixture
async def slack():
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
def poster(slack):
    return SlackPoster(Secret(slack.bot_token, reference="env SLACK_BOT_TOKEN"), base_url=slack.api_url, timeout=2)


@pytest.fixture
def incident():
    return lambda **changed: dataclasses.replace(INCIDENT, **changed)


@pytest.fixture
def approval():
    return lambda **changed: dataclasses.replace(APPROVAL, **changed)


class Desk:
    """Decides as the runbook engine does, in small: one answer counts, strangers are refused, every click is kept."""

    def __init__(self):
        self.clicks: list[Click] = []
        self.decided = []
        self.failures = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def decide(self, click):
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.clicks.append(click)
        if click.user_id != "U0ONCALL":
            return ClickReply(refused(Refusal.NOT_ALLOWED, APPROVAL))
        if self.decided:
            return ClickReply(refused(Refusal.DECIDED))
        self.decided.append((click.action, click.token))
        return ClickReply(recorded(click.action, PLAN.hash))


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def make_bot(slack, desk):
    def make(**changed):
        given = {
            "bot_token": Secret(slack.bot_token, reference="env SLACK_BOT_TOKEN"),
            "app_token": Secret(slack.app_token, reference="env SLACK_APP_TOKEN"),
            "decisions": desk,
            "base_url": slack.api_url,
            "ping_interval": 3.0,
        }
        return SlackBot(**(given | changed))

    return make
