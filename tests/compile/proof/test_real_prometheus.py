"""On a real Prometheus: every increment is recorded once, whatever the phase, and nothing recorded is NaN."""

import json
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from tests.protobuf import field, varint, zigzag

BURST = 100
BURSTS = 16
APART = 0.37
PHASES = 10
SLOW = 0.08
"""A scrape has the time of its begin and is there when it ended: an evaluation in between must not lose it."""

DOCUMENTS = """
kind: SLO
metadata: {name: NAME}
spec: {model: NAME, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30m}
---
kind: Model
metadata: {name: NAME}
spec: {engine: vllm, select: {job: vllm, model_name: SERIES}, owner: assistants}
"""
CONFIG = """
global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 2500ms}
rule_files: ["RULES/*.yaml"]
scrape_configs:
- job_name: vllm
  static_configs: [{targets: ["TARGET"]}]
"""
FORMS = {
    "classic": "",
    # a classic text, stored as histograms with custom buckets, beside the classic series
    "custom": "  convert_classic_histograms_to_nhcb: true\n  always_scrape_classic_histograms: true\n",
    "native": "  scrape_native_histograms: true\n  scrape_protocols: [PrometheusProto]\n",
}
TTFT = "vllm:time_to_first_token_seconds"
# What others record: the increase over one step, which does not know what came between two windows.
NAIVE = """\
  - record: naive:increase
    expr: sum(increase(vllm:time_to_first_token_seconds_count{model_name="busy"}[2500ms]))
    labels: {slo: NAME}
"""


PROTO = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"


class Exporter(ThreadingHTTPServer):
    """A busy model, whose requests come in bursts of 100, 20 of them slow; and an idle one."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.begin = None
        self.before = 0
        self.protobuf = False

    def start(self):
        self.before, self.begin = self.before + (BURSTS if self.begin else 0), time.monotonic()

    def counts(self):
        now = 0 if self.begin is None else min(BURSTS, int((time.monotonic() - self.begin) / APART))
        bursts = self.before + now
        total, good = 1_000_000 + bursts * BURST, 1_000_000 + bursts * BURST * 4 // 5
        return (("busy", total, good), ("idle", 7, 7))

    def page(self):
        lines = [f"# TYPE {TTFT} histogram"]
        for model, of_all, of_good in self.counts():
            labels = f'model_name="{model}"'
            lines += [f'{TTFT}_bucket{{le="0.5",{labels}}} {of_good}', f'{TTFT}_bucket{{le="+Inf",{labels}}} {of_all}']
            lines += [f"{TTFT}_sum{{{labels}}} 1", f"{TTFT}_count{{{labels}}} {of_all}"]
        return ("\n".join(lines) + "\n").encode()

    def proto(self):
        """The same as a native histogram of schema 0: good ones in (0.25, 0.5], bad ones in (1, 2]."""
        metrics = b""
        for model, of_all, of_good in self.counts():
            spans = field(12, field(1, zigzag(-1)) + field(2, 1)) + field(12, field(1, zigzag(1)) + field(2, 1))
            deltas = b"".join(field(13, zigzag(delta)) for delta in (of_good, of_all - 2 * of_good))
            histogram = field(1, of_all) + field(2, 1.0) + field(5, zigzag(0)) + field(6, 1e-9) + spans + deltas
            label = field(1, b"model_name") + field(2, model.encode())
            metrics += field(4, field(1, label) + field(7, histogram))
        family = field(1, TTFT.encode()) + field(3, 4) + metrics
        return varint(len(family)) + family


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        proto = self.server.protobuf and "protobuf" in self.headers.get("Accept", "")
        body = self.server.proto() if proto else self.server.page()
        time.sleep(SLOW)
        self.send_response(200)
        self.send_header("Content-Type", PROTO if proto else "text/plain; version=0.0.4")
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


@pytest.fixture
def form(request):
    """As what Prometheus stores the histogram."""
    return getattr(request, "param", "classic")


@pytest.fixture
def rules(written, base, lab_windows, tmp_path, form):
    """Ten SLOs on the same bursts, each in a group of its own phase; one on the idle model, one on none."""
    series = {f"phase-{index}": "busy" for index in range(PHASES)} | {"idle": "idle", "gone": "gone"}
    said = DOCUMENTS if form == "classic" else DOCUMENTS.replace("owner:", f"histograms: {form}, owner:")
    documents = [said.replace("NAME", name).replace("SERIES", of) for name, of in series.items()]
    written(*documents, lab_windows, base=base.replace("15s", "500ms")).output(tmp_path)
    for name in series:
        path = tmp_path / "rules" / f"{name}.yaml"
        head, record, rest = path.read_text().partition("  - record:")
        path.write_text(head + NAIVE.replace("NAME", name) + record + rest)
    return tmp_path / "rules"


@pytest.fixture(params=["oldest", pytest.param("newest", marks=[pytest.mark.newest_prometheus, pytest.mark.slow])])
def url(request, rules, exporter, prometheus_server, form):
    newest = request.param == "newest"
    exporter.protobuf = form == "native"
    config = CONFIG.replace("RULES", str(rules)).replace("TARGET", f"127.0.0.1:{exporter.server_port}")
    config += FORMS[form] if newest else ""
    binary = request.getfixturevalue("newest_prometheus") if newest else None
    flags = {"enable-feature": "native-histograms"} if form == "native" and not newest else {}
    return prometheus_server(config, binary=binary, flags=flags).url


def get(url, expression):
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}") as answer:
        return json.load(answer)["data"]["result"]


def ask(url, expression):
    return {sample["metric"].get("slo", ""): float(sample["value"][1]) for sample in get(url, expression)}


def until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def kept_pace(url, since):
    """Whether every scrape and every evaluation since then took place; a loaded machine leaves some out."""
    apart = {"up": 0.6, "failsoft:slo_events_total:increase": 2.6}
    for name, limit in apart.items():
        for series in get(url, f"{name}[5m]"):
            times = [at for at, _ in series["values"] if at >= since - 5]
            if any(later - earlier > limit for earlier, later in pairwise(times)):
                return False
    # an increment ends a fifth of a scrape ago: one that took longer than that is left out, as the docs say
    taken = [
        float(took)
        for series in get(url, "scrape_duration_seconds[5m]")
        for at, took in series["values"]
        if at >= since - 5
    ]
    return max(taken) < 0.1


def burst(url, exporter):
    """Sixteen bursts, and what was recorded of them, in bursts: by failsoft (all, bad) and naively, for each SLO."""
    totals = ("failsoft:slo_events_total:increase", "failsoft:slo_events_bad:increase", "naive:increase")
    sums = [f"sum by (slo) (sum_over_time({name}[5m]))" for name in totals]
    records = "count_over_time(failsoft:slo_events_total:increase[5m])"
    before = [ask(url, expression) for expression in sums]
    since = time.time()
    exporter.start()
    time.sleep(BURSTS * APART)
    seen = ask(url, records)
    until(lambda: all(count >= seen[slo] + 2 for slo, count in ask(url, records).items()), 40)
    after = [ask(url, expression) for expression in sums]
    recorded = [
        {slo: (value - first.get(slo, 0)) / BURST for slo, value in then.items()}
        for first, then in zip(before, after, strict=True)
    ]
    return recorded if kept_pace(url, since) else None


def test_bursts_at_every_phase_are_counted_once_and_nothing_is_nan(url, exporter):
    """16 bursts, 0.37 s apart, seen by scrapes of half a second and ten groups of 2.5 s, each at its own phase."""
    total, naive = counted_once(url, exporter)
    # the increase over one step, recorded once a step, loses what happens in between: the test can tell
    assert max(abs(naive[f"phase-{index}"] - BURSTS) for index in range(PHASES)) > 0.5
    assert total["idle"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("form", ["native"], indirect=True)
def test_bursts_in_a_native_histogram_are_counted_once(url, exporter):
    """The same, where one sample is a whole histogram."""
    counted_once(url, exporter)


@pytest.mark.slow
@pytest.mark.newest_prometheus
@pytest.mark.parametrize(("form", "url"), [("custom", "newest")], indirect=True)
def test_bursts_in_custom_buckets_are_counted_once(url, exporter):
    """The same, where Prometheus makes histograms with custom buckets of the classic ones."""
    counted_once(url, exporter)


def counted_once(url, exporter):
    """Hold what is recorded against what happened; all events and the naive count of them, in bursts, for each SLO."""
    records = "count_over_time(failsoft:slo_events_total:increase[5m])"
    until(lambda: len(ask(url, f"{records} >= 1")) == PHASES + 1, 40)
    total, bad, naive = next((found for found in (burst(url, exporter) for _ in range(3)) if found), (None,) * 3)
    if total is None:
        pytest.skip("this machine is too busy to scrape every half second")
    busy = [f"phase-{index}" for index in range(PHASES)]
    # scrapes come some milliseconds early or late, and increases are scaled by that
    assert [total[slo] for slo in busy] == pytest.approx([BURSTS] * PHASES, abs=0.2)
    assert [bad[slo] for slo in busy] == pytest.approx([BURSTS / 5] * PHASES, abs=0.1)
    assert "gone" not in total  # no data is no event, and neither good nor bad
    recorded = get(url, '{__name__=~"failsoft:.+"}[5m]')
    assert len(recorded) > PHASES * 10
    assert not [series for series in recorded if any(value == "NaN" for _, value in series["values"])]
    assert "idle" not in ask(url, "failsoft:slo_error_ratio")
    return total, naive
