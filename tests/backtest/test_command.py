"""`failsoft backtest` as people call it: what it shows, what it could not see, what it keeps, and how it fails."""

import json
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from failsoft.cli import main
from failsoft.clients.prometheus.history import reader

from .conftest import BEGIN, TTFT, Replica

HOUR = 240
"""Scrapes."""

HOURS = 6
UNTIL = datetime.fromtimestamp(BEGIN + HOURS * 3600, UTC).strftime("%Y-%m-%dT%H:%M")
SLO = """
kind: Model
metadata: {name: NAME}
spec: {engine: vllm, select: {job: vllm, model_name: NAME}, owner: assistants}
---
kind: SLO
metadata: {name: NAME-ttft}
spec: {model: NAME, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 1d}
"""
AVAILABILITY = """
kind: SLO
metadata: {name: chat-availability}
spec: {model: chat, indicator: {events: {bad: failures_total, total: requests_total}}, objective: 99%, period: 1d}
"""


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs the command: `run(folder, url, "--since", "6h")` gives its exit code and what it printed."""
    monkeypatch.setattr(reader, "TRIES", 2)

    def call(folder, url, *more):
        words = ["backtest", str(folder), "--prometheus", url, "--cache", str(tmp_path / "kept"), *more]
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return call


def of_model(replica, model):
    return {name.replace("chat-70b", model): values for name, values in replica.series()}


@pytest.fixture
def told(workspace, server_of):
    """A workspace of five SLOs, and a server that holds their six hours."""
    steps = HOURS * HOUR + 1
    well = Replica("a", seed=3).runs(2 * HOUR, rate=12).runs(40, rate=12, bad=0.7).runs(steps - 2 * HOUR - 40, rate=12)
    late = Replica("b", seed=4).absent(2 * HOUR).runs(HOUR, rate=5).absent(100).runs(3 * HOUR - 99, rate=5)
    halved = Replica("c", seed=5).runs(HOUR, rate=5).runs(5 * HOUR + 1, rate=5, without=("0.5",))
    seldom = Replica("d", seed=6).runs(steps, rate=5)
    seldom.scrapes = [
        scrape if index % 4 == 0 else dict.fromkeys(scrape) for index, scrape in enumerate(seldom.scrapes)
    ]
    series = dict(well.series()) | of_model(late, "late") | of_model(halved, "halved") | of_model(seldom, "seldom")
    series['requests_total{job="a"}'] = list(range(steps))
    names = ("late", "halved", "seldom", "gone")
    return workspace(TTFT, AVAILABILITY, *(SLO.replace("NAME", name) for name in names)), server_of(series)


def test_everything_that_could_not_be_seen_is_said_and_none_of_it_is_filled_in(told, run):
    code, out, _ = run(*told, "--since", "6h", "--until", UNTIL, "--output", "json")
    found = json.loads(out)
    assert code == 1, "an SLO of which nothing was seen is an error, not a quiet one"
    said = {(one["code"], one["message"].partition(":")[0]): one["message"] for one in found["findings"]}
    assert set(said) == {
        ("FS452", "gone-ttft"),
        ("FS454", "late-ttft"),
        ("FS455", "late-ttft"),
        ("FS455", "halved-ttft"),
        ("FS456", "halved-ttft"),
        ("FS455", "seldom-ttft"),
        ("FS458", "seldom-ttft"),
        ("FS460", "chat-availability"),
    }
    assert "begins on 15 Nov 02:0" in said["FS454", "late-ttft"]
    assert "in 1 gap; the longest is from 15 Nov 03:0" in said["FS455", "late-ttft"]
    assert "about 1m apart, the workspace says 15s" in said["FS458", "seldom-ttft"]
    slos = {slo["slo"]: slo for slo in found["slos"]}
    assert (slos["gone-ttft"]["pages"], slos["gone-ttft"]["budget"]["worst"]) == (None, None)
    assert slos["gone-ttft"]["seen"]["coverage"] == 0
    assert slos["halved-ttft"]["seen"]["pulsesWithoutBad"] == pytest.approx(5 * 48, abs=2)
    assert slos["late-ttft"]["seen"]["pulses"] == pytest.approx((4 * HOUR - 100) / 5, abs=2)
    assert slos["chat-availability"]["budget"]["spent"] == 0


def test_people_read_what_would_have_fired_and_what_they_can_promise(told, run):
    code, out, err = run(*told, "--since", "6h", "--until", UNTIL, "--slo", "chat-ttft")
    assert (code, out.count("\n\n")) == (0, 4)
    assert re.search(r"^  1 page, 1 ticket; \d+% of the budget spent at the end", out, re.MULTILINE)
    assert re.search(r"^  page +page-fast +15 Nov 02:0\d UTC  15 Nov 02:\d\d UTC ", out, re.MULTILINE)
    assert re.search(r"^  99% +1 +1 .*as written$", out, re.MULTILINE)
    thresholds = re.findall(r"^  (250ms|500ms|750ms|1s) +\d", out, re.MULTILINE)
    assert thresholds == ["250ms", "500ms", "750ms", "1s"], "the bounds that are in the history, in order"
    assert "asking Prometheus: 0 of 5 queries" in err


def test_a_short_history_promises_nothing_and_says_so(told, run, tmp_path):
    folder, url = told
    asked = ("--until", UNTIL, "--slo", "chat-ttft", "--since", "6h")
    _, out, _ = run(folder, url, *asked)
    assert (
        "promise? Not by this: less than half of 1d was seen, and the rest may be worse; in the 25% of 1d that" in out
    )
    html = tmp_path / "page.html"
    _, out, _ = run(folder, url, *asked, "--output", "json", "--html", str(html))
    assert json.loads(out)["slos"][0]["enoughSeen"] is False
    assert 'class="promises thin"' in html.read_text()


def test_what_was_kept_is_not_asked_again_and_an_edited_objective_asks_nothing(told, run):
    folder, url = told
    _, first, _ = run(folder, url, "--since", "6h", "--until", UNTIL, "--slo", "chat-ttft")
    _, again, err = run(folder, url, "--since", "6h", "--until", UNTIL, "--slo", "chat-ttft")
    assert "5 queries, 5 of them kept from an earlier run" in again
    assert "5 of 5 queries, 5 kept from an earlier run" in err
    assert again.partition("\n\n")[2] == first.partition("\n\n")[2]
    text = (folder / "failsoft.yaml").read_text()
    (folder / "failsoft.yaml").write_text(text.replace("objective: 99%", "objective: 90%", 1))
    _, other, _ = run(folder, url, "--since", "6h", "--until", UNTIL, "--slo", "chat-ttft")
    assert "5 queries, 5 of them kept" in other
    assert "90% over 1d: at most 10% of requests" in other


class Loads(HTMLParser):
    """What a page would load, and what it draws."""

    def __init__(self):
        super().__init__()
        self.loads, self.drawn, self.unnamed = [], 0, 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.loads += [tag] if tag in {"script", "link", "img", "iframe"} else []
        self.loads += [given[key] for key in ("src", "href") if key in given and not given[key].startswith("#")]
        self.drawn += tag == "svg"
        self.unnamed += tag == "svg" and not given.get("aria-label")


def test_the_page_loads_nothing_and_draws_every_slo(told, run, tmp_path):
    html = tmp_path / "page.html"
    run(*told, "--since", "6h", "--until", UNTIL, "--html", str(html))
    text = html.read_text()
    seen = Loads()
    seen.feed(text)
    assert (seen.loads, seen.unnamed) == ([], 0)
    assert seen.drawn == 2 * 5, "two charts of each SLO of which something was seen"
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert "gone-ttft: from 15 Nov 00:01 UTC" in text
    assert text.count("nobody knows what would have fired") == 1


def test_a_run_that_is_killed_goes_on_where_it_was(steady, workspace, run, tmp_path):
    folder = workspace(AVAILABILITY.replace("period: 1d", "period: 30d"))
    words = ["backtest", str(folder), "--prometheus", steady.url, "--cache", str(tmp_path / "kept"), "--since", "30d"]
    with subprocess.Popen([sys.executable, "-m", "failsoft", *words], stdout=-1, stderr=-1) as started:
        steady.admits.release(20)
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "kept").rglob("*.json.gz"))) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        started.send_signal(signal.SIGKILL)
    steady.admits.release(1000)
    code, out, _ = run(folder, steady.url, "--since", "30d", "--output", "json")
    queries = json.loads(out)["queries"]
    assert (code, queries["kept"]) == (0, 20)
    assert len(set(steady.asked)) == queries["all"]
    assert len(steady.asked) <= queries["all"] + 2, "only what was under way when it was killed is asked again"
    assert queries["all"] <= 93, "thirty days and the period before them, a query a day; and what they rest upon"


def test_ctrl_c_ends_it_with_a_word_about_what_is_kept(steady, workspace, tmp_path):
    folder = workspace(AVAILABILITY)
    words = ["backtest", str(folder), "--prometheus", steady.url, "--cache", str(tmp_path / "kept"), "--since", "9d"]
    with subprocess.Popen([sys.executable, "-m", "failsoft", *words], stdout=-1, stderr=-1, text=True) as started:
        steady.admits.release(3)
        deadline = time.monotonic() + 60
        while len(steady.asked) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        steady.admits.release(10)
        out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (130, "")
    assert f"stopped; what was answered is kept in {tmp_path / 'kept'}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--slo", "chat-ttfd"], "there is no SLO 'chat-ttfd' in this workspace; did you mean"),
        (["--since", "30s"], "--since is shorter than the recording step of chat-ttft, 1m15s"),
        (["--since", "30"], "is no duration"),
        (["--until", "yesterday"], "'yesterday' is no time; expected one such as 2027-01-30"),
        (["--until", "1970-01-01"], "30d before --until is before 1970"),
        (["--html", "no/such/folder/page.html"], "there is no folder"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_asked(more, says, steady, workspace, run):
    code, out, err = run(workspace(TTFT), steady.url, *more)
    assert (code, out, steady.asked) == (2, "", [])
    assert says in err


def test_a_page_replaces_a_page_and_no_other_file(steady, workspace, run, tmp_path):
    steady.admits.release(100)
    folder, html, words = workspace(TTFT), tmp_path / "page.html", ("--since", "1h", "--html")
    for other in (folder / "failsoft.yaml", tmp_path / "notes.txt"):
        (tmp_path / "notes.txt").write_text("mine")
        before = other.read_text()
        code, _, err = run(folder, steady.url, *words, str(other))
        assert (code, other.read_text(), steady.asked) == (2, before, [])
        assert f"cannot write {other}: it is there, and no page" in err
    for _ in range(2):
        assert run(folder, steady.url, *words, str(html))[0] == 0
    assert html.read_text().startswith("<!doctype html>")


def test_a_workspace_with_errors_asks_nothing(steady, workspace, run):
    folder = workspace(TTFT)
    (folder / "more.yaml").write_text(TTFT.replace("chat-ttft", "other").replace("objective", "objektive").lstrip())
    code, _, err = run(folder, steady.url)
    assert (code, "FS202" in err, len(steady.asked)) == (1, True, 0)


def test_an_slo_that_cannot_be_compiled_is_said_and_the_others_are_replayed(steady, workspace, run):
    steady.admits.release(100)
    folder = workspace(AVAILABILITY, TTFT.replace("500ms", "600ms"))
    code, out, err = run(folder, steady.url, "--since", "1h")
    assert (code, "FS401" in err) == (1, True)
    assert "chat-availability" in out


def test_a_server_that_is_no_prometheus_is_an_error_and_no_quiet_month(workspace, run, tmp_path):
    html = tmp_path / "page.html"
    code, out, err = run(workspace(TTFT), "http://127.0.0.1:1", "--html", str(html))
    assert (code, out, html.exists()) == (2, "", False)
    assert "cannot be reached" in err
    assert "kept" not in err, "nothing was answered"
    assert "Traceback" not in err


def test_a_server_that_hangs_is_given_up_at_the_greeting(steady, workspace, run):
    steady.hangs = True
    code, out, err = run(workspace(TTFT), steady.url, "--since", "30d", "--timeout", "300ms")
    assert (code, out, steady.greeted, steady.asked) == (2, "", 1, [])
    assert "did not answer within 0.3 s" in err


def test_a_server_that_is_busy_at_the_greeting_is_waited_for(steady, workspace, run, monkeypatch):
    pauses = []
    monkeypatch.setattr("failsoft.clients.prometheus.patience.sleep", pauses.append)
    steady.busy = 1
    steady.admits.release(100)
    code, out, _ = run(workspace(AVAILABILITY), steady.url, "--since", "2d", "--until", "2026-01-31")
    assert (code, steady.greeted, pauses) == (0, 2, [1.0])
    assert "chat-availability" in out


def test_what_is_kept_is_replayed_without_a_server(steady, workspace, run):
    steady.admits.release(100)
    folder, words = workspace(AVAILABILITY), ("--since", "2d", "--until", "2026-01-31")
    code, out, _ = run(folder, steady.url, *words)
    assert (code, steady.greeted) == (0, 1)
    steady.hangs = True
    again, same, _ = run(folder, steady.url, *words)
    assert (again, same.partition("\n")[2]) == (0, out.partition("\n")[2])
    assert steady.greeted == 1


def test_an_address_that_is_none_is_told_before_anything_is_counted(workspace, run):
    folder = workspace(TTFT)
    for address in ("localhost:9090", "joe:hunter2@localhost:9090", "ftp://localhost:9090", "http:///"):
        code, out, err = run(folder, address)
        shown = address.removeprefix("joe:hunter2@")
        told = f"failsoft: the Prometheus address '{shown}' is no HTTP URL: write one such as http://HOST:9090\n"
        assert (code, out, err) == (2, "", told)


def test_what_was_answered_before_it_went_away_is_kept_and_told(steady, workspace, run, tmp_path):
    steady.admits.release(100)
    steady.goes_after = 4
    code, _, err = run(workspace(AVAILABILITY), steady.url, "--since", "9d", "--cache", str(tmp_path / "kept"))
    assert code == 2
    assert f"; what was answered is kept in {tmp_path / 'kept'}: the same command goes on from there\n" in err


REFUSAL = json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error: unexpected end of input"})


@pytest.mark.parametrize(
    ("says", "code", "words"),
    [
        ((200, "<html>Please sign in</html>"), 2, "answered HTML, not JSON: is it Prometheus?"),
        ((502, "<h1>upstream</h1>"), 2, "answered 502"),
        ((401, "no"), 2, "answered 401: no (no token is set)"),
        ((400, REFUSAL), 1, "error[FS453] chat-ttft: Prometheus refuses the query: parse error"),
    ],
)
def test_a_server_that_says_no_is_told_in_words(says, code, words, steady, workspace, run):
    steady.admits.release(100)
    steady.says = says
    ended, out, err = run(workspace(TTFT), steady.url, "--since", "1h")
    assert ended == code
    assert words in err
    assert "Traceback" not in err
    assert "chat-ttft" not in out, "nothing is said about what nobody knows"


def test_an_address_with_a_password_is_shown_without_it(steady, workspace, run):
    steady.admits.release(100)
    url = steady.url.replace("http://", "http://joe:hunter2@")
    _, out, err = run(workspace(TTFT), url, "--since", "1h", "--output", "json")
    assert json.loads(out)["server"] == steady.url
    assert "hunter2" not in out + err


def test_help_says_what_the_exit_codes_mean():
    from failsoft.cli import root

    shown = CliRunner().invoke(root, ["backtest", "--help"]).output
    assert "Exit codes: 0 it ran" in shown
