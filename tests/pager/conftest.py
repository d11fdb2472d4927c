"""A pager over a real socket, and one event."""

import pytest

from failsoft.clients.pager import Link, PageEvent, dedup_key
from failsoft.testing import FakePager


@pytest.fixture
async def fake():
    async with FakePager() as pager:
        yield pager


@pytest.fixture
def event():
    def make(action="trigger", **changed):
        given = {
            "action": action,
            "dedup_key": dedup_key("chat-ttft", "2026-11-21T03:01:00Z"),
            "severity": "critical",
            "summary": "chat: 18 % of requests wait too long; nobody answered in Slack",
            "source": "chat",
            "links": (Link("https://grafana/d/1", "Dashboard"),),
            "details": {"runbook": "shift-to-fallback", "asked": "@oncall until 03:13 UTC"},
        }
        return PageEvent(**(given | changed))

    return make
