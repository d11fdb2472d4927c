"""Paging through PagerDuty: accepted or an error that says whether to try again; the key is never shown."""

import asyncio
import logging

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from failsoft.clients.pager import PageEvent, PagerDuty
from failsoft.clients.secrets import Secret
from failsoft.errors import PermanentError, TemporaryError, UnavailableError
from failsoft.testing import FakePager

KEY = "R0123456789abcdef0123456789abcde"


@pytest.fixture
def pager(fake):
    return PagerDuty(Secret(KEY, reference="env PAGERDUTY_KEY"), url=fake.events_url, timeout=2)


async def test_a_page_is_triggered_acknowledged_and_resolved_as_one_alert(fake, pager, event):
    for action in ("trigger", "trigger", "acknowledge", "resolve"):
        await pager.send(event(action))
    (alert,) = fake.alerts()
    assert (alert.state, alert.triggers, alert.severity, alert.source) == ("resolved", 2, "critical", "chat")
    assert alert.summary == "chat: 18 % of requests wait too long; nobody answered in Slack"
    assert alert.details["runbook"] == "shift-to-fallback"
    assert alert.links == ({"href": "https://grafana/d/1", "text": "Dashboard"},)


async def test_the_same_key_after_a_resolve_is_a_new_alert(fake, pager, event):
    for action in ("trigger", "resolve", "trigger"):
        await pager.send(event(action))
    assert [alert.state for alert in fake.alerts()] == ["resolved", "triggered"]


async def test_a_resolve_of_something_unknown_opens_nothing(fake, pager, event):
    await pager.send(event("resolve"))
    assert fake.alerts() == ()


async def test_429_says_when_to_try_again_and_pages_nobody(fake, pager, event):
    fake.fail_next(429, retry_after=17)
    with pytest.raises(TemporaryError) as caught:
        await pager.send(event())
    assert caught.value.delay == 17
    assert fake.alerts() == ()
    await pager.send(event())
    assert len(fake.alerts()) == 1


async def test_429_without_a_time_waits_as_pagerduty_advises(fake, pager, event):
    fake.fail_next(429)
    with pytest.raises(TemporaryError) as caught:
        await pager.send(event())
    assert caught.value.delay == 30


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_worth_another_try(fake, pager, event, status):
    fake.fail_next(status)
    with pytest.raises(UnavailableError):
        await pager.send(event())


async def test_a_lost_answer_is_worth_another_try_and_the_retry_is_the_same_alert(fake, pager, event):
    fake.drop_reply()
    with pytest.raises(UnavailableError):
        await pager.send(event())
    await pager.send(event())
    (alert,) = fake.alerts()
    assert alert.triggers == 2


async def test_a_slow_answer_is_given_up(fake, event):
    fake.fail_next(503, delay=5)
    with pytest.raises(UnavailableError, match=r"within 0\.2 s"):
        await PagerDuty(Secret(KEY), url=fake.events_url, timeout=0.2).send(event())


async def test_a_refused_event_is_permanent_and_told_in_pagerdutys_words(fake, event):
    with pytest.raises(PermanentError, match="'routing_key' is invalid"):
        await PagerDuty(Secret("too-short"), url=fake.events_url).send(event())


async def test_nobody_there_is_worth_another_try(fake, event, port):
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await PagerDuty(Secret(KEY), url=f"http://127.0.0.1:{port}/").send(event())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>Welcome to the hotel Wi-Fi</html>", PermanentError),
        (302, "", PermanentError),
        (404, "not here", PermanentError),
        (202, "<html>accepted</html>", UnavailableError),
        (202, '{"status": "error"}', UnavailableError),
    ],
)
async def test_only_pagerdutys_own_acceptance_counts(event, status, body, kind):
    async with Odd(status, body) as url:
        with pytest.raises(kind):
            await PagerDuty(Secret(KEY), url=url).send(event())


async def test_the_key_is_in_no_log_and_in_no_error(event, caplog):
    with caplog.at_level(logging.DEBUG):
        async with Odd(400, f'{{"message": "bad", "errors": ["{KEY} is unknown"]}}') as url:
            with pytest.raises(PermanentError, match="env PAGERDUTY_KEY") as caught:
                await PagerDuty(Secret(KEY, reference="env PAGERDUTY_KEY"), url=url).send(event())
    assert KEY not in str(caught.value) + repr(caught.value) + caplog.text


async def test_an_event_of_any_size_arrives_with_its_summary(fake, pager, event):
    await pager.send(event(summary="x " * 2000, details={f"key {n}": "ü" * 20_000 for n in range(50)}))
    (alert,) = fake.alerts()
    assert len(alert.summary) == 1024
    assert alert.summary.endswith("…")


async def test_a_dedup_key_that_would_be_cut_is_refused(pager, event):
    with pytest.raises(PermanentError, match="255"):
        await pager.send(event(dedup_key="k" * 256))


text = st.text(max_size=3000)


@given(
    summary=text,
    source=st.text(max_size=50),
    details=st.dictionaries(st.text(max_size=40), text, max_size=8),
    severity=st.sampled_from(["critical", "error", "warning", "info"]),
)
def test_pagerduty_takes_whatever_we_page(summary, source, details, severity):
    sent = PageEvent("trigger", "key", severity, summary, source, details=details)
    document = PagerDuty(Secret(KEY))._document(sent)
    from failsoft.testing.pager.desk import event_errors

    assert event_errors(document) == ()


def test_a_fake_in_a_thread_serves_a_test_without_an_event_loop(event):
    with FakePager() as fake:
        asyncio.run(PagerDuty(Secret(KEY), url=fake.events_url).send(event()))
        assert fake.run(fake.wait_for(fake.alerts))[0].state == "triggered"


class Odd:
    """A server that answers every request the same."""

    def __init__(self, status, body):
        self._status, self._body = status, body

    async def __aenter__(self):
        async def answer(request):
            return web.Response(status=self._status, text=self._body, headers={"Location": "http://127.0.0.1:1/"})

        application = web.Application()
        application.router.add_route("*", "/{any:.*}", answer)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v2/enqueue"

    async def __aexit__(self, *_):
        await self._runner.cleanup()
