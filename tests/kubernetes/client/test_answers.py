"""Answers of all sorts: each becomes one of our errors, and none of them shows the token."""

import http.server
import json
import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.clients.kubernetes import Ref, connect
from failsoft.clients.kubernetes.answers import Answer, error_of
from failsoft.errors import (
    ConflictError,
    FailsoftError,
    NotFoundError,
    RefusedError,
    TemporaryError,
    UnavailableError,
)

TOKEN = "s3cr3t-bearer-token"
NODE = Ref("Node", "n")


@pytest.fixture
def serve():
    """A server that answers everything with given bytes."""
    servers = []

    def start(status=200, body=b"", headers=(), *, cut=False):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) if body else b"")
                self.wfile.write(b"" if cut else b"0\r\n\r\n")
                self.close_connection = True

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return connect(url=f"http://127.0.0.1:{server.server_address[1]}", token=TOKEN, timeout_s=2)

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def status(code, reason="", message="", **details):
    body = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    return code, json.dumps(body).encode()


BUDGET = {"causes": [{"reason": "DisruptionBudget", "message": "needs 2 healthy pods"}]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(401, "Unauthorized", "Unauthorized"), RefusedError),
        (status(403, "Forbidden", "nodes is forbidden"), RefusedError),
        (status(404, "NotFound", "nodes not found"), NotFoundError),
        (status(409, "Conflict", "modified"), ConflictError),
        (status(409, "AlreadyExists", "already exists"), ConflictError),
        (status(410, "Expired", "too old"), ConflictError),
        (status(422, "Invalid", "the server rejected our request due to an error in our request"), ConflictError),
        (status(422, "Invalid", "is invalid: spec", kind="Node", name="n"), RefusedError),
        (status(429, "TooManyRequests", "slow down"), UnavailableError),
        (status(429, "TooManyRequests", "budget", **BUDGET), TemporaryError),
        (status(500, "InternalError", "oops"), UnavailableError),
        (status(500, "", "This pod has more than one PodDisruptionBudget, which"), RefusedError),
        (status(503, "ServiceUnavailable", "starting"), UnavailableError),
        (status(400, "BadRequest", "what?"), RefusedError),
        ((502, b"<html>Bad Gateway</html>"), UnavailableError),
        ((404, b"404 page not found\n"), NotFoundError),
        ((404, b'{"kind":"Status","details":null,"code":null}'), NotFoundError),
        ((418, b"\xff\xfe"), RefusedError),
        ((302, b""), RefusedError),
        ((200, b"not json"), UnavailableError),
        ((200, b"[]"), UnavailableError),
        ((200, b""), UnavailableError),
    ],
)
def test_every_answer_has_its_error(serve, answer, expected):
    with pytest.raises(FailsoftError) as caught:
        serve(*answer).get(NODE)
    assert type(caught.value) is expected
    assert "read Node n" in str(caught.value)


def test_an_eviction_refused_names_the_budget():
    answer = Answer.of(429, {}, status(429, "TooManyRequests", "Cannot evict pod.", **BUDGET)[1])
    assert "Cannot evict pod. needs 2 healthy pods" in str(error_of(answer, "evict Pod p"))


@pytest.mark.parametrize(
    ("header", "details", "delay"),
    [("7", {}, 7), (None, {"retryAfterSeconds": 10}, 10), (None, {}, 1), ("Wed, 21 Oct 2015 07:28:00 GMT", {}, 1)],
)
def test_the_wait_is_as_the_server_asks(serve, header, details, delay):
    headers = [("Retry-After", header)] if header else []
    with pytest.raises(UnavailableError) as caught:
        serve(*status(429, "TooManyRequests", "slow down", **details), headers=headers).get(NODE)
    assert caught.value.delay == delay


def test_an_answer_that_breaks_off_is_no_answer(serve):
    with pytest.raises(UnavailableError, match="broke off"):
        serve(200, b'{"kind"', cut=True).get(NODE)


def test_a_watch_that_breaks_off_is_an_error_after_what_came(serve):
    event = {"type": "ADDED", "object": {"metadata": {"name": "n", "note": "ü"}}}
    watch = serve(200, json.dumps(event, ensure_ascii=False).encode() + b"\n", cut=True).watch("Node")
    assert next(watch).object == event["object"]
    with pytest.raises(UnavailableError, match="broke off"):
        next(watch)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}, ConflictError),
        ({"type": "ERROR", "object": {"kind": "Status", "code": 500}}, UnavailableError),
        ({"type": "ERROR"}, UnavailableError),
    ],
)
def test_an_error_inside_a_watch_is_raised(serve, line, expected):
    with pytest.raises(expected):
        next(serve(200, json.dumps(line).encode() + b"\n").watch("Node"))


def test_garbage_inside_a_watch_is_unavailable(serve):
    with pytest.raises(UnavailableError):
        next(serve(200, b"garbage\n").watch("Node"))


@pytest.mark.parametrize("code", [401, 403, 500, 200])
def test_the_token_is_never_shown(serve, caplog, code):
    caplog.set_level(logging.DEBUG)
    cluster = serve(code, b"no")
    with pytest.raises(FailsoftError) as caught:
        cluster.get(NODE)
    shown = [repr(cluster), str(caught.value), repr(caught.value), caplog.text]
    error = caught.value.__cause__
    while error is not None:
        shown += [str(error), repr(error)]
        error = error.__cause__ or error.__context__
    assert TOKEN not in "".join(shown)


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN}\r\nX: y", f"{TOKEN}ü"])
def test_a_token_that_no_header_may_hold_is_refused_without_showing_it(token):
    with pytest.raises(RefusedError, match="token") as caught:
        connect(url="http://127.0.0.1:1", token=token).get(NODE)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
statuses = st.fixed_dictionaries(
    {"kind": st.just("Status")},
    optional=dict.fromkeys(("code", "reason", "message", "details", "status"), json_values),
)


@given(
    st.integers(300, 599),
    st.binary(max_size=40) | json_values.map(json.dumps).map(str.encode) | statuses.map(json.dumps).map(str.encode),
)
def test_no_answer_at_all_is_a_crash(code, body):
    error = error_of(Answer.of(code, {}, body), "read Node n")
    assert isinstance(error, FailsoftError)
    assert "read Node n" in str(error)
