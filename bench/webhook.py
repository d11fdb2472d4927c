"""How soon `failsoft serve` acknowledges alerts that are durable: 100 a second for 10 s on SQLite, then SIGKILL.

Open loop: each delivery has its time, and its wait counts from then, so that a slow answer does not hide the next one.
Each carries one new alert. A storm: all are of 2 models, whose incidents are opened and runbooks run meanwhile. A
landslide: of 20 models, whose 20 incidents are opened and runbooks started within the first fifth of a second.
"""

import asyncio
import json
import math
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import aiohttp

from bench.rows import Row
from failsoft.runbooks.store.engine import open_engine

_RATE = 100
_SECONDS = 10
_STORM, _LANDSLIDE = 2, 20
_FULL = 2
_OK, _AGAIN = 200, 503
_PAUSE = 0.1
_SECRET = "bench"  # noqa: S105  # of a server on loopback


def run() -> list[Row]:
    """The 99th percentile, the median and the worst; and what was acknowledged and is not there."""
    waits, lost = _measured(_STORM)
    what = f"webhook, {_RATE} alerts/s for {_SECONDS} s on SQLite (synchronous FULL), durable acknowledgement"
    rows = [
        Row(f"{what}, p99", _quantile(waits, 0.99), "ms", 50),
        Row(f"{what}, median", _quantile(waits, 0.5), "ms"),
        Row(f"{what}, worst", waits[-1] * 1000, "ms"),
        Row("acknowledged alerts that SIGKILL lost", lost, "alerts", 0),
    ]
    waits, lost = _measured(_LANDSLIDE)
    return [
        *rows,
        Row(f"the same with {_LANDSLIDE} incidents at once, p99", _quantile(waits, 0.99), "ms"),
        Row(f"the same with {_LANDSLIDE} incidents at once, lost", lost, "alerts", 0),
    ]


def _quantile(waits: list[float], share: float) -> float:
    return waits[math.ceil(len(waits) * share) - 1] * 1000


def _measured(models: int) -> tuple[list[float], int]:
    """The waits in seconds, sorted, and how many of the acknowledged alerts are not in the database."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        root = Path(folder)
        _write_workspace(root, models)
        argv = [sys.executable, "-m", "failsoft", "serve", str(root), "--port", "0", "--log-level", "warning"]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            url = json.loads(process.stdout.readline())["url"] if process.stdout else ""
            waits = asyncio.run(_load(url, models))
        finally:
            process.kill()
            process.communicate()
        kept = _episodes(root / ".failsoft" / "failsoft.sqlite")
    return sorted(waits), len(waits) - kept


def _write_workspace(root: Path, models: int) -> None:
    (root / "secret").write_text(_SECRET, encoding="utf-8")
    documents = [
        (
            "kind: Workspace\nmetadata: {name: bench}\nspec:\n"
            '  prometheus: {url: "http://127.0.0.1:1"}\n  server: {webhookSecret: {file: secret}}\n'
        ),
        "kind: Team\nmetadata: {name: sre}\nspec: {slack: '#sre', pager: {stdout: {}}, people: [{name: ana}]}\n",
        (
            "kind: Runbook\nmetadata: {name: look}\nspec:\n  answers: {failureModes: [latency-degraded]}\n"
            "  steps: [{notify: {text: hello}}, {page: {}}]\n"
        ),
    ]
    for index in range(models):
        documents += [
            (
                f"kind: Model\nmetadata: {{name: m{index}}}\n"
                f"spec: {{engine: vllm, select: {{model_name: m{index}}}, owner: sre}}\n"
            ),
            (
                f"kind: SLO\nmetadata: {{name: s{index}}}\n"
                f"spec: {{model: m{index}, indicator: {{ttft: {{below: 500ms}}}}, objective: 99%}}\n"
            ),
        ]
    (root / "failsoft.yaml").write_text("---\n".join(documents), encoding="utf-8")


async def _load(url: str, models: int) -> list[float]:
    """The wait of each until it was acknowledged, in seconds."""
    loop = asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {_SECRET}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=50)) as session:
        await _send(session, url, models, -1, loop.time())  # connects; its alert is not counted
        start = loop.time() + 0.1
        sent = [
            asyncio.create_task(_send(session, url, models, number, start + number / _RATE))
            for number in range(_RATE * _SECONDS)
        ]
        return await asyncio.gather(*sent)


async def _send(session: aiohttp.ClientSession, url: str, models: int, number: int, at: float) -> float:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, at - loop.time()))
    model = number % models
    alert = {
        "status": "firing",
        "labels": {"alertname": "FailsoftSLOBurn", "slo": f"s{model}", "model": f"m{model}", "severity": "page"},
        "annotations": {"summary": "Users wait too long for the first token", "description": "x" * 300},
        "startsAt": "2026-11-21T03:01:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph",
        "fingerprint": f"{number & 0xFFFFFFFF:016x}",
    }
    body = {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "failsoft", "alerts": [alert]}
    while True:  # as Alertmanager does: again after 503, and the wait goes on
        async with session.post(f"{url}/webhook/alertmanager", json=body) as answer:
            await answer.read()
            if answer.status == _OK:
                return loop.time() - at
            assert answer.status == _AGAIN, answer.status
        await asyncio.sleep(_PAUSE)


def _episodes(database: Path) -> int:
    """The counted alerts that the database holds."""
    engine = open_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == _FULL
    engine.dispose()
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM episodes").fetchone()
    return int(count) - 1  # the one that only connected
