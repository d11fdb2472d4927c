"""`failsoft serve` as a process of its own, on a workspace that a test writes."""

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.testing.kubernetes import FakeKubernetes, deployment, namespace

TOKEN = "s3cret"

WORKSPACE = """
kind: Workspace
metadata: {name: w}
spec:
  prometheus: {url: "http://127.0.0.1:1"}
  server: {webhookSecret: {file: webhook-secret}, lease: 2s}
  # more
---
kind: Team
metadata: {name: assistants}
spec:
  slack: "#incidents"
  pager: {stdout: {}}
  people: [{name: ana, slack: U0ONCALL}, {name: ben, slack: U0OTHER}]
  oncall: [ana]
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {model_name: chat}, owner: assistants, workload: {deployment: prod/chat-70b}}
---
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30d}
"""

# For `# more`, and what is asked of a cluster and told by Alertmanager.
SLACK = "  slack: {botToken: {env: FS_BOT}, appToken: {env: FS_APP}, baseUrl: URL}"
DEPLOYMENT = Ref("Deployment", "chat-70b", "prod")
ALERT = {
    "status": "firing",
    "labels": {"alertname": "SLOBurns", "slo": "chat-ttft", "model": "chat", "severity": "page"},
    "annotations": {"summary": "Users of chat wait too long"},
    "startsAt": "2026-11-21T03:01:00Z",
    "fingerprint": "aa",
}


@dataclass
class Serving:
    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    log_file: Path
    url: str = ""
    lines: list = field(default_factory=list)

    async def line(self, within=90):
        async with asyncio.timeout(within):
            raw = await self.process.stdout.readline()
        assert raw, "it ended without a line"
        self.lines.append(json.loads(raw))
        return self.lines[-1]

    async def ready(self):
        said = await self.line()
        assert said["ready"]
        assert said["pid"] == self.process.pid
        self.url = said["url"]
        return self

    async def post(self, *alerts):
        """What it answers to a delivery, within the patience of Alertmanager."""
        body = {"version": "4", "status": "firing", "receiver": "failsoft", "alerts": list(alerts)}
        async with self.session.post(
            f"{self.url}/webhook/alertmanager",
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=aiohttp.ClientTimeout(10),
        ) as answer:
            await answer.read()
            return answer.status

    async def takes(self, *alerts):
        """Deliver as Alertmanager does: again after every 503, which a machine with much to do may bring."""
        async with asyncio.timeout(60):
            while (status := await self.post(*alerts)) == 503:  # noqa: ASYNC110  # another process acts
                await asyncio.sleep(0.1)
        assert status == 200

    async def get(self, path):
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def value(self, series):
        for line in (await self.get("/metrics"))[1].splitlines():
            if line.startswith(series + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    async def until(self, series, expected, within=60):
        async with asyncio.timeout(within):
            while await self.value(series) != expected:  # noqa: ASYNC110  # another process acts
                await asyncio.sleep(0.05)

    def log(self):
        return self.log_file.read_text()

    async def logged(self, text, within=60):
        async with asyncio.timeout(within):
            while text not in self.log():  # noqa: ASYNC110  # another process acts
                await asyncio.sleep(0.05)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, within=60):
        async with asyncio.timeout(within):
            return await self.process.wait()

    async def stop(self):
        self.terminate()
        return await self.ended()


@pytest.fixture
def kubernetes():
    with FakeKubernetes() as fake:
        fake.load([namespace("prod"), deployment("chat-70b", "prod", replicas=2, gpus=0)])
        fake.forget_requests()
        yield fake


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()

    def write(more="", *documents):
        text = WORKSPACE.replace("  # more", more)
        (folder / "failsoft.yaml").write_text("---\n".join([text, *documents]))
        (folder / "webhook-secret").write_text(TOKEN + "\n")
        return folder

    return write


@pytest.fixture
async def serve(tmp_path):
    """Starts `failsoft serve WORKSPACE OPTIONS`; what is left at the end is killed, and what it wrote is shown."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        started = []

        async def start(folder, *options, environment=None):
            log = (tmp_path / f"serve-{len(started)}.log").open("w+")
            stack.callback(log.close)
            argv = [sys.executable, "-m", "failsoft", "serve", str(folder), "--port", "0", *options]
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "KUBECONFIG": "/nowhere"} | (environment or {}),
            )
            started.append((child, log))
            return Serving(child, session, Path(log.name))

        yield start
        for child, log in started:
            if child.returncode is None:
                child.kill()
                await child.wait()
            log.seek(0)
            sys.stdout.write(log.read()[-4000:])
