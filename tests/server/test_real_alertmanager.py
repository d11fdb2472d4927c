"""A real Alertmanager delivers: what it sends is understood, and what we could not commit it sends again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from failsoft.clients.alertmanager import Alert, Alertmanager
from failsoft.errors import UnavailableError

CONFIG = """
route: {{receiver: failsoft, group_by: [slo, model], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: failsoft
  webhook_configs:
  - url: {url}/webhook/alertmanager
    max_alerts: {max_alerts}
    http_config: {{authorization: {{type: Bearer, credentials_file: {secret}}}}}
"""


@pytest.fixture
def connect(alertmanager_server, tmp_path):
    def begin(site, *, shows="s3cret", max_alerts=0):
        file = tmp_path / "webhook-secret"
        file.write_text(shows)
        server = alertmanager_server(CONFIG.format(url=site.url, secret=file, max_alerts=max_alerts))
        return Alertmanager(server.url)

    return begin


def alert(name="SLOBurns", **more):
    labels = {"alertname": name, "slo": "chat-ttft", "model": "chat", "severity": "page"}
    return Alert(labels, {"summary": 'it "burns" — ö'}, starts_at=datetime(2026, 11, 21, 3, 1, 0, 250_000, UTC), **more)


async def until(condition, *, within=60):
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # another process acts
            await asyncio.sleep(0.02)


async def test_firing_and_resolved_arrive_as_one_episode(site, connect):
    alertmanager = await asyncio.to_thread(connect, site)
    await alertmanager.post(alert())
    await until(lambda: site.intake.committed)
    await alertmanager.post(alert(ends_at=datetime.now(UTC) - timedelta(seconds=1)))
    await until(lambda: any(one.status == "resolved" for one in site.intake.committed))
    first, last = site.intake.committed[0], site.intake.committed[-1]
    (fired,), (resolved,) = first.alerts, last.alerts
    assert (first.receiver, first.status, first.truncated) == ("failsoft", "firing", 0)
    assert (fired.status, fired.ends_at) == ("firing", None)
    assert resolved.ends_at is not None
    assert (fired.fingerprint, fired.starts_at) == (resolved.fingerprint, resolved.starts_at)
    assert fired.starts_at == datetime(2026, 11, 21, 3, 1, 0, 250_000, UTC)
    assert fired.annotations["summary"] == 'it "burns" — ö'
    assert first.group_key == '{}:{model="chat", slo="chat-ttft"}'


async def test_what_could_not_be_committed_is_sent_again(site, connect):
    site.intake.fails = UnavailableError("the database is away")
    alertmanager = await asyncio.to_thread(connect, site)
    await alertmanager.post(alert())
    await until(lambda: len(site.intake.received) >= 2)
    assert not site.intake.committed
    site.intake.fails = None
    await until(lambda: site.intake.committed)
    assert site.intake.committed[0] == site.intake.received[0]


async def test_alerts_that_were_left_out_are_counted(site, connect):
    alertmanager = await asyncio.to_thread(connect, site, max_alerts=1)
    await alertmanager.post(*(alert(f"Tier{number}") for number in range(3)))
    # Alertmanager may tell of the first alert before it has seen the others
    await until(lambda: any(told.truncated == 2 for told in site.intake.committed))
    assert {len(told.alerts) for told in site.intake.committed} == {1}


async def test_a_wrong_secret_reaches_nobody(site, connect):
    alertmanager = await asyncio.to_thread(connect, site, shows="forged")
    await alertmanager.post(alert())
    refused = site.metrics.registry.get_sample_value
    await until(lambda: refused("failsoft_webhook_requests_total", {"code": "401"}))
    assert not site.intake.received
