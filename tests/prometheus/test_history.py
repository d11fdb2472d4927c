"""Long questions: in chunks that the server bears, a few at a time, with pauses, and never the same one twice."""

import gzip
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.clients.prometheus import PrometheusClient
from failsoft.clients.prometheus.history import Chunk, Question, Reader, Store, chunks_of
from failsoft.clients.prometheus.history.chunks import MOST_POINTS
from failsoft.errors import PermanentError, UnavailableError

DAY = 86_400
STEP = 300_000
PER_DAY = DAY * 1000 // STEP


class Ranges(ThreadingHTTPServer):
    """Answers every range query with the time of each step, and keeps what it was asked.

    Attributes:
        asked: (start, end) of each request, in order.
        most_at_once: requests underway at worst.
        bears: the most points that it answers; at more it refuses, or hangs.
        busy: so many requests are answered with `status` and `extra` headers first.
        leaves_after: after so many answers it says 503 to everything.
        warns: whether it says that a part is missing.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked, self.answered = [], 0
        self.underway = self.most_at_once = 0
        self.bears, self.hangs = 11_000, False
        self.busy, self.status, self.extra = 0, 503, {}
        self.leaves_after, self.warns, self.takes = 1 << 60, False, 0.0
        self.lock, self.stop = threading.Lock(), threading.Event()

    def answer(self, start, end, step):
        points = round((end - start) / step) + 1
        with self.lock:
            self.asked.append((start, end))
            busy, self.busy = self.busy, max(0, self.busy - 1)
            gone = self.answered >= self.leaves_after
        if busy or gone:
            return self.status, "<h1>busy</h1>"
        if points > self.bears:
            if self.hangs:
                self.stop.wait(100)
            said = "query processing would load too many samples into memory in query execution"
            return 422, json.dumps({"status": "error", "errorType": "execution", "error": said})
        time.sleep(self.takes)
        with self.lock:
            self.answered += 1
        values = [[start + index * step, str(start + index * step)] for index in range(points)]
        found = {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": values}]}
        answer = {"status": "success", "data": found} | ({"warnings": ["a store is away"]} if self.warns else {})
        return 200, json.dumps(answer)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        with server.lock:
            server.underway += 1
            server.most_at_once = max(server.most_at_once, server.underway)
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        status, text = server.answer(*(float(asked[name]) for name in ("start", "end", "step")))
        with server.lock:
            server.underway -= 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        for name, value in server.extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Ranges() as ranges:
        threading.Thread(target=ranges.serve_forever, daemon=True).start()
        yield ranges
        ranges.stop.set()
        ranges.shutdown()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def reader(server, pauses, tmp_path):
    """Makes a reader of the server: `reader(kept=True)` keeps its answers."""

    def make(*, kept=False, timeout=60.0, **more):
        warned = []
        client = PrometheusClient(server.url, timeout=timeout, warned=warned.append)
        store = Store(tmp_path / "kept", server.url) if kept else None
        return Reader(client, store, warnings=lambda: len(warned), pause=pauses.append, **more)

    return make


def days(count, step=STEP):
    """A question about so many days in the past."""
    first = 20_000 * DAY * 1000 // step
    return Question("up", step, first, first + count * DAY * 1000 // step - 1)


def whole(answered, question):
    """Whether each step of the question is there once, in order, with its own value."""
    (series,) = answered.series
    step = question.step / 1000
    assert [at for at, _ in series.points] == [index * step for index in range(question.first, question.last + 1)]
    assert all(at == value for at, value in series.points)
    return True


@given(st.integers(1, 10**7), st.integers(0, 10**6), st.integers(0, 10**5))
def test_chunks_meet_are_on_one_grid_and_bounded(step, first, more):
    question = Question("up", step, first, first + more)
    chunks = chunks_of(question)
    assert (chunks[0].first, chunks[-1].last) == (first, first + more)
    assert all(before.last + 1 == after.first for before, after in pairwise(chunks))
    assert all(1 <= chunk.points <= MOST_POINTS for chunk in chunks)
    later = chunks_of(Question("up", step, first + 1, first + more + 1))
    assert set(chunks[1:-1]) <= set(later) | {chunks[-1]}, "another run asks for the same ones"


def test_thirty_days_of_five_minutes_are_thirty_queries_two_at_a_time(server, reader):
    question = days(30)
    server.takes = 0.01
    told = []
    (answered,) = reader().read([question], told.append)
    assert whole(answered, question)
    assert len(server.asked) == 30
    assert server.most_at_once == 2
    assert [tuple(one) for one in told] == [(30, done, 0) for done in range(31)]


def test_what_is_too_much_is_asked_in_halves_and_the_size_is_remembered(server, reader):
    server.bears = PER_DAY // 4
    question = days(8)
    (answered,) = reader(at_once=1).read([question])
    assert whole(answered, question)
    assert len(server.asked) == 2 + 8 * 4, "a day, half of it, then quarters only"


def test_what_does_not_come_in_time_is_asked_in_halves_too(server, reader):
    server.bears, server.hangs = PER_DAY // 2, True
    question = days(2)
    (answered,) = reader(at_once=1, timeout=2).read([question])
    assert whole(answered, question)
    assert len(server.asked) == 1 + 4


def test_one_step_that_is_too_much_is_a_refusal_of_the_question_alone(server, reader):
    server.bears = 0
    (answered,) = reader(at_once=1).read([days(1)])
    assert answered.series == ()
    assert "too many samples" in answered.refused


@pytest.mark.parametrize(("status", "extra", "longest"), [(503, {}, 1.0), (429, {"Retry-After": "7"}, 7.0)])
def test_a_busy_server_is_given_time(server, reader, pauses, status, extra, longest):
    server.busy, server.status, server.extra = 2, status, extra
    question = days(3)
    (answered,) = reader(at_once=1).read([question])
    assert whole(answered, question)
    assert len(server.asked) == 5
    assert max(pauses) == pytest.approx(longest, abs=0.1)


def test_the_reason_is_told_and_not_that_another_thread_was_stopped_by_it(monkeypatch):
    """Of two threads one is refused, and the other one, which is stopped then, ends before it."""
    refused, other_ended = threading.Event(), threading.Event()
    begun = []

    class Stop(threading.Event):
        def set(self):
            super().set()
            if threading.get_ident() == begun[0]:
                refused.set()
                assert other_ended.wait(10)

    class Refusing:
        def query_range(self, *_, **__):
            raise PermanentError("answered 401")

    def begins():
        if (this := threading.get_ident()) in begun[1:]:
            other_ended.set()  # the chunk before this one is over
        begun.append(this)
        assert this == begun[0] or refused.wait(10)
        return 0

    reader = Reader(Refusing(), warnings=begins, at_once=2)
    monkeypatch.setattr(reader, "_stopped", Stop())
    with pytest.raises(PermanentError, match="answered 401"):
        reader.read([days(30)])


def test_a_server_that_hangs_for_ever_is_left_in_peace(server, reader):
    server.bears, server.hangs = 0, True
    with pytest.raises(UnavailableError, match=r"within 0\.2 s; this was tried 4 times"):
        reader(at_once=1, timeout=0.2).read([days(30)])
    assert len(server.asked) == 4


def test_a_server_that_answers_html_is_no_history(hostile, pauses):
    hostile.says("<html>Please sign in</html>")
    with pytest.raises(UnavailableError):
        Reader(PrometheusClient(hostile.url, timeout=20), pause=pauses.append).read([days(1)])
    assert len(hostile.asked) == 6
    assert sum(pauses) < 20


def test_a_server_that_refuses_us_is_asked_once(hostile):
    hostile.says("no", "401 Unauthorized")
    with pytest.raises(PermanentError, match="no token is set"):
        Reader(PrometheusClient(hostile.url, timeout=20), at_once=1).read([days(30)])
    assert len(hostile.asked) == 1


def test_what_was_answered_before_the_end_is_not_asked_again(server, reader):
    question = days(10)
    server.leaves_after = 6
    with pytest.raises(UnavailableError):
        reader(kept=True, at_once=1).read([question])
    server.leaves_after, before = 1 << 60, len(server.asked)
    told = []
    (answered,) = reader(kept=True).read([question], told.append)
    assert whole(answered, question)
    assert len(server.asked) - before == 4
    assert tuple(told[0]) == (10, 6, 6)
    before = len(server.asked)
    (again,) = reader(kept=True).read([question])
    assert (again, len(server.asked)) == (answered, before)
    reader(kept=True, fresh=True).read([question])
    assert len(server.asked) == before + 10


def test_the_present_and_answers_with_parts_missing_are_not_kept(server, reader):
    question = days(2)
    now = (question.last + 1) * STEP / 1000
    reader(kept=True, now=now).read([question])
    assert len(server.asked) == 2
    reader(kept=True, now=now).read([question])
    assert len(server.asked) == 3, "the newest day may still change"
    server.warns = True
    other = days(4)
    reader(kept=True, fresh=True).read([other])
    server.warns, before = False, len(server.asked)
    reader(kept=True).read([other])
    assert len(server.asked) == before + 3, "what was told with a part missing is not kept; the first day was before"


def test_a_kept_file_that_is_broken_or_of_another_question_is_not_there(server, reader, tmp_path):
    question = days(1)
    reader(kept=True).read([question])
    (path,) = (tmp_path / "kept").rglob("*.json.gz")
    raw = path.read_bytes()
    text = gzip.decompress(raw)
    broken = [gzip.compress(one) for one in (b"[]", b'{"form": 1}', text.replace(b'"up"', b'"down"'), text[:-9])]
    for held in (b"", b"{}", raw[:-9], raw[:40] + bytes(4) + raw[44:], *broken):
        path.write_bytes(held)
        before = len(server.asked)
        assert whole(reader(kept=True).read([question])[0], question)
        assert len(server.asked) == before + 1


def test_another_server_another_step_and_another_query_are_kept_apart(server, tmp_path):
    question = days(1)
    chunk = chunks_of(question)[0]
    store = Store(tmp_path, server.url)
    store.put(question, chunk, ())
    assert store.get(question, chunk) == ()
    assert Store(tmp_path, "http://elsewhere").get(question, chunk) is None
    assert store.get(Question("down", question.step, question.first, question.last), chunk) is None
    assert store.get(Question("up", 2 * STEP, question.first, question.last), chunk) is None
    assert store.get(question, Chunk(chunk.first, chunk.last - 1)) is None
    assert not [path for path in tmp_path.rglob("*") if "127.0.0.1" in str(path)], "an address may hold a password"


def test_nan_and_infinity_are_kept_as_they_came(tmp_path):
    from failsoft.clients.prometheus import Series

    question = days(1)
    chunk = chunks_of(question)[0]
    store = Store(tmp_path, "http://x")
    store.put(question, chunk, (Series({"a": 'b"\n'}, ((0.5, float("nan")), (1.0, float("inf")), (2.0, 0.1))),))
    (held,) = store.get(question, chunk)
    assert repr(held.points) == "((0.5, nan), (1.0, inf), (2.0, 0.1))"
    assert held.labels == {"a": 'b"\n'}
