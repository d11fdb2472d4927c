"""Locks: bounds of servers that run, in a file that people commit; compiling reads nothing else."""

import json
import socket
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from failsoft.alerts import compile_workspace
from failsoft.errors import RefusedError
from failsoft.slo import resolve
from failsoft.slo.stored import stored_as
from failsoft.workspace.load import load

TTFT = "vllm:time_to_first_token_seconds"
CUSTOM = f"""# TYPE {TTFT} histogram
{TTFT}_bucket{{model_name="m",le="0.3"}} 1
{TTFT}_bucket{{model_name="m",le="3"}} 1
{TTFT}_bucket{{model_name="m",le="+Inf"}} 1
{TTFT}_sum{{model_name="m"}} 1
{TTFT}_count{{model_name="m"}} 1
"""


@pytest.fixture
def custom(tmp_path):
    path = tmp_path / "custom.prom"
    path.write_text(CUSTOM)
    return path


@pytest.fixture
def answering():
    """A server that gives one answer to everything: `answering(text)` -> its address."""
    servers = []

    def start(text):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def codes(findings):
    return {finding.code.id for finding in findings}


def test_a_threshold_is_checked_against_the_bounds_that_were_locked(workspace, run, custom):
    root, loaded, _ = workspace("vllm", {"s": "ttft: {below: 300ms}"}, select="job: j")
    assert codes(resolve(loaded, loaded.slos["s"])[1]) == {"FS401"}
    code, out, _ = run("catalog", "lock", "vllm", custom, "-w", root)
    assert (code, out) == (0, f"{root}/slo/locks/vllm.yaml: written, 1 histogram\n")
    locked, found = load(root)
    assert found == ()
    objective, findings = resolve(locked, locked.slos["s"])
    assert findings == ()
    assert 'le="0.3"' in objective.sli.bad(60_000)
    assert "is up to date" in run("catalog", "lock", "vllm", custom, "-w", root)[1]
    custom.write_text(CUSTOM.replace('"0.3"', '"0.4"'))
    assert "changed" in run("catalog", "lock", "vllm", custom, "-w", root)[1]
    (finding,) = resolve(load(root)[0], locked.slos["s"])[1]
    assert finding.expected == "400ms"


def test_bounds_that_nobody_verified_warn_until_they_are_locked(workspace, run, tmp_path):
    root, loaded, found = workspace("sglang", {"s": "ttft: {below: 400ms}"})
    objective, (finding,) = resolve(loaded, loaded.slos["s"])
    assert objective is not None
    assert (finding.code.id, finding.severity) == ("FS413", "warning")
    assert finding.hint.endswith("failsoft catalog lock sglang URL")
    scrape = tmp_path / "sglang.prom"
    scrape.write_text(CUSTOM.replace("vllm:", "sglang:").replace('"0.3"', '"0.4"'))
    assert run("catalog", "lock", "sglang", scrape, "-w", root)[0] == 0
    locked, _ = load(root)
    assert resolve(locked, locked.slos["s"])[1] == ()
    assert ("FS305" in codes(load(root)[1]), "FS305" in codes(found)) == (False, True)


def test_a_lock_of_a_model_is_for_that_model(workspace, run, custom):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 300ms}"})
    with (root / "failsoft.yaml").open("a") as stream:
        stream.write(
            "---\nkind: Model\nmetadata: {name: n}\nspec: {engine: vllm, select: {job: n}, owner: assistants}\n"
        )
    (root / "slo" / "n.yaml").write_text(
        "kind: SLO\nmetadata: {name: n}\n"
        "spec: {model: n, indicator: {ttft: {below: 300ms}}, objective: 99%, period: 30m}\n"
    )
    assert run("catalog", "lock", "vllm", custom, "-w", root, "--model", "m")[0] == 0
    loaded, found = load(root)
    assert found == ()
    assert resolve(loaded, loaded.slos["s"])[0] is not None
    assert codes(resolve(loaded, loaded.slos["n"])[1]) == {"FS401"}
    assert run("catalog", "lock", "vllm", custom, "-w", root, "--model", "nobody")[0] == 2


def test_two_locks_of_one_model_are_refused(workspace, run, custom):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 300ms}"})
    run("catalog", "lock", "vllm", custom, "-w", root)
    text = (root / "slo" / "locks" / "vllm.yaml").read_text().replace("{name: vllm}", "{name: again}")
    (root / "slo" / "locks" / "again.yaml").write_text(text)
    loaded, _ = load(root)
    (finding,) = resolve(loaded, loaded.slos["s"])[1]
    assert finding.code.id == "FS415"


def test_compiling_asks_no_server_and_gives_the_same_bytes(workspace, run, custom, monkeypatch):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 300ms}"})
    run("catalog", "lock", "vllm", custom, "-w", root)
    first = (root / "slo" / "locks" / "vllm.yaml").read_bytes()

    def refused(*_):
        raise AssertionError("compiling opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    made = [compile_workspace(load(root)[0], {})[0].files for _ in range(2)]
    assert made[0] == made[1]
    assert 'le=\\"0.3\\"' in made[0]["rules/m.yaml"] or 'le="0.3"' in made[0]["rules/m.yaml"]
    run("catalog", "lock", "vllm", custom, "-w", root)
    assert (root / "slo" / "locks" / "vllm.yaml").read_bytes() == first
    document = yaml.safe_load(first)
    assert document["spec"] == {"engine": "vllm", "source": "custom.prom", "bounds": {TTFT: [0.3, 3]}}


def test_a_name_is_never_longer_than_names_may_be(workspace, run, custom):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 300ms}"})
    names = ["a" * 63, "b" * 63]
    with (root / "failsoft.yaml").open("a") as stream:
        for name in names:
            spec = "{engine: vllm, select: {job: n}, owner: assistants}"
            stream.write(f"---\nkind: Model\nmetadata: {{name: {name}}}\nspec: {spec}\n")
    for name in names:
        assert run("catalog", "lock", "vllm", custom, "-w", root, "--model", name)[0] == 0
    loaded, found = load(root)
    assert found == ()
    assert {lock.spec.models for lock in loaded.locks.values()} == {(name,) for name in names}


def test_a_file_of_somebody_else_stays(workspace, run, custom):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 500ms}"})
    mine = root / "slo" / "locks" / "vllm.yaml"
    mine.parent.mkdir()
    mine.write_text("# mine\n")
    code, _, err = run("catalog", "lock", "vllm", custom, "-w", root)
    assert code == 2
    assert "was not written by failsoft" in err
    assert mine.read_text() == "# mine\n"


def test_without_a_histogram_there_is_nothing_to_lock(workspace, run, scrape):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 500ms}"})
    code, _, err = run("catalog", "lock", "vllm", scrape("kserve"), "-w", root)
    assert code == 2
    assert "nothing to lock" in err
    assert not (root / "slo" / "locks").exists()


def test_a_lock_of_what_the_engine_does_not_have_is_found(workspace):
    lock = (
        "kind: EngineLock\nmetadata: {name: x}\nspec: {engine: vllm, models: [nobody], bounds: {other_seconds: [1, 2]}}"
    )
    _, _, found = workspace("vllm", {"s": "ttft: {below: 500ms}"}, lock)
    messages = {finding.message for finding in found}
    assert "there is no Model 'nobody'" in messages
    assert "the engine vllm has no histogram other_seconds" in messages


def prometheus_that_stores(*edges):
    """What Prometheus answers to a query for a native histogram with something in these buckets."""
    buckets = [[0, lower, upper, "3"] for lower, upper in edges]
    sample = {"metric": {}, "histogram": [1000, {"count": "3", "sum": "1", "buckets": buckets}]}
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": [sample]}})


@pytest.mark.parametrize(
    ("edges", "form", "schema"),
    [
        ([("0.2973017787506803", "0.3242098886627524")], "native", 3),
        ([("1", "1.0905077326652577"), ("2", "2.1810154653305154")], "native", 3),
        ([("0.25", "0.5"), ("0.5", "1")], "native", 0),
        ([("0.0625", "1")], "native", -2),
        ([("0.3", "3")], "custom", None),
        ([("-Inf", "0.3")], "custom", None),
        ([("3", "+Inf")], "custom", None),
        ([("0.1", "0.3")], "custom", None),
    ],
)
def test_the_buckets_that_hold_something_tell_how_a_histogram_is_stored(edges, form, schema):
    assert stored_as(prometheus_that_stores(*edges), (Decimal("0.3"), Decimal(3)), "p") == (form, schema)


@pytest.mark.parametrize("answer", ["<html>", "[]", '{"status": "error"}', '{"data": {"result": 3}}'])
def test_an_answer_that_is_none_of_prometheus_is_refused(answer):
    with pytest.raises(RefusedError, match="does not answer as a Prometheus does"):
        stored_as(answer, (), "http://p")


def test_prometheus_says_what_it_stores_and_the_lock_keeps_it(workspace, run, custom, answering):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 310ms}"}, select="job: j")
    url = answering(prometheus_that_stores(("0.2973017787506803", "0.3242098886627524")))
    code, out, _ = run("catalog", "lock", "vllm", custom, "-w", root, "--prometheus", url)
    assert (code, out) == (0, f"{root}/slo/locks/vllm.yaml: written, 1 histogram, 1 of them native in Prometheus\n")
    locked, found = load(root)
    assert found == ()
    objective, findings = resolve(locked, locked.slos["s"])
    assert codes(findings) == {"FS403"}
    assert "histogram_fraction" in objective.sli.bad(60_000)


def test_a_prometheus_that_is_none_writes_no_lock(workspace, run, custom, answering):
    root, _, _ = workspace("vllm", {"s": "ttft: {below: 300ms}"}, select="job: j")
    code, _, told = run("catalog", "lock", "vllm", custom, "-w", root, "--prometheus", answering("<html>hello</html>"))
    assert code == 2
    assert "does not answer as a Prometheus does" in told
    assert not (root / "slo" / "locks").exists()
