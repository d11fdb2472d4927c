"""The webhook on a real socket: 200 only for what is committed, 5xx where a retry helps, 4xx only for garbage."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from failsoft.clients.secrets import resolve
from failsoft.errors import PermanentError, UnavailableError
from failsoft.server.webhook import Limits

TOKEN = "s3cret"

FIRING = {
    "status": "firing",
    "labels": {"alertname": "SLOBurns", "slo": "chat-ttft", "model": "chat"},
    "annotations": {"summary": "slow"},
    "startsAt": "2026-11-21T03:01:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus/graph",
    "fingerprint": "0123456789abcdef",
}


def delivery(*alerts, **changes):
    return {
        "version": "4",
        "groupKey": '{}:{slo="chat-ttft"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "failsoft",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "alerts": list(alerts or (FIRING,)),
    } | changes


async def raw(url, *pieces, then_hang_up=False):
    """Send bytes on a plain socket, and give the status line that comes."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    if then_hang_up:
        writer.close()
        await writer.wait_closed()
        return None
    line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    return line.decode().strip()


def head(length, token=TOKEN):
    return (
        "POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def test_a_delivery_is_committed_before_it_is_acknowledged(site):
    site.intake.commit.clear()
    asking = asyncio.create_task(site.post(delivery()))
    await site.intake.arrived.wait()
    done, _ = await asyncio.wait([asking], timeout=0.3)
    assert not done, "acknowledged before the commit"
    site.intake.commit.set()
    status, _ = await asking
    assert status == 200
    (committed,) = site.intake.committed
    assert committed.alerts[0].labels["model"] == "chat"
    assert committed.alerts[0].starts_at.isoformat() == "2026-11-21T03:01:00.123456+00:00"
    assert committed.alerts[0].ends_at is None


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", TOKEN[:-1], "sécret"])
async def test_a_forged_webhook_is_refused_and_reaches_nobody(site, token):
    status, text = await site.post(delivery(), token=token)
    assert status == 401
    assert TOKEN not in text
    assert not site.intake.received


async def test_a_bearer_token_alone_or_by_basic_authentication_does_not_count(site):
    for value in (TOKEN, f"Basic {TOKEN}", f"bearer{TOKEN}", f"Bearer  {TOKEN}"):
        async with site.session.post(
            f"{site.url}/webhook/alertmanager", json=delivery(), headers={"Authorization": value}
        ) as answer:
            assert answer.status == 401


async def test_a_secret_that_is_changed_or_lost_while_we_run(start, tmp_path):
    file = tmp_path / "secret"
    file.write_text("first\n")
    site = await start(secret=lambda: resolve(file=file))
    assert (await site.post(delivery(), token="first"))[0] == 200
    file.write_text("second\n")
    assert (await site.post(delivery(), token="first"))[0] == 401
    assert (await site.post(delivery(), token="second"))[0] == 200
    file.unlink()
    assert (await site.post(delivery(), token="second"))[0] == 503, "a lost secret may come back; a 4xx loses alerts"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff",
        b"null",
        b"[]",
        b"{}",
        b"[" * 50_000,
        json.dumps(delivery(version="3")).encode(),
        json.dumps(delivery(status="burning")).encode(),
        json.dumps(delivery(alerts="none")).encode(),
        json.dumps(delivery(truncatedAlerts=-1)).encode(),
        json.dumps(delivery(FIRING | {"labels": {"a": 1}})).encode(),
        json.dumps(delivery(FIRING | {"startsAt": "yesterday"})).encode(),
        json.dumps(delivery(FIRING | {"startsAt": "2026-11-21T03:01:00"})).encode(),
        json.dumps(delivery(FIRING | {"fingerprint": ""})).encode(),
    ],
)
async def test_garbage_is_refused_and_reaches_nobody(site, body):
    status, text = await site.post(body)
    assert status == 400
    assert "version 4" in text
    assert not site.intake.received


async def test_what_newer_alertmanagers_add_and_older_ones_lack_is_no_garbage(site):
    newer = delivery(FIRING | {"silencedBy": []}, routeLabels={"a": "b"}, notification_reason="new", truncatedAlerts=3)
    older = {key: value for key, value in newer.items() if key in {"version", "status", "alerts"}}
    assert (await site.post(newer))[0] == 200
    assert (await site.post(older))[0] == 200
    first, second = site.intake.committed
    assert (first.truncated, second.truncated) == (3, 0)


async def test_an_oversize_body_is_refused_whether_it_says_so_or_not(start):
    site = await start(limits=Limits(body=1000))
    line = await raw(site.url, head(10**9))
    assert " 413 " in line

    async def chunks():
        for _ in range(20):
            yield b"x" * 100

    async with site.session.post(
        f"{site.url}/webhook/alertmanager", data=chunks(), headers={"Authorization": f"Bearer {TOKEN}"}
    ) as answer:
        assert answer.status == 413
    assert not site.intake.received


async def test_a_slow_body_is_cut_off_with_an_answer_that_lets_the_sender_try_again(start):
    site = await start(limits=Limits(reading=0.2))
    line = await raw(site.url, head(500), b'{"version"')
    assert " 503 " in line
    assert (await site.post(delivery()))[0] == 200


async def test_a_sender_that_hangs_up_harms_nobody(site):
    await raw(site.url, head(500), b'{"version"', then_hang_up=True)
    assert (await site.post(delivery()))[0] == 200
    assert len(site.intake.received) == 1


@pytest.mark.parametrize(
    "error", [UnavailableError("the database is away", delay=7), PermanentError("the schema is newer"), ValueError("?")]
)
async def test_whatever_hinders_the_commit_asks_for_a_retry(site, error):
    site.intake.fails = error
    status, text = await site.post(delivery())
    assert status == 503
    assert str(error) not in text, "what is wrong inside is for the log"


async def test_a_database_that_hangs_is_answered_503_within_two_seconds(site, caplog):
    site.intake.commit.clear()
    status, _ = await site.post(delivery())
    assert status == 503
    assert "not committed within 1.6 s" in caplog.text
    assert not site.intake.committed


async def test_other_methods_and_paths_are_not_there(site):
    assert (await site.get("/webhook/alertmanager"))[0] == 405
    assert (await site.get("/webhook"))[0] == 404


async def test_a_waiting_delivery_holds_up_no_other(site):
    site.intake.commit.clear()
    first = asyncio.create_task(site.post(delivery()))
    await site.intake.arrived.wait()
    assert (await site.get("/healthz"))[0] == 200
    assert (await site.post(delivery(), token="forged"))[0] == 401
    site.intake.commit.set()
    assert (await first)[0] == 200


async def test_answers_are_counted(site):
    await site.post(delivery(FIRING, FIRING | {"fingerprint": "1" * 16}))
    await site.post(b"garbage")
    await site.post(delivery(), token="forged")
    lines = await site.scrape()
    assert 'failsoft_webhook_requests_total{code="200"} 1.0' in lines
    assert 'failsoft_webhook_requests_total{code="400"} 1.0' in lines
    assert 'failsoft_webhook_requests_total{code="401"} 1.0' in lines
    assert 'failsoft_webhook_requests_total{code="503"} 0.0' in lines
    assert "failsoft_webhook_alerts_total 2.0" in lines
    assert "failsoft_webhook_duration_seconds_count 1.0" in lines
