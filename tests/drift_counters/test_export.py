"""Gauge mode: a job's scores reach Prometheus whole, and a job that fails, is late or is dead never looks healthy."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from pyarrow import parquet

from failsoft.cli import root
from failsoft.drift import Accumulator, fit_arrays
from failsoft.drift.comparison import compare
from failsoft.drift.exported import DriftScores
from failsoft.drift.exported.scores import MOST_FEATURES
from failsoft.drift.judgement import judge
from failsoft.drift.limits import Tolerance
from failsoft.lab.parts.process import Process, answers_http, free_port


def columns(seed, rows, shift=0.0):
    dice = np.random.default_rng(seed)
    age = dice.normal(shift, 1, rows)
    return {"age": age, "plan": dice.choice(["a", "b"], rows).tolist()}


@pytest.fixture
def here(tmp_path):
    profile = fit_arrays(columns(1, 20_000), model="churn", revision="r1")
    (tmp_path / "ref.json").write_text(profile.render())
    parquet.write_table(pa.table(columns(2, 2_000)), tmp_path / "same.parquet")
    parquet.write_table(pa.table(columns(3, 2_000, 1.0)), tmp_path / "moved.parquet")
    parquet.write_table(pa.table(columns(4, 20)), tmp_path / "few.parquet")
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "same.parquet").read_bytes()[:500])
    return tmp_path


def score(here, data, *more):
    argv = ["drift", "score", here / "ref.json", here / data, "--monitor", "nightly", *more]
    return CliRunner().invoke(root, list(map(str, argv)))


def shown(text):
    """By name, signal and the values of the other labels, those of the job left out."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("model") == "churn"
            assert labels.pop("monitor") == "nightly"
            assert sample.value == sample.value, f"{sample.name} is NaN"
            signal = [labels.pop("signal")] if "signal" in labels else []
            rest = (value for value in labels.values() if value)
            found[sample.name.removeprefix("failsoft_drift_"), *signal, *rest] = sample.value
    return found


def test_a_textfile_holds_what_score_prints(here):
    ran = score(here, "moved.parquet", "--textfile", here / "drift.prom", "--every", "1d")
    assert ran.exit_code == 1, ran.output
    found = shown((here / "drift.prom").read_text())
    assert found["score", "age", "psi"] > found["score_critical", "age", "ticket", "pooled_psi"] > 0
    assert found["window_rows", "age"] == 2_000
    assert (found["features", "ticket"], found["features", "page"]) == (1, 0), "no calibration promises a page"
    assert ("score_critical", "age", "page", "pooled_psi") not in found
    assert found["verdict", "age", "judged"] == 1
    assert found["score", "plan", "missing"] == 0
    assert found["every_seconds",] == 86_400
    assert found["evaluation_errors_total",] == 0
    assert found["attempted_timestamp_seconds",] <= found["evaluated_timestamp_seconds", "age"]
    assert found["evaluation_duration_seconds",] > 0
    assert not any("log10_p" in key for key in found), "a p-value never alone"
    assert oct((here / "drift.prom").stat().st_mode)[-3:] == "644", "node_exporter has to read it"


def test_a_job_that_fails_shows_no_score_and_counts_its_errors(here):
    out = here / "drift.prom"
    score(here, "same.parquet", "--textfile", out)
    before = shown(out.read_text())
    for errors in (1, 2):
        ran = score(here, "torn.parquet", "--textfile", out)
        assert ran.exit_code == 2
        found = shown(out.read_text())
        assert found["evaluation_errors_total",] == errors
        assert not [key for key in found if key[0] in {"score", "score_critical", "window_rows", "features"}]
        assert found["verdict", "age", "failed"] == 1
        assert found["evaluated_timestamp_seconds", "age"] == before["evaluated_timestamp_seconds", "age"]
        assert found["attempted_timestamp_seconds",] > before["evaluated_timestamp_seconds", "age"]
    score(here, "same.parquet", "--textfile", out)
    again = shown(out.read_text())
    assert again["evaluation_errors_total",] == 2, "a counter goes on over processes"
    assert again["verdict", "age", "judged"] == 1


def test_too_few_rows_have_no_score_and_are_an_evaluation(here):
    ran = score(here, "few.parquet", "--textfile", here / "drift.prom")
    assert ran.exit_code == 2
    found = shown((here / "drift.prom").read_text())
    assert found["verdict", "age", "too-few-rows"] == 1
    assert found["window_rows", "age"] == 20
    assert not [key for key in found if key[0] == "score"]
    assert ("evaluated_timestamp_seconds", "age") in found


def test_a_broken_reference_leaves_the_last_attempt_to_grow_old(here):
    out = here / "drift.prom"
    score(here, "same.parquet", "--textfile", out)
    before = out.read_text()
    (here / "ref.json").write_text("{")
    ran = score(here, "same.parquet", "--textfile", out)
    assert ran.exit_code == 2
    assert out.read_text() == before, "nobody knows whose scores they are"
    score(here, "same.parquet", "--textfile", out, "--model", "churn")
    assert shown(out.read_text())["evaluation_errors_total",] == 1


class Gateway(ThreadingHTTPServer):
    """A Pushgateway as far as a job sees it; `answer` is what it says to a PUT."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.groups: dict[str, str] = {}
        self.answer = 200
        self.type = "text/plain"
        self.hangs = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self):
        self._say(200, "".join(self.server.groups.values()))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.server.answer == 0:
            self.server.hangs.wait(100)
            return
        if self.server.answer == 200:
            self.server.groups[self.path] = body
        self._say(self.server.answer, "text format parsing error\n" if self.server.answer == 400 else "")

    def _say(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.send_header("Content-Type", self.server.type)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def gateway():
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.hangs.set()
    server.shutdown()
    server.server_close()


def test_a_pushgateway_gets_one_group_that_is_replaced(here, gateway):
    argv = ("--pushgateway", gateway.url, "--grouping", "stage=prod/eu", "--job", "nights")
    assert score(here, "moved.parquet", *argv).exit_code == 1
    assert list(gateway.groups) == ["/metrics/job/nights/monitor/nightly/stage@base64/cHJvZC9ldQ=="]
    assert score(here, "torn.parquet", *argv).exit_code == 2
    found = shown(next(iter(gateway.groups.values())))
    assert found["evaluation_errors_total",] == 1
    assert ("evaluated_timestamp_seconds", "age") in found
    assert not [key for key in found if key[0] == "score"]


@pytest.mark.parametrize(
    ("answer", "patience", "said"),
    [(400, 60, "answered 400: text format"), (503, 60, "answered 503"), (0, 0.3, "did not answer within 0.3 s")],
)
def test_a_pushgateway_that_refuses_or_hangs_is_a_finding(here, gateway, answer, patience, said):
    gateway.answer = answer
    address = gateway.url.replace("//", "//user:secret@")
    ran = score(here, "same.parquet", "--pushgateway", address, "--push-timeout", str(patience))
    assert ran.exit_code == 2
    assert "FS635" in ran.output
    assert said in ran.output
    assert "secret" not in ran.output


def test_something_else_that_says_yes_is_no_pushgateway(here, gateway):
    """A login page answers 200 to everything, and nobody would ever see the scores."""
    gateway.type = "text/html; charset=utf-8"
    ran = score(here, "same.parquet", "--pushgateway", gateway.url)
    assert (ran.exit_code, "answered HTML: is it a Pushgateway?" in ran.output) == (2, True)


def test_a_pushgateway_that_is_not_there_is_a_finding_and_the_textfile_is_written_all_the_same(here):
    ran = score(here, "same.parquet", "--pushgateway", "http://127.0.0.1:9", "--textfile", here / "drift.prom")
    assert ran.exit_code == 2
    assert "http://127.0.0.1:9 cannot be reached: it refused the connection" in ran.output
    assert shown((here / "drift.prom").read_text())["verdict", "age", "judged"] == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--textfile", "drift.txt"), "does not end in .prom"),
        (("--pushgateway", "gateway:9091"), "is no http address"),
        (("--pushgateway", "http://x", "--grouping", "model=a"), "no label of one's own"),
        (("--pushgateway", "http://x", "--grouping", "a b=c"), "no label of one's own"),
        (("--textfile", "/nowhere/at/all/drift.prom"), "there is no folder /nowhere"),
    ],
)
def test_mistakes_are_told(here, argv, said):
    ran = score(here, "same.parquet", *argv)
    assert ran.exit_code != 0
    assert said in ran.output + str(ran.exception)


def test_a_name_is_needed(here):
    argv = ["drift", "score", str(here / "ref.json"), str(here / "same.parquet"), "--textfile", str(here / "a.prom")]
    ran = CliRunner().invoke(root, argv)
    assert "--monitor" in str(ran.exception)
    assert not (here / "a.prom").exists()


@pytest.mark.pushgateway
def test_a_real_pushgateway_takes_it(here, tmp_path):
    port = free_port()
    program = Path(__file__).parents[2] / ".cache" / "parts" / "pushgateway"
    with Process([str(program), f"--web.listen-address=127.0.0.1:{port}"], tmp_path / "gateway.log") as gateway:
        gateway.wait_ready(answers_http(port, "/-/ready"))
        url = f"http://127.0.0.1:{port}"
        assert score(here, "same.parquet", "--pushgateway", url).exit_code == 0
        held = urlopen(f"{url}/metrics", timeout=10).read().decode()
        assert 'failsoft_drift_score{instance="",job="failsoft-drift",model="churn",monitor="nightly"' in held
        assert score(here, "torn.parquet", "--pushgateway", url).exit_code == 2
        held = urlopen(f"{url}/metrics", timeout=10).read().decode()
        assert "failsoft_drift_score{" not in held
        errors = "failsoft_drift_evaluation_errors_total{"
        assert [line[-2:] for line in held.splitlines() if line.startswith(errors)] == [" 1"]


def judged(profile, rows):
    window = Accumulator(profile)
    window.update(rows)
    return judge(compare(window), Tolerance())


def test_a_job_that_lives_long_serves_its_own_metrics():
    now = [1_000.0]
    profile = fit_arrays(columns(1, 5_000), model="churn")
    registry = CollectorRegistry()
    scores = DriftScores("churn", "nightly", every=60, registry=registry, clock=lambda: now[0])
    with scores.attempt():
        now[0] += 5
        scores.show(judged(profile, columns(2, 1_000)))
    labels = {"model": "churn", "monitor": "nightly"}
    age = {**labels, "signal": "age"}
    assert registry.get_sample_value("failsoft_drift_evaluated_timestamp_seconds", age) == 1_005
    assert registry.get_sample_value("failsoft_drift_attempted_timestamp_seconds", labels) == 1_000
    psi = {**age, "stratum": "", "statistic": "psi"}
    assert registry.get_sample_value("failsoft_drift_score", psi) < 0.1
    now[0] += 60
    with pytest.raises(OSError, match="disk"), scores.attempt():
        raise OSError("disk")
    assert registry.get_sample_value("failsoft_drift_evaluation_errors_total", labels) == 1
    assert registry.get_sample_value("failsoft_drift_score", psi) is None
    assert registry.get_sample_value("failsoft_drift_evaluated_timestamp_seconds", age) == 1_005
    assert registry.get_sample_value("failsoft_drift_attempted_timestamp_seconds", labels) == 1_065


@pytest.mark.parametrize("promised", [True, False])
def test_what_would_page_is_a_ticket_while_nothing_is_promised(promised):
    profile = fit_arrays(columns(1, 5_000), model="churn")
    scores = DriftScores("churn", "nightly", every=60)
    scores.show(judged(profile, columns(3, 2_000, 1.0)), promised=promised)
    found = shown(scores.text())
    assert (found["features", "page"], found["features", "ticket"]) == ((1, 0) if promised else (0, 1))
    assert (("score_critical", "age", "page", "pooled_psi") in found) is promised, "page tiers of SLOs ask for it"


def test_the_worst_features_are_shown_and_how_many_are_not():
    names = [f"f{index}" for index in range(MOST_FEATURES + 3)]
    dice = np.random.default_rng(1)
    base = dice.normal(size=300)
    profile = fit_arrays(dict.fromkeys(names, base), model="churn")
    rows = dict.fromkeys(names, dice.normal(size=300)) | {"f502": dice.normal(3, 1, 300)}
    scores = DriftScores("churn", "nightly", every=60)
    scores.show(judged(profile, rows))
    found = shown(scores.text())
    assert found["features_dropped",] == 3
    assert found["score", "f502", "psi"] > 1
    assert sum(key[0] == "window_rows" for key in found) == MOST_FEATURES
