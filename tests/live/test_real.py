"""A workspace against Prometheus itself, the oldest and the newest, and against what is none."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import CollectorRegistry, Histogram, start_http_server
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from failsoft.cli import main
from failsoft.clients.prometheus import PrometheusClient
from failsoft.errors import TooLargeError
from failsoft.lab.parts import prometheus_server
from failsoft.live import gather, judge
from failsoft.live.explore import missing
from failsoft.live.model import Read, Subject, Version

CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules/*.yaml]
scrape_configs:
- {job_name: vllm-chat, static_configs: [{targets: ["ADDRESS"]}]}
"""


@pytest.fixture(scope="module", params=["oldest", pytest.param("newest", marks=pytest.mark.newest_prometheus)])
def server(request, tmp_path_factory, target, asked_in, parts_registry):
    """A Prometheus that scrapes the target and has the rules of the workspace as it is."""
    binary = request.getfixturevalue("newest_prometheus") if request.param == "newest" else None
    folder = tmp_path_factory.mktemp("server")
    for path, text in asked_in(tmp_path_factory.mktemp("workspace")).rules.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    config = CONFIG.replace("ADDRESS", target.address)
    with prometheus_server(folder, config, binary=binary, registry=parts_registry) as running:
        client = PrometheusClient(running.url, timeout=60)
        deadline = time.monotonic() + 60
        while not client.query('up{job="vllm-chat"} == 1'):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield client
        client.close()


def test_a_server_is_compared_with_everything_that_the_workspace_needs(server, asked):
    answers = gather(server, asked())
    assert answers.version is not None
    assert answers.version >= Version(2, 42)
    assert answers.retention == 15 * 86_400_000
    assert answers.unasked == ()
    assert judge(asked(), answers) == (), "all is well"

    otherwise = asked(("chat-70b", "chat-71b"), ("scrapeInterval: 1s", "scrapeInterval: 500ms"))
    found = {finding.code.id: finding for finding in judge(otherwise, gather(server, otherwise))}
    assert {"FS473", "FS477", "FS481"} <= found.keys()
    assert "scraped every 1s, and the rules are made for 500ms" in found["FS473"].message
    assert found["FS477"].hint == 'model_name="chat-71b" matches nothing; did you mean chat-70b?'

    absent = asked(("below: 500ms", "below: 750ms"))
    (gone,) = [finding for finding in judge(absent, gather(server, absent)) if finding.code.id == "FS478"]
    assert gone.expected == "one of 0.25, 0.5, +Inf"

    subject = asked()
    rules = {path: text.replace("sum(", "summe(") for path, text in subject.rules.items()}
    strange = Subject(subject.workspace, subject.objectives, rules, subject.reads)
    refused = [finding for finding in judge(strange, gather(server, strange)) if finding.code.id == "FS475"]
    assert refused
    assert 'unknown function with name "summe"' in refused[0].message

    with pytest.raises(TooLargeError, match="more than 0 MiB"):
        server.read("rules", largest=1000)


@pytest.mark.parametrize(
    ("asked_for", "field", "expected", "refused"),
    [
        ("queryOffset: 1m", "query_offset", "Prometheus 2.53 or newer", {"oldest"}),
        ("partialResponse: abort", "partial_response_strategy", "the ruler of Thanos", {"oldest", "newest"}),
    ],
)
def test_words_that_the_server_cannot_read_in_a_rule_file_are_told(  # what is asked, and the parts
    server, asked, request, tmp_path, capsys, asked_for, field, expected, refused
):
    """The rules are judged as they are delivered, with what the workspace says of all groups."""
    asked(("spec:\n  prometheus:", f"spec:\n  output: {{{asked_for}}}\n  prometheus:"))
    with pytest.raises(SystemExit) as ended:
        main(["check", str(tmp_path), "--prometheus", server.url])
    said = capsys.readouterr().err
    if request.node.callspec.params["server"] in refused:
        assert ended.value.code == 1
        assert re.search(rf"error\[FS476\] Prometheus \S+ does not know {field}, and refuses rules/_", said)
        assert asked_for in said
        assert f"expected {expected}" in said
        assert f"leave {asked_for.partition(':')[0]} out of spec.output" in said
    else:
        assert ended.value.code == 0
        assert "FS476" not in said


_UNEVEN = {"buildinfo": 503, "runtimeinfo": 503, "targets": 404, "rules": 503}
"""What one answers that is slow in places, in the order in which it is asked."""


class _Strange(BaseHTTPRequestHandler):
    def do_GET(self):
        how, body = self.server.how, b"<html><body>Please sign in</body></html>"
        self.server.asked.append(self.path)
        if how == "slow" and "vector" not in self.path:
            self.server.stop.wait(100)
        if how != "html" and "vector" in self.path:
            body = json.dumps(
                {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}}
            ).encode()
        if how == "odd" and "vector" not in self.path:
            body = b'{"status": "success", "data": {"activeTargets": [7], "groups": 1, "version": []}}'
        if how in {"partial", "uneven"} and "vector" not in self.path:
            body = b'{"status": "success", "data": {"resultType": "vector", "result": []}}'
        status = 404 if how == "partial" and "/query" not in self.path else 200
        if how == "uneven":
            status = next((said for part, said in _UNEVEN.items() if part in self.path), 200)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def strange():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Strange)
    server.asked, server.stop = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("how", ["html", "odd", "slow"])
def test_whatever_is_at_the_address_is_told_and_nothing_is_raised(strange, asked, how):
    strange.how = how
    client = PrometheusClient(f"http://127.0.0.1:{strange.server_address[1]}", timeout=0.5 if how == "slow" else 60)
    found = judge(asked(), gather(client, asked()))
    client.close()
    assert {finding.code.id for finding in found} == ({"FS471"} if how == "html" else {"FS471", "FS484"})
    assert len(strange.asked) < 40, "a server that does not answer is left in peace"


def test_a_server_without_some_endpoints_is_asked_for_everything_else(strange, asked):
    """Mimir has no runtime information and no targets, VictoriaMetrics no rules either: 404 is an answer."""
    strange.how = "partial"
    client = PrometheusClient(f"http://127.0.0.1:{strange.server_address[1]}", timeout=5)
    answers = gather(client, asked())
    client.close()
    assert answers.gave_up == ""
    assert [said.partition(":")[0] for said in answers.unasked] == [
        "its version",
        "its retention",
        "its targets",
        "its rules",
    ]
    assert set(answers.counts.values()) == {0}


def test_only_questions_in_a_row_without_an_answer_make_it_give_up(strange, asked):
    """A server that is slow in places: endpoints that it lacks are answers, so there are never three in a row."""
    strange.how = "uneven"
    client = PrometheusClient(f"http://127.0.0.1:{strange.server_address[1]}", timeout=5)
    answers = gather(client, asked())
    client.close()
    assert [said.partition(" answered ")[2][:3] for said in answers.unasked[:4]] == ["503", "503", "404", "503"]
    assert answers.gave_up == ""
    assert set(answers.counts.values()) == {0}


def test_the_command_adds_what_the_server_lacks_and_fails_where_it_is_down(asked, tmp_path, capsys):
    asked()
    with pytest.raises(SystemExit) as ended:
        main(["check", str(tmp_path), "--prometheus", "http://127.0.0.1:1"])
    assert ended.value.code == 1
    assert "error[FS471]" in capsys.readouterr().err


def test_a_workspace_where_a_url_should_be_is_one_line(tmp_path, asked, capsys):
    asked()
    with pytest.raises(SystemExit) as ended:
        main(["check", "--prometheus", str(tmp_path)])
    assert ended.value.code == 2
    assert "is no URL: write --prometheus=http://HOST:9090" in capsys.readouterr().err


def test_a_colon_that_a_client_library_replaced_is_found(prometheus_server):
    """Prometheus 2 asks for OpenMetrics, and some versions of prometheus_client write another name there."""
    registry = CollectorRegistry()
    Histogram("vllm:time_to_first_token_seconds", "TTFT", registry=registry).observe(0.3)
    exporter, thread = start_http_server(0, "127.0.0.1", registry=registry)
    spelled = "vllm_time_to_first_token_seconds_count"
    replaced = spelled in openmetrics(registry).decode()
    url = prometheus_server(CONFIG.replace("ADDRESS", f"127.0.0.1:{exporter.server_port}")).url
    client = PrometheusClient(url, timeout=60)
    deadline = time.monotonic() + 60
    while not client.query('up{job="vllm-chat"} == 1'):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    why = missing(client, Read("vllm:time_to_first_token_seconds_count", (), "all events"))
    client.close()
    exporter.shutdown()
    exporter.server_close()
    thread.join(5)
    assert why.spelled == (spelled if replaced else "")
