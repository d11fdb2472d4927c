"""Paging through a real Alertmanager, whose own webhook tells what people would have got."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from failsoft.clients.alertmanager import Alert, Alertmanager
from failsoft.clients.pager import AlertmanagerPager
from failsoft.clients.secrets import Secret
from failsoft.errors import PermanentError, UnavailableError
from failsoft.lab.parts.alertmanager import alertmanager_server

CONFIG = """
route: {{receiver: owner, group_by: [failsoft_page], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: owner
  webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""


@pytest.fixture
async def notified():
    """What Alertmanager sends to its webhook: a queue of (status, labels, annotations)."""
    queue = asyncio.Queue()

    async def take(request):
        for alert in (await request.json())["alerts"]:
            await queue.put((alert["status"], alert["labels"], alert["annotations"]))
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    queue.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield queue
    await runner.cleanup()


@pytest.fixture
def alertmanager(tmp_path, notified):
    with alertmanager_server(tmp_path, CONFIG.format(url=notified.url)) as server:
        yield Alertmanager(server.url + "/")


async def test_a_page_reaches_the_owner_and_a_resolve_ends_it(alertmanager, notified, event):
    pager = AlertmanagerPager(alertmanager, labels={"team": "assistants"})
    await pager.send(event())
    status, labels, annotations = await asyncio.wait_for(notified.get(), 60)
    assert status == "firing"
    assert labels == {
        "alertname": "FailsoftPage",
        "severity": "page",
        "page_severity": "critical",
        "source": "chat",
        "team": "assistants",
        "failsoft_page": event().dedup_key,
    }
    assert annotations["summary"] == event().summary
    assert annotations["link_1"] == "Dashboard: https://grafana/d/1"

    (held,) = await alertmanager.alerts('alertname="FailsoftPage"')
    assert held.ends_at - datetime.now(UTC) > timedelta(hours=23)

    await pager.send(event("acknowledge"))
    # Another severity than at the trigger must not leave the alert open.
    await pager.send(event("resolve", severity="info"))
    status, labels, _ = await asyncio.wait_for(notified.get(), 60)
    assert (status, labels["failsoft_page"]) == ("resolved", event().dedup_key)
    assert await alertmanager.alerts('alertname="FailsoftPage"') == ()


async def test_a_resolve_of_something_unknown_is_quiet(alertmanager, event):
    await AlertmanagerPager(alertmanager).send(event("resolve"))
    assert await alertmanager.alerts() == ()


async def test_details_with_any_name_are_taken(alertmanager, event):
    await AlertmanagerPager(alertmanager).send(event(details={"how long?": "2 h", "1st": "x", "ümlaut": "y"}))
    (held,) = await alertmanager.alerts()
    assert held.annotations["how_long_"] == "2 h"


async def test_alerts_are_read_as_they_are_held(alertmanager):
    now = datetime.now(UTC)
    given = Alert({"alertname": "X", "slo": "chat-ttft"}, {"a": "b"}, starts_at=now, generator_url="http://p/graph")
    await alertmanager.post(given)
    (held,) = await alertmanager.alerts('slo="chat-ttft"')
    assert (held.labels, held.annotations, held.generator_url) == (given.labels, given.annotations, "http://p/graph")
    assert abs(held.starts_at - now) < timedelta(milliseconds=2)
    assert (held.state, held.receivers) in {("active", ("owner",)), ("unprocessed", ("owner",))}
    assert len(held.fingerprint) == 16
    assert await alertmanager.alerts('slo="other"') == ()
    assert await alertmanager.ready()
    assert (await alertmanager.version())[0].isdigit()


async def test_a_bad_label_is_refused_in_its_words(alertmanager):
    with pytest.raises(PermanentError, match="400"):
        await alertmanager.post(Alert({"not a label": "x"}))


async def test_nobody_there_is_not_ready_and_unavailable(port):
    gone = Alertmanager(f"http://127.0.0.1:{port}", timeout=2)
    assert not await gone.ready()
    with pytest.raises(UnavailableError):
        await gone.alerts()


@pytest.mark.parametrize("body", ["<html>", "[{}]", '{"a": 1}', "[1]", "null", '[{"labels": 1}]'])
async def test_another_server_in_its_place_is_unavailable(body):
    async def answer(request):
        assert request.headers["Authorization"] == "Bearer tok"
        return web.Response(text=body)

    application = web.Application()
    application.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    odd = Alertmanager(f"http://127.0.0.1:{runner.addresses[0][1]}", token=Secret("tok"))
    with pytest.raises(UnavailableError):
        await odd.alerts()
    with pytest.raises(UnavailableError):
        await odd.version()
    await runner.cleanup()
