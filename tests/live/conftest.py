"""Workspaces that are measured, servers that answer what a test says, and a target to scrape."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from failsoft.cli.compile import compiled
from failsoft.live import judge, subject_of
from failsoft.live.model import Answers

# Beside the documents that every workspace begins with.
MORE = """
kind: AlertWindows
metadata: {name: lab}
spec: {period: 30m, tiers: [{name: page, severity: page, budget: 10%, short: 5s, long: 1m}]}
---
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30m}
---
kind: SLO
metadata: {name: chat-answers}
spec: {model: chat, indicator: {availability: {}}, objective: 99%, period: 30m}
---
kind: Runbook
metadata: {name: chat-look}
spec: {answers: {models: [chat]}, steps: [{inspect: {}}]}
"""

METRICS = """
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{model_name="chat-70b",le="0.25"} 5
vllm:time_to_first_token_seconds_bucket{model_name="chat-70b",le="0.5"} 9
vllm:time_to_first_token_seconds_bucket{model_name="chat-70b",le="+Inf"} 10
vllm:time_to_first_token_seconds_count{model_name="chat-70b"} 10
vllm:time_to_first_token_seconds_sum{model_name="chat-70b"} 3
# TYPE http_requests_total counter
http_requests_total{handler="/v1/completions",method="POST",status="2xx"} 10
"""


@pytest.fixture(scope="session")
def asked_in(write, base):
    """What a workspace written in a folder asks: `asked_in(folder, ("text", "other text"), ...)`."""

    def subject(folder, *changes):
        text = f"{base}---{MORE}".replace("15s", "1s").replace("job: vllm,", "job: vllm-chat,")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        workspace = write(folder, base=text).workspace
        return subject_of(workspace, compiled(workspace, tests=False)[0])

    return subject


@pytest.fixture
def asked(tmp_path, asked_in):
    """The same in the test's own folder: `asked()`, or `asked(("text", "other text"), ...)`."""
    return lambda *changes: asked_in(tmp_path, *changes)


@pytest.fixture
def told(asked):
    """The findings about answers: `told({"retention": 1000}, ...)`, as (code, message) pairs."""

    def found(answers, *changes):
        subject = asked(*changes)
        held = Answers("http://p:9090", **(answers(subject) if callable(answers) else answers))
        return [(finding.code.id, finding.message, finding.hint) for finding in judge(subject, held)]

    return found


@pytest.fixture(scope="module")
def target():
    """A target that can be scraped; `body` is what it exports."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            text = held.body.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            with suppress(ConnectionError):  # a server that is told to stop does not wait for its scrape
                self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held = SimpleNamespace(body=METRICS, address=f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield held
    server.shutdown()
    server.server_close()
    thread.join(5)
