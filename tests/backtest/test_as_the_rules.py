"""What a backtest says is what the compiled rules do: on the same history, step by step, promtool is the judge."""

import json
import re
from datetime import UTC, datetime
from itertools import accumulate

import pytest
from click.testing import CliRunner

from failsoft.cli import root

from .conftest import BEGIN, TTFT, Replica, series_of

STEP = 75
DAY = 86_400
END = datetime.fromtimestamp(BEGIN + DAY, UTC).isoformat()
TIERS = ("page-fast", "page-slow", "ticket-fast", "ticket-slow")

EVENTS = """
kind: SLO
metadata: {name: chat-events}
spec:
  model: chat
  indicator: {events: {bad: "failures_total", total: "requests_total"}}
  objective: 99%
  period: 1d
"""
GROUPED = EVENTS.replace("period: 1d", "period: 1d\n  groupBy: {label: tenant, added: true, cap: 2}")
EXCLUSION = """
kind: Exclusion
metadata: {name: nodes}
spec:
  slos: [chat-ttft]
  reason: Nodes are patched.
  author: ana
  weekly: {days: [wednesday, thursday], start: "04:00", end: "04:40", timeZone: UTC}
"""
"""The day is a Wednesday, and the first one of 1970, which promtool takes it for, a Thursday."""

WINDOWS = """
kind: AlertWindows
metadata: {name: own}
spec:
  period: 1d
  tiers:
    - {name: at-once, severity: page, budget: 10%, short: 2m30s, long: 1h}
    - {name: waits, severity: page, budget: 10%, short: 2m30s, long: 1h, for: 4m}
    - {name: waits-long, severity: ticket, budget: 10%, short: 2m30s, long: 1h, for: 6h}
"""
GAUGE = """
kind: SLO
metadata: {name: chat-gauge}
spec: {model: chat, indicator: {gauge: {metric: score, above: 0.8}}, objective: 99%, period: 1d}
"""
DRIFT = """
kind: DriftMonitor
metadata: {name: chat-output}
spec: {model: chat, reference: reference.json, signals: [output-length], every: 1m}
---
kind: SLO
metadata: {name: chat-drift}
spec:
  model: chat
  indicator: {drift: {monitor: chat-output, signal: output-length, below: 0.25}}
  objective: 99%
  period: 1d
"""


def backtest(folder, url, tmp_path, *more):
    """What the command says of the day, as JSON."""
    words = ["backtest", str(folder), "--prometheus", url, "--cache", str(tmp_path / "kept"), "--output", "json"]
    ran = CliRunner().invoke(root, [*words, "--since", "1d", "--until", END, *more])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def firing(slo, tiers=TIERS, steps=DAY // STEP):
    """For each tier, whether it fires at each step of the day."""
    states = {tier: [False] * (steps + 1) for tier in tiers}
    for alert in slo["alerts"]:
        start, end = (
            steps + 1 if alert[key] is None else round((datetime.fromisoformat(alert[key]).timestamp() - BEGIN) / STEP)
            for key in ("start", "end")
        )
        states[alert["tier"]][start:end] = [True] * (end - start)
    return states


def a_day():
    """What happens to two replicas that are scraped every 15 s, of which one comes late.

    An outage, a restart, bad minutes, missed scrapes, a bucket that goes missing, NaN, a slow burn.
    """
    first = Replica("a", seed=1).runs(1000, rate=12)
    first.runs(60, rate=12, bad=0.6).runs(300, rate=12)
    first.restarts().runs(40, rate=12, bad=0.5).runs(200, rate=12)
    first.runs(80, rate=12, bad=0.4, missed=True).runs(320, rate=12)
    first.runs(40, rate=12, bad=0.9, without=("0.5",)).runs(360, rate=12)
    first.runs(40, rate=0, nan=True).runs(160, rate=12)
    first.runs(2400, rate=12, bad=0.035).runs(761, rate=12)
    second = Replica("b", seed=2).absent(1500).runs(len(first.scrapes) - 1500, rate=6, bad=0.004)
    return series_of(first, second)


@pytest.mark.slow
def test_every_tier_fires_at_the_very_steps_at_which_the_rules_fire(workspace, server_of, rules_say, tmp_path):
    series, folder = a_day(), workspace(TTFT, EXCLUSION)
    found = backtest(folder, server_of(series), tmp_path)
    (slo,) = found["slos"]
    states = firing(slo)
    assert all(any(of) and not all(of) for of in states.values()), "the day has something for every tier"
    assert (slo["pages"], slo["tickets"]) == (3, 4)
    budget, left = slo["budget"], slo["excluding"]
    assert left["seconds"] == 40 * 60
    assert left["spent"] < budget["spent"] - 0.4, "the outage lies within what is excluded"
    also = [
        f'abs(1 - max(failsoft:slo_budget_{name}:ratio{{slo="chat-ttft"}}) - {spent}) < bool 0.01'
        for name, spent in (("remaining", left["spent"]), ("remaining_of_all", budget["spent"]))
    ]
    said = rules_say(folder, series, STEP, states, also)
    assert said.ok, said.stdout[-3000:] + said.stderr[-3000:]
    # the judge can tell: one step later is another thing
    late = states | {"page-fast": [False, *states["page-fast"][:-1]]}
    assert not rules_say(folder, series, STEP, late).ok

    seen = slo["seen"]
    assert (seen["pulses"], seen["expected"], seen["gaps"]) == (1152, 1152, [])
    assert (seen["resets"], seen["seriesNaN"], seen["series"]) == (1, 1, {"fewest": 1, "most": 2})
    assert [one["code"] for one in found["findings"]] == ["FS457", "FS459"]


@pytest.mark.slow
def test_tiers_that_wait_fire_as_late_as_their_rules(workspace, server_of, rules_say, tmp_path):
    series, folder = a_day(), workspace(TTFT, WINDOWS)
    (slo,) = backtest(folder, server_of(series), tmp_path)["slos"]
    tiers = ("at-once", "waits", "waits-long")
    states = firing(slo, tiers)
    first = [states[tier].index(True) for tier in tiers[:2]]
    assert first[1] - first[0] == 4, "4 minutes are four evaluations of 75 s, begun ones included"
    assert not any(states["waits-long"])
    said = rules_say(folder, series, STEP, states)
    assert said.ok, said.stdout[-3000:] + said.stderr[-3000:]


@pytest.mark.slow
def test_groups_have_alerts_of_their_own_and_the_small_ones_are_one(workspace, server_of, rules_say, tmp_path):
    """Four tenants, of which two are counted by themselves; one of these fails for an hour, a small one for another."""
    rates = {"acme": 9, "busy $1": 7, "small": 2, "tiny": 1}
    series = {}
    for tenant, rate in rates.items():
        bad = {"acme": range(2000, 2240), "tiny": range(3500, 3740)}.get(tenant, ())
        failed = list(accumulate(rate if index in bad else 0 for index in range(5761)))
        series[f'requests_total{{tenant="{tenant}"}}'] = [1000 + rate * index for index in range(5761)]
        series[f'failures_total{{tenant="{tenant}"}}'] = [1000 + count for count in failed]
    folder = workspace(GROUPED)
    slos = {slo["group"]["group"]: slo for slo in backtest(folder, server_of(series), tmp_path)["slos"]}
    assert set(slos) == {"acme", "busy $1", "(other)"}
    assert (slos["acme"]["pages"], slos["busy $1"]["pages"], slos["(other)"]["pages"]) == (1, 0, 1)
    states = {f"{tier}/{group}": of for group, slo in slos.items() for tier, of in firing(slo).items()}
    said = rules_say(folder, series, STEP, states)
    assert said.ok, said.stdout[-3000:] + said.stderr[-3000:]


@pytest.mark.slow
def test_failures_that_have_no_counter_before_the_first_one(workspace, server_of, rules_say, tmp_path):
    """Requests are there for a day, failures for an hour; then the counter is gone with its replica."""
    requests = [1000 + 5 * index for index in range(5761)]
    failures = [None] * 3000 + [5 * index for index in range(1, 241)] + [1200] * 500 + [None] * 2021
    series = {'requests_total{job="a"}': requests, 'failures_total{job="a"}': failures}
    folder = workspace(EVENTS)
    (slo,) = backtest(folder, server_of(series), tmp_path)["slos"]
    states = firing(slo)
    assert any(states["page-fast"])
    said = rules_say(folder, series, STEP, states)
    assert said.ok, said.stdout[-3000:] + said.stderr[-3000:]
    assert slo["seen"]["failuresSeen"] is True


@pytest.mark.slow
def test_slices_of_a_gauge_that_is_nan_and_gone_for_a_while(workspace, server_of, rules_say, tmp_path):
    score = [0.9] * 2000 + [0.5] * 300 + [None] * 400 + [0.95] * 900 + ["NaN"] * 200 + [0.7] * 100 + [0.9] * 1861
    series = {"score": score}
    folder = workspace(GAUGE)
    found = backtest(folder, server_of(series), tmp_path)
    (slo,) = found["slos"]
    states = firing(slo)
    assert any(states["page-fast"])
    said = rules_say(folder, series, STEP, states)
    assert said.ok, said.stdout[-3000:] + said.stderr[-3000:]
    assert len(slo["seen"]["gaps"]) == 2, "what is NaN is no slice that could be judged"
    assert {one["code"] for one in found["findings"]} == {"FS455", "FS457"}


@pytest.mark.slow
def test_a_drift_evaluation_that_stalls_pages_and_is_no_burn(workspace, server_of, rules_say, tmp_path):
    times = [BEGIN + 15 * index for index in range(5761)]
    moving = times[:2000] + [times[2000]] * 400 + times[2400:]
    labels = 'model="chat",monitor="chat-output",signal="output-length"'
    scores = [0.1] * 3000 + [0.9] * 400 + [0.1] * 2361
    series = {
        f'failsoft_drift_score{{{labels},statistic="psi"}}': scores,
        f"failsoft_drift_evaluated_timestamp_seconds{{{labels}}}": moving,
    }
    folder = workspace(DRIFT)
    (slo,) = backtest(folder, server_of(series), tmp_path)["slos"]
    states = firing(slo, (*TIERS, "stale"))
    assert any(states["page-fast"])
    assert any(states["stale"])
    assert {one["severity"] for one in slo["alerts"] if one["tier"] == "stale"} == {"page"}
    # promtool begins in 1970: there an evaluation is as old as it is here
    name = f"failsoft_drift_evaluated_timestamp_seconds{{{labels}}}"
    said = rules_say(folder, series | {name: [at - BEGIN for at in moving]}, STEP, states)
    assert said.ok, re.sub(r"\n+", "\n", said.stdout[-3000:] + said.stderr[-3000:])
