"""On a real Prometheus, over histories with everything that happens to scrapes: what is recorded, and what is lost.

Histories are blocks, and the compiled expressions are evaluated as the server's rules would be, at several phases: no
clock is waited for, so a busy machine changes nothing.
"""

import json
import random
import re
import urllib.parse
import urllib.request
from bisect import bisect_right
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import pytest
import yaml

from failsoft.clients.binaries import run_tool

BEGIN = 1_700_006_400
SCRAPE, HOURS = 15, 3
END = BEGIN + HOURS * 3600
pytestmark = pytest.mark.slow
PHASES = (0, 4, 11, 37, 61)
FAMILY = "vllm:time_to_first_token_seconds"
SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 1d}
"""


class Replica:
    """A process that is asked for something in bursts, a fifth of it slow, and the scrapes of it.

    Args:
        name: its instance.
        born, gone: seconds since the beginning between which it is scraped and asked.
        restarts: when its counters begin anew.
        jitter: seconds by which a scrape may come early or late.
        missed: whether a scrape is missed, by its index.
        before: what it had counted before.
        apart: seconds between two bursts of ten.
    """

    def __init__(
        self,
        name,
        *,
        born=0,
        gone=HOURS * 3600,
        restarts=(),
        jitter=0.0,
        missed=lambda _: False,
        before=1_000_000,
        apart=7.3,
    ):
        self.name, self.before, self.restarts, self.apart = name, before, restarts, apart
        draw = random.Random(name)
        self.bursts = [born + apart * index for index in range(int((gone - born) / apart))]
        times = [index * SCRAPE + draw.uniform(-jitter, jitter) for index in range(HOURS * 3600 // SCRAPE)]
        there = [(index, at) for index, at in enumerate(times) if born <= at <= gone]
        self.scrapes = [at for index, at in there if not missed(index)]
        self.gaps = [(one, other) for one, other in pairwise(self.scrapes) if other - one > SCRAPE * 1.5]

    def count(self, at):
        """Events that the process says at a moment."""
        begun = max((one for one in self.restarts if one <= at), default=None)
        if begun is None:
            return self.before + 10 * bisect_right(self.bursts, at)
        return self.between(begun, at)

    def between(self, begin, end):
        """Events of a time."""
        return 10 * (bisect_right(self.bursts, end) - bisect_right(self.bursts, begin))

    def seen(self, begin, end):
        """Events of a time between the first scrape and the last one, but those that a restart took with it."""
        first, last = max(begin, self.scrapes[0]), min(end, self.scrapes[-1])
        lost = sum(self.between(max(at for at in self.scrapes if at <= one), one) for one in self.restarts)
        return self.between(first, last) - lost

    @property
    def across(self):
        """Events between two scrapes of which one between was missed."""
        return sum(self.between(*gap) for gap in self.gaps)

    @property
    def blur(self):
        """Events of a scrape at the begin and the end of what is looked at, of its own life, and at each restart."""
        return (4 + len(self.restarts)) * 10 * ceil(SCRAPE / self.apart)

    def samples(self):
        labels = f'job="vllm",model_name="chat-70b",instance="{self.name}"'
        for at in self.scrapes:
            total = self.count(at)
            yield "_bucket", f'{FAMILY}_bucket{{{labels},le="0.5"}} {total * 4 // 5} {BEGIN + at:.3f}'
            yield "_bucket", f'{FAMILY}_bucket{{{labels},le="+Inf"}} {total} {BEGIN + at:.3f}'
            yield "_count", f"{FAMILY}_count{{{labels}}} {total} {BEGIN + at:.3f}"


def history(replicas):
    lines = {"_bucket": [], "_count": []}
    for replica in replicas:
        for part, line in replica.samples():
            lines[part].append(line)
    text = "".join(f"# TYPE {FAMILY}{part} unknown\n" + "\n".join(found) + "\n" for part, found in lines.items())
    return text + "# EOF\n"


class Recorded(NamedTuple):
    """What was recorded at one phase: events, in fact and naively, steps among those expected, and the time of them."""

    total: float
    bad: float
    naive: float
    coverage: float
    begin: float
    end: float


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.newest_prometheus)])
def recorded(request, written, prometheus_server, promtool, tmp_path):
    """What the rules of the budget record of a history, at each phase: `recorded(Replica("a"))`."""
    workspace = written(SLO)
    made, step = workspace.compiled()[0], workspace.resolve("s")[0].step // 1000
    groups = yaml.safe_load(made.files["rules/chat.yaml"])["groups"]
    (budget,) = [group for group in groups if group["name"] == "s/budget"]
    rules = {rule["record"]: rule["expr"] for rule in budget["rules"]}
    of_bad = rules["failsoft:slo_events_bad:increase"]
    # the rule before has recorded this at the very moment
    of_all = re.sub(
        r"failsoft:slo_events_bad:increase\{.*\}", lambda _: f"({of_bad})", rules["failsoft:slo_events_total:increase"]
    )
    # the increase over one step, which does not know what came between two windows
    naive = f"sum(increase({FAMILY}_count[{step}s]))"
    binary = request.getfixturevalue("newest_prometheus") if request.param == "newest" else None

    def ask(url, expression, begin):
        asked = {"query": expression, "start": begin, "end": END, "step": step}
        with urllib.request.urlopen(f"{url}/api/v1/query_range?{urllib.parse.urlencode(asked)}", timeout=60) as answer:
            found = json.load(answer)["data"]["result"]
        assert len(found) == 1, (expression, begin, found)
        return [float(value) for _, value in found[0]["values"]]

    def judge(*replicas):
        (tmp_path / "history.om").write_text(history(replicas))
        words = ["tsdb", "create-blocks-from", "openmetrics", tmp_path / "history.om", tmp_path / "data"]
        blocks = run_tool([promtool, *words])
        assert blocks.ok, blocks.stderr
        flags = {"storage.tsdb.path": str(tmp_path / "data")}
        url = prometheus_server("global: {}", flags=flags, binary=binary).url
        found = []
        for phase in PHASES:
            begin = BEGIN + phase + step
            total, bad, once = (ask(url, expression, begin) for expression in (of_all, of_bad, naive))
            steps = (END - begin) // step + 1
            # a record is of the step before it, and ends a fifth of a scrape ago
            time = phase - SCRAPE / 5, phase - SCRAPE / 5 + steps * step
            found.append(Recorded(sum(total), sum(bad), sum(once), len(total) / steps, *time))
        return found

    return judge


@pytest.mark.parametrize(
    "replicas",
    [
        pytest.param((Replica("a", jitter=0.4), Replica("b", jitter=0.4, apart=3.1)), id="jittered scrapes"),
        pytest.param((Replica("a", before=0, apart=97.0), Replica("b", before=3, apart=61.0)), id="near zero"),
        pytest.param((Replica("a", restarts=(2000, 2030, 7777)), Replica("b", restarts=(5000,))), id="resets"),
        pytest.param(
            (Replica("a"), Replica("b", born=3001, gone=6002), Replica("c", born=4444, before=0)), id="come and go"
        ),
    ],
)
def test_each_event_between_scrapes_is_recorded_once(recorded, replicas):
    """All but what no scrape ever saw: before the first one, and between the last one and a restart."""
    blur = sum(one.blur for one in replicas)
    for found in recorded(*replicas):
        seen = sum(one.seen(found.begin, found.end) for one in replicas)
        assert seen > 10 * blur
        assert found.total == pytest.approx(seen, abs=blur)
        assert found.bad == pytest.approx(found.total / 5, rel=0.01)
        assert found.coverage == 1


def test_a_burst_in_every_step_is_recorded_once_wherever_it_falls(recorded):
    """The naive increase finds it never, or for a quarter more, and the test can tell."""
    replica, naive = Replica("a", apart=75.0), []
    for found in recorded(replica):
        seen = replica.seen(found.begin, found.end)
        assert found.total == pytest.approx(seen, abs=20)
        naive.append(abs(found.naive - seen))
    assert sorted(naive)[1] > 200, "where samples lie on the edges of closed windows, it happens to be right"


def test_scrapes_far_out_of_time_lose_little(recorded):
    """Two seconds early or late, of fifteen: a window then has a sample more or less than it should."""
    replicas = (Replica("a", jitter=2.0), Replica("b", jitter=2.0, apart=3.1))
    for found in recorded(*replicas):
        seen = sum(one.seen(found.begin, found.end) for one in replicas)
        assert found.total == pytest.approx(seen, rel=0.02)
        assert found.bad == pytest.approx(seen / 5, rel=0.02)


def test_a_missed_scrape_loses_at_most_what_came_between_its_neighbours(recorded):
    """Of 2 % and 3 % of all scrapes. Every step has others, so the coverage stays whole."""
    replicas = (
        Replica("a", missed=lambda index: index % 50 == 7),
        Replica("b", missed=lambda index: index % 31 == 3),
    )
    blur = sum(one.blur for one in replicas)
    for found in recorded(*replicas):
        seen = sum(one.seen(found.begin, found.end) for one in replicas)
        assert seen - sum(one.across for one in replicas) - blur <= found.total <= seen + blur
        assert found.coverage == 1


def test_a_time_without_scrapes_is_lost_and_the_coverage_tells(recorded):
    """Twenty-five minutes of three hours: nothing is filled in, though the counter knows it all afterwards."""
    replica = Replica("a", missed=lambda index: 200 <= index < 300)
    for found in recorded(replica):
        rest = replica.seen(found.begin, found.end) - replica.across
        assert found.total == pytest.approx(rest, abs=replica.blur)
        assert found.coverage == pytest.approx(1 - 1500 / (found.end - found.begin), abs=0.015)
