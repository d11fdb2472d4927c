"""From Prometheus' history to an alert in Prometheus: learnt, calibrated, judged by the loop, told by the drift SLO."""

import asyncio
import time
from contextlib import contextmanager
from wsgiref.simple_server import make_server

import numpy as np
import pytest
import requests
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, make_wsgi_app, start_http_server

from failsoft.cli import root
from failsoft.clients.binaries import run_tool
from failsoft.clients.prometheus import PrometheusClient
from failsoft.server.drift import DriftLoop
from failsoft.server.drift_board import DriftBoard
from failsoft.workspace.load import load

pytestmark = pytest.mark.slow

DAYS, STEP, ROWS = 12, 300, 60
BOUNDS = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000])
WORKSPACE = """
kind: Workspace
metadata: {name: t}
spec: {prometheus: {url: "URL", scrapeInterval: 1s}}
---
kind: Team
metadata: {name: team}
spec: {slack: "#t", pager: {stdout: {}}, people: [{name: ann}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: "JOB", model_name: chat}, owner: team}
---
kind: DriftMonitor
metadata: {name: output}
spec:
  model: chat
  reference: drift/output.json
  signals: [prompt-length, output-length]
  window: 1h
  every: 1s
  staleAfter: 10s
  falsePagesPer30d: 1
---
kind: AlertWindows
metadata: {name: quick}
spec:
  period: 30m
  keepFiringFor: 5s
  tiers:
    - {name: fast, severity: page, budget: 2%, short: 5s, long: 10s}
    - {name: slow, severity: ticket, budget: 20%, short: 30s, long: 1m}
---
kind: SLO
metadata: {name: drift}
spec: {model: chat, indicator: {drift: {monitor: output, signal: output-length}}, objective: 99%, period: 30m}
"""


def history(now):
    """Cumulative buckets of two jobs: `well` wanders by chance, in `changed` all is longer in the last hour."""
    draw = np.random.default_rng(5)
    count = DAYS * 86_400 // STEP
    for job in ("well", "changed"):
        late = np.arange(count + 1) > count - 3600 // STEP if job == "changed" else np.zeros(count + 1, bool)
        for family, mean in (("vllm:request_prompt_tokens", 5.0), ("vllm:request_generation_tokens", 4.5)):
            values = draw.lognormal(mean + 0.4 * late[:, None], 0.8, size=(count + 1, ROWS))
            for bound in (*BOUNDS, np.inf):
                total = np.cumsum((values <= bound).sum(axis=1))
                le = "+Inf" if bound == np.inf else f"{bound}"
                labels = f'job="{job}",model_name="chat",engine="0",le="{le}"'
                for at, value in enumerate(total.tolist()):
                    yield f"{family}_bucket{{{labels}}} {value} {now - (count - at) * STEP}"


def workspace(folder, url, job):
    folder.mkdir(exist_ok=True)
    (folder / "failsoft.yaml").write_text(WORKSPACE.replace("URL", url).replace("JOB", job))
    return folder


@contextmanager
def exported(board, port):
    registry = CollectorRegistry()
    registry.register(board)
    server, thread = start_http_server(port, "127.0.0.1", registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port():
    with make_server("127.0.0.1", 0, make_wsgi_app()) as server:
        return server.server_port


async def until(told, loop, monitor):
    """Evaluate once a second until it is told, for a minute at most."""
    async with asyncio.timeout(60):
        while not (found := await asyncio.to_thread(told)):
            started = time.monotonic()
            await loop.evaluate(monitor)
            await asyncio.sleep(max(0.0, started + 1 - time.monotonic()))
    return found


@pytest.fixture
def lab(tmp_path, prometheus_server, promtool):
    """A Prometheus with twelve days of history that loads the compiled rules, and scrapes where the board will be."""
    text = tmp_path / "history.om"
    lines = "\n".join(history(int(time.time())))
    families = "".join(f"# TYPE vllm:request_{one}_tokens_bucket unknown\n" for one in ("prompt", "generation"))
    text.write_text(f"{families}{lines}\n# EOF\n")
    data, rules, port = tmp_path / "data", tmp_path / "compiled", free_port()
    made = run_tool([str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)], timeout=120)
    assert made.ok, made.stderr
    here = workspace(tmp_path / "ws", "http://127.0.0.1:9", "changed")
    (here / "drift").mkdir()
    (here / "drift" / "output.json").touch()  # rules do not depend on what is learnt
    compiled = CliRunner().invoke(root, ["compile", str(here), "-o", str(rules)])
    assert compiled.exit_code == 0, compiled.output
    config = (
        f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{rules}/rules/*.yaml']\n"
        f"scrape_configs: [{{job_name: failsoft, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    flags = {"storage.tsdb.path": str(data), "storage.tsdb.retention.time": "60d"}
    return prometheus_server(config, flags=flags).url, port, tmp_path / "ws"


async def test_what_is_learnt_from_history_pages_for_a_change_and_says_that_the_prompts_changed_too(lab):
    url, port, folder = lab
    workspace(folder, url, "well")
    learned = CliRunner().invoke(root, ["drift", "learn", "output", str(folder), "--since", "11d"])
    assert learned.exit_code == 0, learned.output
    assert "Promised: at most 1 false page in 30 days." in learned.output
    assert (folder / "drift" / "output.alarms.json").is_file()
    client = PrometheusClient(url, timeout=20)

    def alerts():
        answer = requests.get(f"{url}/api/v1/alerts", timeout=10).json()
        firing = [one for one in answer["data"]["alerts"] if one["state"] == "firing"]
        return [one for one in firing if one["labels"]["alertname"].startswith("FailsoftSLOBurn")]

    board = DriftBoard()
    well, _ = load(folder)
    with exported(board, port):
        for _ in range(3):
            await DriftLoop(well, client, board).evaluate(well.monitors["output"])
        quiet = {sample.labels["verdict"]: sample.value for sample in verdicts(board)}
        assert quiet["in-tolerance"] == 1
        assert not alerts()
        workspace(folder, url, "changed")
        changed, _ = load(folder)
        loop = DriftLoop(changed, client, board)
        found = await until(alerts, loop, changed.monitors["output"])
    client.close()
    page = next(one for one in found if one["labels"]["severity"] == "page")
    assert page["labels"]["failure_mode"] == "model-degraded"
    assert "output-length of chat" in page["annotations"]["summary"]
    assert page["annotations"]["description"].endswith(
        "The input moved too: this may be a change of the prompts, not of the model."
    )


def verdicts(board):
    families = {family.name: family for family in board.collect()}
    return [one for one in families["failsoft_drift_verdict"].samples if one.labels["signal"] == "output-length"]
