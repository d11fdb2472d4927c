"""Paging through a generic webhook, and onto standard output."""

import json

import pytest

from failsoft.clients.pager import StdoutPager, WebhookPager
from failsoft.clients.secrets import Secret
from failsoft.errors import PermanentError, TemporaryError, UnavailableError


async def test_the_webhook_gets_the_whole_event_as_json(fake, event):
    await WebhookPager(fake.webhook_url, token=Secret("tok")).send(event("resolve"))
    (document,) = fake.posts
    assert document == {
        "version": 1,
        "action": "resolve",
        "dedup_key": event().dedup_key,
        "severity": "critical",
        "summary": event().summary,
        "source": "chat",
        "links": [{"href": "https://grafana/d/1", "text": "Dashboard"}],
        "details": {"runbook": "shift-to-fallback", "asked": "@oncall until 03:13 UTC"},
    }
    assert fake.deliveries()[0].headers["Authorization"] == "Bearer tok"


async def test_the_webhook_says_whether_another_try_can_help(fake, event):
    pager = WebhookPager(fake.webhook_url)
    fake.fail_next(429, retry_after=3)
    with pytest.raises(TemporaryError) as caught:
        await pager.send(event())
    assert caught.value.delay == 3
    fake.fail_next(503)
    with pytest.raises(UnavailableError):
        await pager.send(event())
    fake.fail_next(403)
    with pytest.raises(PermanentError):
        await pager.send(event())
    assert fake.posts == ()


async def test_an_address_that_is_a_secret_is_not_told(fake, event):
    secret = Secret(fake.webhook_url + "?token=hunter2", reference="env ROOTLY_URL")
    fake.fail_next(400)
    with pytest.raises(PermanentError, match="env ROOTLY_URL") as caught:
        await WebhookPager(secret).send(event())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://hunter2.invalid:1/", "no-url-hunter2", "http://hunter2:port/"])
async def test_a_secret_address_that_cannot_be_reached_is_not_told_either(url, event):
    with pytest.raises((PermanentError, UnavailableError)) as caught:
        await WebhookPager(Secret(url, reference="env ROOTLY_URL"), timeout=2).send(event())
    chain = [caught.value, caught.value.__cause__]
    assert not any("hunter2" in str(error) for error in chain)


async def test_standard_output_gets_one_line_for_each_page(capsys, event):
    await StdoutPager().send(event())
    await StdoutPager().send(event("resolve", summary="two\nlines"))
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["page"], first["links"]) == ("trigger", {"Dashboard": "https://grafana/d/1"})
    assert (second["page"], second["summary"]) == ("resolve", "two lines")
