"""A day of two replicas as a Prometheus would have scraped it, with everything in it that happens to servers."""

import contextlib
import json
import random
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from failsoft.alerts import compile_workspace
from failsoft.clients.binaries import run_tool
from failsoft.workspace.load import load

SCRAPE = 15
BEGIN = 1_700_006_400
"""A midnight of UTC, so that steps of a promtool test, which begin at 0, lie as those of the server."""

BOUNDS = ("0.25", "0.5", "0.75", "1.0")

WORKSPACE = """
kind: Workspace
metadata: {name: test}
spec:
  prometheus: {url: "http://prometheus:9090", scrapeInterval: 15s}
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/failsoft/webhook}}
---
kind: Team
metadata: {name: assistants}
spec: {slack: "#assistants", pager: {stdout: {}}, people: [{name: ana, slack: U0ANA}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
"""
TTFT = """
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 1d}
"""


class Replica:
    """One replica's TTFT histogram, scrape by scrape: None where a scrape, or a series, is missing."""

    def __init__(self, name, seed=0):
        self.name = name
        self.draw = random.Random(seed)
        self.counts = dict.fromkeys((*BOUNDS, "+Inf"), 0)
        self.scrapes = []

    def runs(self, scrapes, *, rate, bad=0.0, missed=False, without=(), nan=False):
        """So many scrapes, with about so many requests in each, of which a share took 0.6 s."""
        for _ in range(scrapes):
            for _ in range(rate):
                took = "0.75" if self.draw.random() < bad else self.draw.choice(("0.25", "0.5"))
                for bound in (*BOUNDS, "+Inf"):
                    self.counts[bound] += bound == "+Inf" or float(bound) >= float(took)
            seen = {
                bound: None if missed or bound in without else "NaN" if nan else count
                for bound, count in self.counts.items()
            }
            self.scrapes.append(seen)
        return self

    def absent(self, scrapes):
        """Not there at all."""
        self.scrapes += [dict.fromkeys(self.counts)] * scrapes
        return self

    def restarts(self):
        """Its counters begin anew."""
        self.counts = dict.fromkeys(self.counts, 0)
        return self

    def series(self):
        """Its series, and the value of each at each scrape."""
        labels = f'job="vllm",model_name="chat-70b",instance="{self.name}"'
        name = "vllm:time_to_first_token_seconds"
        for bound in (*BOUNDS, "+Inf"):
            yield f'{name}_bucket{{{labels},le="{bound}"}}', [scrape[bound] for scrape in self.scrapes]
        yield f"{name}_count{{{labels}}}", [scrape["+Inf"] for scrape in self.scrapes]


class Steady(ThreadingHTTPServer):
    """A server of range queries: ten good events in each step. It answers a greeting at once, unless it `hangs`; the
    first ones it is `busy`.

    `admits` lets so many answers through; `says` is what it answers instead, a status and a body;
    after so many questions as `goes_after` it answers that it cannot.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked = []
        self.says = None
        self.goes_after = None
        self.greeted, self.busy, self.hangs = 0, 0, False
        self.admits = threading.Semaphore(0)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        if path == "/api/v1/query":
            self.server.greeted += 1
            if self.server.hangs:
                self.server.admits.acquire()
            if self.server.greeted <= self.server.busy:
                return self.answers(503, "")
            greeted = {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}
            return self.answers(200, json.dumps({"status": "success", "data": greeted}))
        self.server.asked.append((asked["query"], asked["start"]))
        self.server.admits.acquire()
        start, end, step = (float(asked[name]) for name in ("start", "end", "step"))
        times = [start + index * step for index in range(round((end - start) / step) + 1)]
        found = [
            {"metric": {"failsoft_part": part}, "values": [[at, value] for at in times]}
            for part, value in (("bad", "0"), ("total", "10"))
        ]
        answer = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": found}})
        status, answer = self.server.says or (200, answer)
        if self.server.goes_after is not None and len(self.server.asked) > self.server.goes_after:
            status, answer = 502, "gone"
        return self.answers(status, answer)

    def answers(self, status, answer):
        with contextlib.suppress(OSError):  # of those that were killed
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def steady():
    with Steady() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.admits.release(1000)
        server.shutdown()


def series_of(*replicas):
    """The series of all of them."""
    return {name: values for replica in replicas for name, values in replica.series()}


@pytest.fixture
def workspace(tmp_path):
    """Writes a workspace, and hands back its folder: `workspace(TTFT)`."""

    def write(*documents, base=WORKSPACE):
        root = tmp_path / "workspace"
        root.mkdir(exist_ok=True)
        (root / "reference.json").write_text("{}")
        (root / "failsoft.yaml").write_text("---\n".join([base.lstrip(), *(one.lstrip() for one in documents)]))
        _, findings = load(root)
        assert not [finding for finding in findings if finding.severity == "error"], findings
        return root

    return write


@pytest.fixture
def server_of(prometheus_server, promtool, tmp_path):
    """Starts a Prometheus that holds series: `server_of({'up{job="a"}': [1, None, 0]})` gives its address."""

    def start(series, begin=BEGIN, every=SCRAPE):
        kinds = "".join(f"# TYPE {name} unknown\n" for name in sorted({name.partition("{")[0] for name in series}))
        lines = [
            f"{name} {value} {begin + index * every}"
            for name in sorted(series)
            for index, value in enumerate(series[name])
            if value is not None
        ]
        text = tmp_path / "history.om"
        text.write_text(kinds + "\n".join(lines) + "\n# EOF\n")
        data = tmp_path / "data"
        made = run_tool([promtool, "tsdb", "create-blocks-from", "openmetrics", text, data])
        assert made.ok, made.stderr
        return prometheus_server("global: {}", flags={"storage.tsdb.path": str(data)}).url

    return start


@pytest.fixture
def rules_say(promtool, tmp_path):
    """Whether the compiled rules of a workspace do what `expected` says at each step, as promtool evaluates them.

    Each tier, or `tier/group`, has a state for each step; `also` are expressions that are 1 at the end.
    """

    def judge(root: Path, series, step, expected, also=(), every=SCRAPE):
        loaded, _ = load(root)
        made, _ = compile_workspace(loaded, {}, tests=False)
        (tmp_path / "rules.yaml").write_text(made.files["rules/chat.yaml"])
        checks = [(expression, len(states) - 1, 1) for expression in also for states in [next(iter(expected.values()))]]
        for name, states in expected.items():
            tier, _, group = name.partition("/")
            alert = f'ALERTS{{burn_tier="{tier}",group="{group}",alertstate="firing"}}'
            # at both sides of every change, and how often in all: nothing else is left to be different
            changes = [index for index, (one, other) in enumerate(pairwise(states)) if one != other]
            sides = sorted({side for change in changes for side in (change, change + 1)})
            checks += [(f"count({alert})", index, 1 if states[index] else None) for index in sides]
            whole = f"sum(count_over_time({alert}[{len(states) * step}s]))"
            checks.append((whole, len(states) - 1, sum(states) or None))
        asked = [
            {
                "expr": expression,
                "eval_time": f"{index * step}s",
                "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
            }
            for expression, index, value in checks
        ]
        inputs = [
            {"series": name, "values": " ".join("_" if value is None else str(value) for value in values)}
            for name, values in series.items()
        ]
        test = {"interval": f"{every}s", "input_series": inputs, "promql_expr_test": asked}
        whole = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{step}s", "tests": [test]}
        (tmp_path / "rules.test.yaml").write_text(yaml.safe_dump(whole))
        return run_tool([promtool, "test", "rules", "rules.test.yaml"], cwd=tmp_path)

    return judge
