"""The process: it says where it is, keeps what it took, ends in good order, and refuses to start half."""

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from failsoft.cli import main
from failsoft.lab.parts import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"
SIGNAL = 'model="chat",monitor="output",signal="finish-reason"'
MONITOR = """
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: reference.json, signals: [finish-reason], every: 1s}
"""


def alert(fingerprint="aa", *, status="firing", starts="2026-11-21T03:01:00Z"):
    return {
        "status": status,
        "labels": {"alertname": "SLOBurns", "slo": "chat-ttft", "model": "chat", "severity": "page"},
        "annotations": {"summary": "Users of chat wait too long"},
        "startsAt": starts,
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
    }


async def test_it_takes_alerts_pages_ends_in_good_order_and_remembers(workspace, serve):
    folder = workspace("", MONITOR)
    shutil.copy(EXAMPLE / "drift" / "chat-output.json", folder / "reference.json")
    serving = await (await serve(folder)).ready()
    assert await serving.get("/readyz") == (200, "ok\n")
    await serving.until(f'failsoft_drift_verdict{{{SIGNAL},verdict="failed"}}', 1)
    assert await serving.value(f'failsoft_drift_score{{{SIGNAL},statistic="psi"}}') is None, "Prometheus is away"
    await serving.takes(alert(), alert("bb"))
    page = await serving.line()
    assert (page["page"], page["source"]) == ("trigger", "chat")
    assert await serving.value('failsoft_incidents{state="open"}') == 1
    assert await serving.value("failsoft_workers") == 1
    assert await serving.value("failsoft_heartbeat_timestamp_seconds") > 1.7e9
    assert await serving.value("failsoft_slack_connected") is None
    assert await serving.stop() == 0
    database = folder / ".failsoft" / "failsoft.sqlite"
    with sqlite3.connect(database) as connection:
        assert connection.execute("select count(*) from leases").fetchone() == (0,), "the lease was given back"
    connection.close()
    assert oct((folder / ".failsoft").stat().st_mode)[-2:] == "00"

    again = await (await serve(folder)).ready()
    await again.takes(alert())
    assert await again.value('failsoft_incidents{state="open"}') == 1, "the same episode opens nothing"
    await again.takes(alert(status="resolved"), alert("bb", status="resolved"))
    page = await again.line()
    assert page["page"] == "resolve"
    assert await again.stop() == 0


async def test_a_request_in_flight_at_sigterm_is_committed_and_answered(workspace, serve):
    serving = await (await serve(workspace())).ready()
    at = urlsplit(serving.url)
    body = json.dumps({"version": "4", "status": "firing", "alerts": [alert()]}).encode()
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(
        b"POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body[:20]
    )
    await writer.drain()
    # the server answers another request, so it has read ours
    await serving.get("/healthz")
    serving.terminate()
    async with asyncio.timeout(60):
        while True:
            try:
                _, other = await asyncio.open_connection(at.hostname, at.port)
                other.close()
                await other.wait_closed()
            except OSError:
                break
            await asyncio.sleep(0.02)
    writer.write(body[20:])
    await writer.drain()
    assert b" 200 " in await reader.readline()
    writer.close()
    assert await serving.ended() == 0


async def test_sigterm_before_the_database_is_there_ends_it_too(workspace, serve):
    serving = await serve(workspace(), "--database", f"postgresql://127.0.0.1:{free_port()}/none")
    await serving.logged("not ready")
    assert await serving.stop() == 0
    assert serving.log().count("not ready") == 1


async def test_a_locked_database_is_answered_503_in_time_and_nothing_is_lost(workspace, serve):
    folder = workspace()
    serving = await (await serve(folder)).ready()
    lock = sqlite3.connect(folder / ".failsoft" / "failsoft.sqlite", isolation_level=None)
    lock.execute("begin immediate")
    assert await serving.post(alert()) == 503
    await serving.logged("not committed within 1.6 s")
    lock.execute("rollback")
    lock.close()
    await serving.takes(alert())
    await serving.until('failsoft_incidents{state="open"}', 1)
    assert await serving.stop() == 0


def refused(folder, *options):
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(folder), "--port", "0", *options])
    return ended.value.code


@pytest.mark.parametrize(
    ("more", "options", "told"),
    [
        ("", ("--host", "203.0.113.1"), "cannot listen"),
        ("", ("--database", "mysql://x/y"), "sqlite:///"),
        ("  slack: {botToken: {env: FS_NONE_A}, appToken: {env: FS_NONE_B}}", (), "FS_NONE_A"),
        ("  kubernetes: {kubeconfig: nowhere.yaml}", (), "nowhere.yaml"),
    ],
)
def test_what_cannot_work_is_said_at_the_start(workspace, capsys, more, options, told):
    assert refused(workspace(more), *options) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert "Traceback" not in said.err
    assert not said.out


def test_a_webhook_without_a_secret_is_served_on_loopback_only(workspace, capsys):
    path = workspace() / "failsoft.yaml"
    path.write_text(path.read_text().replace("webhookSecret: {file: webhook-secret}, ", ""))
    assert refused(path.parent, "--host", "0.0.0.0") == 2  # noqa: S104
    assert "webhookSecret" in capsys.readouterr().err


def test_a_secret_that_is_missing_is_said_at_the_start(workspace, capsys):
    folder = workspace()
    (folder / "webhook-secret").unlink()
    assert refused(folder) == 2
    assert "webhook-secret" in capsys.readouterr().err


def test_a_workspace_with_errors_is_not_served(workspace, capsys):
    assert refused(workspace("  typo: 1")) == 1
    assert "typo" in capsys.readouterr().err
