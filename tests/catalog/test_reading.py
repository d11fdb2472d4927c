"""Getting a scrape: from files, and from servers that are slow, down, huge, or something else altogether."""

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from failsoft.clients import exposition
from failsoft.clients.exposition import read_exposition, shown_address
from failsoft.errors import PermanentError, RefusedError, UnavailableError, UsageError
from failsoft.slo.scrape import parse_scrape


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        self.server.answer(self)

    def log_message(self, *_):
        pass


def answers(body=b"a 1\n", status=200, headers=()):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def drips(handler):
    """A byte now and then, forever: each one comes in time, the whole never does."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"#")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass


@pytest.fixture
def server():
    """Starts a server with an answer: `server(answers(b"..."))` -> its address, and what it was asked."""
    made = []

    def start(answer):
        one = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        one.daemon_threads = True
        one.answer, one.asked = answer, []
        threading.Thread(target=one.serve_forever, daemon=True).start()
        made.append(one)
        return f"http://127.0.0.1:{one.server_port}/metrics", one.asked

    yield start
    for one in made:
        one.shutdown()
        one.server_close()


def test_a_server_is_asked_with_a_token_and_redirects_are_followed(server):
    target, asked = server(answers(b"a 1\n"))
    url, _ = server(answers(b"", 307, [("Location", target)]))
    assert read_exposition(url) == "a 1\n"
    assert read_exposition(target, token="secret") == "a 1\n"  # of a test
    assert asked[-1][1]["Authorization"] == "Bearer secret"


def test_a_file_may_be_compressed(tmp_path, scrape):
    packed = tmp_path / "scrape.prom.gz"
    packed.write_bytes(gzip.compress(scrape("kserve").read_bytes()))
    assert read_exposition(str(packed)) == scrape("kserve").read_text()


def test_a_server_that_is_down_is_told(server):
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:1/metrics cannot be reached: it refused"):
        read_exposition("http://127.0.0.1:1/metrics")


def test_a_server_that_sends_drop_by_drop_is_given_up(server):
    url, _ = server(drips)
    begin = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.5 s"):
        read_exposition(url, timeout=0.5)
    assert time.monotonic() - begin < 60


def test_a_server_that_says_nothing_is_given_up(server):
    done = threading.Event()
    url, _ = server(lambda _: done.wait(100))
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.3 s"):
        read_exposition(url, timeout=0.3)
    done.set()


def test_a_server_that_exports_too_much_is_refused(server, monkeypatch):
    monkeypatch.setattr(exposition, "LARGEST", 1024 * 1024)
    url, _ = server(answers(b"a 1\n" * 400_000))
    with pytest.raises(RefusedError, match="is larger than 1 MiB"):
        read_exposition(url)


def test_a_small_file_that_grows_huge_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(exposition, "LARGEST", 1024 * 1024)
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(b"a" * 3_000_000))
    with pytest.raises(RefusedError, match="is larger than 1 MiB"):
        read_exposition(str(bomb))


@pytest.mark.parametrize(("status", "said"), [(401, "--token-file"), (404, "answered 404"), (500, "answered 500")])
def test_a_server_that_refuses_is_told(server, status, said):
    url, _ = server(answers(b"no", status))
    with pytest.raises(PermanentError, match=said):
        read_exposition(url)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!DOCTYPE html><html>Grafana</html>", "is a web page"),
        ('{"iteration": 1}', "is JSON"),
        ("kind: Workspace\nmetadata: {name: chat}\n", "is YAML, no metrics"),
        ("", "holds no metrics"),
        ("# only a comment\n", "holds no metrics"),
        ("this is no metric at all {{{\n", "holds no metrics that can be read"),
        ("a 1\n# EOF\nb 2\n# EOF\n", "holds no metrics that can be read"),
    ],
)
def test_what_is_no_exposition_is_refused_with_what_it_looks_like(text, said):
    with pytest.raises(RefusedError, match=said):
        parse_scrape(text, "http://a/metrics")


def test_binary_files_missing_files_and_other_addresses_are_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RefusedError, match="x is no text"):
        read_exposition(str(tmp_path / "x"))
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_exposition(str(tmp_path / "nowhere"))
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8b\x08rubbish")
    with pytest.raises(UsageError, match="cannot be read"):
        read_exposition(str(tmp_path / "broken.gz"))
    with pytest.raises(UsageError, match="neither an http address nor a file"):
        read_exposition("ftp://a/metrics")


def test_an_address_is_shown_without_what_is_secret():
    assert shown_address("https://user:secret@host:8000/metrics?token=secret") == "https://host:8000/metrics"


def test_the_command_tells_it_in_one_line(run, server):
    url, _ = server(answers(b"<html>"))
    code, out, err = run("catalog", "verify", "vllm", url)
    assert (code, out) == (2, "")
    assert err == f"failsoft: {url} is a web page, no metrics: is the path right, such as /metrics?\n"
