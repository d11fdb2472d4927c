"""Health, readiness and metrics say what is so, and leave out what is not known."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

from failsoft.runbooks.stats import Stats
from failsoft.server.drift import DriftBoard
from failsoft.server.metrics import Metrics
from failsoft.server.probes import ProbeBoard

STATS = Stats(
    deliveries=9,
    incidents={"open": 1},
    open_incidents={"chat": 1},
    runs={"waiting": 2},
    questions={"waiting": 1},
    clicks={"honoured": 1},
    letters={("page", "pending"): 3},
    oldest_letter=4.5,
    undriven=0.0,
    interrupted=0,
    unclaimed=0,
    workers=1,
    lease_age=0.7,
    kill_switches=0,
)


async def test_readiness_says_why_not_and_health_is_not_readiness(site):
    site.unready = "the database is not migrated yet"
    assert await site.get("/readyz") == (503, "the database is not migrated yet\n")
    assert (await site.get("/healthz"))[0] == 200
    site.unready = ""
    assert await site.get("/readyz") == (200, "ok\n")


async def test_the_database_is_absent_from_the_metrics_while_it_does_not_answer(site):
    lines = await site.scrape()
    assert "failsoft_database_up 0.0" in lines
    assert "failsoft_up 1.0" in lines
    assert not [line for line in lines if line.startswith(("failsoft_incidents", "failsoft_outbox", "failsoft_runs"))]
    site.stats = STATS
    lines = await site.scrape()
    assert "failsoft_database_up 1.0" in lines
    assert 'failsoft_incidents{state="open"} 1.0' in lines
    assert 'failsoft_incidents_open{model="chat"} 1.0' in lines
    assert 'failsoft_runs{state="waiting"} 2.0' in lines
    assert 'failsoft_outbox{kind="page",state="pending"} 3.0' in lines
    assert "failsoft_outbox_oldest_seconds 4.5" in lines
    assert "failsoft_workers 1.0" in lines
    assert "failsoft_lease_age_seconds 0.7" in lines
    site.stats = replace(STATS, lease_age=None)
    assert not [line for line in await site.scrape() if line.startswith("failsoft_lease_age")]
    site.stats = None
    assert not [line for line in await site.scrape() if line.startswith("failsoft_incidents")]


async def test_the_heartbeat_is_the_workers_and_not_the_scrapes(site):
    assert "failsoft_heartbeat_timestamp_seconds 0.0" in await site.scrape()
    site.metrics.alive(1_795_000_000)
    assert "failsoft_heartbeat_timestamp_seconds 1.795e+09" in await site.scrape()


async def test_openmetrics_is_spoken_to_those_who_ask(site):
    status, text = await site.get("/metrics", Accept="application/openmetrics-text;version=1.0.0")
    assert status == 200
    assert text.endswith("# EOF\n")


def test_every_metric_is_documented_and_none_that_is_documented_is_missing():
    metrics = Metrics()
    metrics.registry.register(DriftBoard())
    metrics.registry.register(ProbeBoard())
    metrics.watch_slack()
    metrics.database.stats = STATS
    families = [family for family in metrics.registry.collect() if not family.name.startswith("process_")]
    exported = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    sections = [part for part in text.split("\n## ") if part.startswith("`failsoft serve`")]
    documented = {name for part in sections for name in re.findall(r"^\| `(failsoft_\w+)`", part, re.MULTILINE)}
    assert exported == documented


async def test_no_answer_waits_for_a_delayed_acknowledgement(site):
    """With Nagle's algorithm on, the second piece of each answer comes 40 ms late once the connection is warm."""
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(20):
        started = loop.time()
        await site.get("/readyz")
        times.append(loop.time() - started)
    assert min(times[10:]) < 0.03
