"""Whatever stands where Prometheus should be: the client gives one of our errors, soon, and never a false answer."""

import json
import logging
import subprocess
import sys

import pytest

from failsoft.clients.prometheus import PrometheusClient
from failsoft.clients.secrets import Secret
from failsoft.errors import PermanentError, TooSlowError, UnavailableError

VECTOR = {"status": "success", "data": {"resultType": "vector", "result": []}}


def ask(server, timeout=20, **more):
    client = PrometheusClient(server.url, timeout=timeout, **more)
    try:
        return client.query("up")
    finally:
        client.close()


def result(*items):
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(items)}})


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Please sign in</body></html>",
        "",
        "null",
        "[]",
        "{}",
        '{"status": "success"}',
        '{"status": "success", "data": null}',
        '{"status": "success", "data": {"resultType": "vector"}}',
        '{"status": "success", "data": {"resultType": "vector", "result": null}}',
        '{"status": "success", "data": {"result": {"a": 1}}}',
        '{"status": "success", "data": {"result": ["a"]}}',
        '{"status": "success", "data": {"result": [{"metric": {}}]}}',
        '{"status": "success", "data": {"result": [{"metric": {}, "value": [1]}]}}',
        '{"status": "success", "data": {"result": [{"metric": {}, "value": [1, "many"]}]}}',
        '{"status": "success", "data": {"result": [{"metric": null, "value": [1, "1"]}]}}',
        '{"status": "success", "data": {"result": [{"metric": {}, "val',
        b"\xff\xfe\x00",
    ],
)
def test_an_answer_that_is_not_prometheus_is_unavailable(hostile, body):
    hostile.says(body)
    with pytest.raises(UnavailableError):
        ask(hostile)


def test_a_page_of_html_is_named(hostile):
    hostile.says("\n<!DOCTYPE html><html>Please sign in</html>")
    with pytest.raises(UnavailableError, match="answered HTML, not JSON: is it Prometheus"):
        ask(hostile)


ENDLESS = """
import resource, sys
from failsoft.clients.prometheus import PrometheusClient
from failsoft.errors import FailsoftError
import prometheus_api_client, requests
client = PrometheusClient(sys.argv[1], timeout=30)
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 512 * 2**20,) * 2)
for ask in (lambda: client.query("up"), lambda: client.read("rules", largest=2**20)):
    try:
        ask()
    except FailsoftError as error:
        print(error)
"""


@pytest.mark.parametrize("head", ["200 OK", "302 Found\r\nLocation: /login", "500 Internal Server Error"])
def test_an_answer_without_an_end_is_left_at_a_limit_of_memory(hostile, head):
    hostile.answer, hostile.endless = f"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n".encode(), True
    ran = subprocess.run(
        [sys.executable, "-c", ENDLESS, hostile.url], check=False, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.splitlines() == [
        f"Prometheus at {hostile.url} answers with more than {size} MiB" for size in (64, 1)
    ], ran.stderr


def test_an_endpoint_that_drips_is_given_up_in_time_whatever_is_read(hostile, took):
    hostile.says('{"status": "success", "data": []}' + 200 * " ")
    hostile.drip = 0.05
    with pytest.raises(TooSlowError):
        PrometheusClient(hostile.url, timeout=0.5).read("rules")
    assert took() < 8


def test_an_empty_vector_is_no_data_and_no_error(hostile):
    hostile.says(json.dumps(VECTOR))
    assert ask(hostile) == ()


def test_a_body_that_ends_too_early_is_unavailable(hostile):
    body = result({"metric": {}, "value": [1, "1"]})
    hostile.says(body[:-3], length=len(body))
    with pytest.raises(UnavailableError):
        ask(hostile)


@pytest.mark.parametrize(
    "status", ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "404 No"]
)
def test_a_server_error_or_another_server_is_unavailable_after_one_try(hostile, status):
    hostile.says("<h1>upstream</h1>", status, headers=["Retry-After: 3600"])
    with pytest.raises(UnavailableError, match=status[:3]):
        ask(hostile)
    assert len(hostile.asked) == 1


def test_prometheus_own_503_tells_its_reason(hostile):
    hostile.says('{"status": "error", "errorType": "timeout", "error": "query timed out in query execution"}', "503 X")
    with pytest.raises(UnavailableError, match="query timed out"):
        ask(hostile)


def test_a_query_that_finds_its_series_too_late_is_too_slow_and_not_refused(hostile):
    """As Prometheus 3 says of 50,000 series on a busy machine: a smaller question may help."""
    said = "expanding series: context deadline exceeded"
    hostile.says(json.dumps({"status": "error", "errorType": "execution", "error": said}), "422 Unprocessable Entity")
    with pytest.raises(TooSlowError, match=said):
        ask(hostile)


def test_a_422_that_is_not_prometheus_is_no_refusal_of_the_query(hostile):
    hostile.says("<h1>WAF</h1>", "422 Unprocessable")
    with pytest.raises(UnavailableError):
        ask(hostile)


def test_a_server_that_never_answers_is_given_up_in_time(hostile, took):
    hostile.hang = True
    with pytest.raises(UnavailableError, match=r"within 0\.5 s"):
        ask(hostile, timeout=0.5)
    assert took() < 8


def test_a_server_that_drips_its_answer_is_given_up_in_time(hostile, took):
    hostile.says(result(*[{"metric": {"n": str(n)}, "value": [1, "1"]} for n in range(100)]))
    hostile.drip = 0.05
    with pytest.raises(UnavailableError):
        ask(hostile, timeout=0.5)
    assert took() < 100, "the whole answer would take four minutes"


def test_nobody_there_is_unavailable(port):
    with pytest.raises(UnavailableError, match="refused the connection"):
        PrometheusClient(f"http://127.0.0.1:{port}", timeout=20).query("up")


def test_a_password_in_the_address_is_used_and_never_shown(hostile):
    hostile.says("no", "500 Internal Server Error")
    with pytest.raises(UnavailableError) as caught:
        PrometheusClient(hostile.url.replace("http://", "http://joe:hunter2@") + "/prom", timeout=20).query("up")
    assert "Authorization: Basic" in hostile.asked[0]
    assert f"{hostile.url}/prom answered 500" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "prometheus:9090", "ftp://x", "http://"])
def test_an_address_that_is_none_is_permanent(url):
    with pytest.raises(PermanentError, match="no HTTP URL"):
        PrometheusClient(url, timeout=20).query("up")


def test_native_histograms_are_refused_and_not_taken_for_no_data(hostile):
    hostile.says(result({"metric": {}, "histogram": [1, {"count": "1"}]}))
    with pytest.raises(PermanentError, match="native histograms"):
        ask(hostile)


def test_the_token_is_sent_and_a_refusal_names_its_place_not_its_value(hostile):
    hostile.says("no", "401 Unauthorized")
    with pytest.raises(PermanentError, match="env PROM_TOKEN") as caught:
        ask(hostile, token=Secret("hunter2", reference="env PROM_TOKEN"))
    assert "Authorization: Bearer hunter2" in hostile.asked[0]
    assert "hunter2" not in str(caught.value)


def test_the_token_wins_over_netrc(hostile, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login joe password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    hostile.says(json.dumps(VECTOR))
    ask(hostile, token=Secret("hunter2"))
    assert "Authorization: Bearer hunter2" in hostile.asked[0]


def test_the_token_does_not_follow_a_redirect_to_another_host(hostile):
    # The same server under another name is another host.
    elsewhere = hostile.url.replace("127.0.0.1", "localhost")
    hostile.says("", "302 Found", headers=[f"Location: {elsewhere}/login"])
    with pytest.raises(UnavailableError):
        ask(hostile, token=Secret("hunter2"))
    assert "hunter2" in hostile.asked[0]
    assert len(hostile.asked) > 1
    assert not any("hunter2" in request for request in hostile.asked[1:])


def test_warnings_of_prometheus_are_logged(hostile, caplog):
    hostile.says(json.dumps(VECTOR | {"warnings": ["store gpu-2 did not answer"]}))
    with caplog.at_level(logging.WARNING):
        assert ask(hostile) == ()
    assert "store gpu-2 did not answer" in caplog.text


def test_a_path_prefix_is_kept_and_prometheus_is_told_the_timeout(hostile):
    hostile.says(json.dumps(VECTOR))
    PrometheusClient(hostile.url + "/prom/", timeout=7.5).query("up", at=5.0)
    assert hostile.asked[0].startswith("GET /prom/api/v1/query?query=up&timeout=7.5&time=5.000 ")
