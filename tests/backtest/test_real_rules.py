"""A real Prometheus evaluates the compiled rules while things happen; afterwards a backtest of it says the same."""

import json
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from failsoft.alerts import compile_workspace
from failsoft.cli import root
from failsoft.clients.prometheus import PrometheusClient
from failsoft.workspace.load import load

from .conftest import WORKSPACE

PULSE = 5
APART = 0.5
"""How far the moments are apart at which the real alerts are looked at."""

SLO = """
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 90%, period: 30m}
---
kind: AlertWindows
metadata: {name: lab}
spec:
  period: 30m
  keepFiringFor: 10s
  tiers:
    - {name: page-fast, severity: page, budget: 2%, short: 5s, long: 20s}
    - {name: ticket-slow, severity: ticket, budget: 2%, short: 10s, long: 40s}
"""
CONFIG = """
global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 5s}
rule_files: ["RULES"]
scrape_configs:
- job_name: vllm
  static_configs: [{targets: ["TARGET"]}]
"""
HEALTHY, FAILING, AFTER = 25, 15, 40
"""Seconds."""


class Exporter(ThreadingHTTPServer):
    """A hundred requests a second, of which six of ten are slow for a while."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.begin = time.monotonic()

    def page(self):
        for_ = time.monotonic() - self.begin
        total = int(100 * for_)
        slow = int(60 * min(max(0.0, for_ - HEALTHY), FAILING))
        name, labels = "vllm:time_to_first_token_seconds", 'model_name="chat-70b"'
        lines = [f"# TYPE {name} histogram", f'{name}_bucket{{{labels},le="0.5"}} {1000 + total - slow}']
        lines += [f'{name}_bucket{{{labels},le="+Inf"}} {1000 + total}', f"{name}_sum{{{labels}}} 1"]
        return "\n".join([*lines, f"{name}_count{{{labels}}} {1000 + total}", ""]).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.page()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def exporter():
    with Exporter() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def fired(url, begin, end):
    """When each tier of the real rules fired first, and when it no longer did."""
    client = PrometheusClient(url, timeout=20)
    found = client.query_range('ALERTS{alertstate="firing"}', start=begin, end=end, step=APART)
    client.close()
    return {one.labels["burn_tier"]: (one.points[0][0], one.points[-1][0] + APART) for one in found}


@pytest.mark.slow
@pytest.mark.parametrize("which", ["oldest", pytest.param("newest", marks=pytest.mark.newest_prometheus)])
def test_a_backtest_says_when_the_real_rules_fired(which, request, workspace, exporter, prometheus_server, tmp_path):
    folder = workspace(SLO, base=WORKSPACE.replace("scrapeInterval: 15s", "scrapeInterval: 1s"))
    made, _ = compile_workspace(load(folder)[0], {}, tests=False)
    (tmp_path / "rules.yaml").write_text(made.files["rules/chat.yaml"])
    config = CONFIG.replace("RULES", str(tmp_path / "rules.yaml"))
    binary = request.getfixturevalue("newest_prometheus") if which == "newest" else None
    begin = time.time()
    url = prometheus_server(config.replace("TARGET", f"127.0.0.1:{exporter.server_port}"), binary=binary).url
    exporter.begin = time.monotonic()
    time.sleep(HEALTHY + FAILING + AFTER)  # things happen
    real = fired(url, begin, time.time())
    assert set(real) == {"page-fast", "ticket-slow"}

    words = ["backtest", str(folder), "--prometheus", url, "--since", "2m", "--cache", str(tmp_path / "kept")]
    ran = CliRunner().invoke(root, [*words, "--output", "json"])
    assert ran.exit_code == 0, ran.output
    (slo,) = json.loads(ran.stdout)["slos"]
    said = {
        alert["tier"]: tuple(datetime.fromisoformat(alert[end]).timestamp() for end in ("start", "end"))
        for alert in slo["alerts"]
    }
    assert set(said) == set(real)
    apart = {tier: [said[tier][end] - real[tier][end] for end in (0, 1)] for tier in real}
    assert all(abs(late) <= PULSE + APART for ends in apart.values() for late in ends), apart
