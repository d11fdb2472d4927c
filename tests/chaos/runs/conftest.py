"""A Prometheus over a real socket that answers what a test makes the service look like, and its workspace."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest

from failsoft.chaos.clock import SystemClock
from failsoft.chaos.run import Company, Finished, Options, Refused, new_run, run
from failsoft.chaos.situation import Surroundings
from failsoft.clients.prometheus import PrometheusClient
from failsoft.workspace import Workspace
from failsoft.workspace.load import load

type Answer = list[tuple[dict[str, str], float]]


@dataclass
class FakePrometheus:
    """Each attribute is what one kind of question is answered with, as a function of the time asked about.

    None is no data; `status` other than 200 breaks every answer, `hangs` lets it wait.
    """

    ratio: Callable[[str, float], float | None] = lambda slo, at: 0.0
    remaining: Callable[[str, float], float | None] = lambda slo, at: 0.9
    spent: Callable[[str, float], float | None] = lambda slo, at: 0.01
    alerts: Callable[[float], list[dict[str, str]]] = lambda at: []
    up: Callable[[float], bool] = lambda at: True
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                fake._answer(self, url.path, {key: values[0] for key, values in parse_qs(url.query).items()})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fake._answer(self, urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(body).items()})

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, handler: BaseHTTPRequestHandler, path: str, params: dict[str, str]) -> None:
        expression = params.get("query", "")
        self.asked.append(expression)
        if self.status != 200:
            body: Any = {"status": "error", "errorType": "internal", "error": "broken on purpose"}
        elif path.endswith("/query_range"):
            body = self._range(expression, float(params["start"]), float(params["end"]), float(params["step"]))
        else:
            at = float(params.get("time", time.time()))
            result = [{"metric": m, "value": [at, str(v)]} for m, v in self._evaluate(expression, at)]
            body = {"status": "success", "data": {"resultType": "vector", "result": result}}
        raw = json.dumps(body).encode()
        handler.send_response(self.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _range(self, expression: str, start: float, end: float, step: float) -> Any:
        series: dict[str, Any] = {}
        at = start
        while at <= end:
            for metric, value in self._evaluate(expression, at):
                key = json.dumps(metric, sort_keys=True)
                series.setdefault(key, {"metric": metric, "values": []})["values"].append([at, str(value)])
            at += step
        return {"status": "success", "data": {"resultType": "matrix", "result": list(series.values())}}

    def _evaluate(self, expression: str, at: float) -> Answer:
        if expression.startswith("ALERTS"):
            found = [labels | {"alertstate": "firing"} for labels in self.alerts(at)]
            if 'severity="page"' in expression:
                found = [labels for labels in found if labels.get("severity") == "page"]
            return [({"__name__": "ALERTS"} | labels, 1.0) for labels in found]
        if expression.startswith("count(count_over_time(up"):
            return [({}, 1.0)] if self.up(at) else []
        slo = "chat-ttft" if "time_to_first_token" in expression or "chat-ttft" in expression else "chat-availability"
        if "budget_remaining" in expression:
            value = self.remaining(slo, at)
        elif "slo_events_total" in expression:
            value = self.spent(slo, at)
        else:
            value = self.ratio(slo, at)
        return [] if value is None else [({}, value)]


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    """A Prometheus that sees a healthy service."""
    with FakePrometheus() as server:
        yield server


WORKSPACE = """
kind: Workspace
metadata: {{name: chaos}}
spec:
  prometheus: {{url: "{url}", scrapeInterval: 1s}}
  kubernetes: {{kubeconfig: "{kubeconfig}"}}
---
kind: Team
metadata: {{name: assistants}}
spec: {{slack: "#assistants", pager: {{stdout: {{}}}}, people: [{{name: ana}}]}}
---
kind: Model
metadata: {{name: chat}}
spec:
  engine: vllm
  select: {{job: chat, model_name: chat}}
  workload: {{deployment: {namespace}/chat}}
  owner: assistants
---
kind: SLO
metadata: {{name: chat-ttft}}
spec: {{model: chat, indicator: {{ttft: {{below: 500ms}}}}, objective: 99%, period: 30d}}
---
kind: SLO
metadata: {{name: chat-availability}}
spec: {{model: chat, indicator: {{availability: {{}}}}, objective: 99%, period: 30d}}
---
kind: Runbook
metadata: {{name: shift}}
spec: {{answers: {{slos: [chat-ttft, chat-availability]}}, steps: [{{inspect: {{}}}}]}}
---
kind: Experiment
metadata: {{name: chat-spot-reclaim}}
spec:
  fault: {{spotReclaim: {{model: chat, nodes: 1, notice: {notice}, hold: {hold}}}}}
  abort: {{errorRatio: 90%, window: 2s}}
  observe: 10s
  expect: {expect}
"""


@dataclass
class Stage:
    """A world with a workspace about it, and what the service did since the fault."""

    world: Any
    prometheus: FakePrometheus
    root: Path

    def write(self, *, notice: str = "1s", hold: str = "1s", expect: str = "{recovered: {within: 10s}}") -> None:
        text = WORKSPACE.format(
            url=self.prometheus.url,
            kubeconfig=self.world.kubeconfig,
            namespace=self.world.where,
            notice=notice,
            hold=hold,
            expect=expect,
        )
        (self.root / "workspace.yaml").write_text(text, encoding="utf-8")

    def load(self) -> Workspace:
        workspace, findings = load(self.root)
        assert [finding.message for finding in findings if finding.severity == "error"] == []
        return workspace

    def around(self) -> Surroundings:
        client = PrometheusClient(self.prometheus.url, timeout=2.0)
        return Surroundings(self.load(), self.world.cluster, client, SystemClock())

    def run(self, company: Company | None = None, **options: Any) -> Refused | Finished:
        """The experiment, here."""
        around = self.around()
        document = around.workspace.experiments["chat-spot-reclaim"]
        chosen = Options(
            run=new_run(around.clock.now()),
            folder=self.root / "out",
            requester="ana",
            prometheus={"url": self.prometheus.url},
            kubeconfig=str(self.world.kubeconfig),
            **options,
        )
        return run(around, document, chosen, company or Company())

    def command(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        """`failsoft chaos ...` as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "failsoft", "chaos", *arguments], stdout=-1, stderr=-1, text=True, **options
        )

    def lost(self) -> bool:
        """Whether a node is away now."""
        return any(spec["mark"] for spec in self.world.specs().values())

    def await_loss(self) -> None:
        self.world.eventually(self.lost)

    def children(self) -> list[int]:
        """The Chaos Toolkit processes of this stage."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str(self.root).encode() in (entry / "cmdline").read_bytes():
                    command = (entry / "cmdline").read_bytes()
                    if b"chaostoolkit" in command:
                        found.append(int(entry.name))
        return found


def _stage(world: Any, prometheus: FakePrometheus, folder: Path) -> Stage:
    world.settle()
    world.protect(maxUnavailable=1)
    made = Stage(world, prometheus, folder)
    made.write()
    return made


@pytest.fixture
def stage(world: Any, prometheus: FakePrometheus, tmp_path: Path) -> Stage:
    """On the fake."""
    return _stage(world, prometheus, tmp_path)


@pytest.fixture
def real_stage(real_world: Any, prometheus: FakePrometheus, tmp_path: Path) -> Stage:
    """On a real control plane."""
    return _stage(real_world, prometheus, tmp_path)
