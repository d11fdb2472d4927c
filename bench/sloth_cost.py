"""What the rules of one latency SLO cost a Prometheus, and how soon they fire, beside Sloth's of the same file.

Cost: the samples that the server says it reads in an hour, over all rules, with 100 replicas, scrapes of 15 s and a
full history: the statistics of one evaluation of each rule, times its evaluations. Ten replicas are there; what rules
read from the engine's own series is taken ten times.

Sooner: an onset of errors after three healthy days, at five phases of the evaluation and for three error ratios; for
each tier the evaluation at which it fires first, once a minute.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.replay import Asked, Replay, Rule, labelled
from bench.rows import Row
from bench.sloth import EVALUATION_MS, Rules, both, spec

__all__ = ["run"]

_SCRAPE = 15_000
_DAY = 86_400_000
_HOUR = 3_600_000
_REPLICAS, _WANTED = 10, 100
_FAMILY = "http_request_duration_seconds"
_RATE = 10
_RATIOS = (0.02, 0.05, 1.0)
_PHASES = (0, 12_000, 24_000, 36_000, 48_000)
_WATCHED = 4 * _HOUR
_TIERS = ("page-fast", "page-slow", "ticket-fast", "ticket-slow")
_RECORDED = {
    "slo:sli_error:ratio_rate5m": (30 * _DAY, EVALUATION_MS),
    "failsoft:slo_events_bad:increase": (30 * _DAY, 300_000),
    "failsoft:slo_events_total:increase": (30 * _DAY, 300_000),
    "failsoft:slo_pulse_bad:increase": (3 * _DAY, 60_000),
    "failsoft:slo_pulse_total:increase": (3 * _DAY, 60_000),
}


def run() -> list[Row]:
    """Samples as a share of Sloth's, and evaluations by which tiers fire after Sloth's."""
    now = int(time.time() * 1000) // _HOUR * _HOUR - 2 * _HOUR
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        return [*_cost(Path(folder) / "cost", now), *_sooner(Path(folder) / "sooner", now)]


def _queries(selector: str) -> tuple[str, str]:
    total = f"sum(rate({_FAMILY}_count{{{selector}}}[{{{{.window}}}}]))"
    return f'{total} - sum(rate({_FAMILY}_bucket{{{selector},le="0.5"}}[{{{{.window}}}}]))', total


def _cost(folder: Path, now: int) -> list[Row]:
    ours, theirs = both(spec("shop", "99.9", [("latency", *_queries('job="shop"'))]), folder)
    replay = Replay(folder / "replay")
    replay.write(_steady(now))
    replay.write(_recorded((*ours.rules, *theirs.rules), now))
    for made in (ours, theirs):
        replay.play([rule for rule in made.rules if rule.get("record") not in _RECORDED], now, now, EVALUATION_MS)
    with replay.server() as asked:
        mine, others = (_samples(asked, made, now) for made in (ours, theirs))
    print(f"samples read in an hour: failsoft {mine:,}, Sloth {others:,}: 1/{others / mine:.0f}", file=sys.stderr)
    what = f"samples read in an hour by one latency SLO, {_WANTED} replicas"
    return [
        Row(f"{what}, Sloth", others / 1e6, "M"),
        Row(f"{what}, failsoft", mine / 1e6, "M"),
        Row("the same as a share of Sloth's", mine / others, "", 1 / 300),
    ]


def _samples(asked: Asked, made: Rules, now: int) -> int:
    read = 0
    for rule, every in zip(made.rules, made.every, strict=True):
        scale = _WANTED // _REPLICAS if _FAMILY in rule["expr"] else 1
        read += asked.instant(rule["expr"], now)[1] * scale * (_HOUR // every)
    return read


def _steady(now: int) -> Iterator[tuple[str, Iterator[tuple[int, float]]]]:
    """Three days and an hour of scrapes, one event in a thousand slow."""
    for replica in range(_REPLICAS):
        labels = {"job": "shop", "pod": f"shop-{replica}"}
        for suffix, more, per_scrape in (("count", {}, 1000), ("bucket", {"le": "0.5"}, 999)):
            times = range(now - 3 * _DAY - _HOUR + replica * 137, now, _SCRAPE)
            values = ((at, float(per_scrape * index)) for index, at in enumerate(times))
            yield labelled(f"{_FAMILY}_{suffix}", labels | more), values


def _recorded(rules: tuple[Rule, ...], now: int) -> Iterator[tuple[str, Iterator[tuple[int, float]]]]:
    """What the rules have recorded before: as much as their windows can read."""
    for rule in rules:
        if rule.get("record") in _RECORDED:
            length, every = _RECORDED[rule["record"]]
            times = range(now - length - _HOUR, now + 1, every)
            yield labelled(rule["record"], rule["labels"]), ((at, 1.0) for at in times)


def _sooner(folder: Path, now: int) -> list[Row]:
    cases = [(ratio, phase) for ratio in _RATIOS for phase in _PHASES]
    queries = [(f"c{index}", *_queries(f'job="shop",case="{index}"')) for index in range(len(cases))]
    ours, theirs = both(spec("shop", "99.9", queries), folder)
    onset = now - _WATCHED
    replay = Replay(folder / "replay")
    replay.write(one for index, case in enumerate(cases) for one in _failing(str(index), *case, onset, now))
    pulses = [rule for rule in ours.rules if "slo_pulse" in rule.get("record", "")]
    replay.play(pulses, onset - 3 * _DAY, now, EVALUATION_MS)
    later = [
        rule for rule in ours.rules if rule.get("record") in {"failsoft:slo_error_ratio", "failsoft:slo_events_bad:sum"}
    ]
    later = [rule for rule in later if rule["labels"]["window"] != "30d"]
    windows = [
        rule for rule in theirs.rules if re.fullmatch(r"slo:sli_error:ratio_rate(?!30d).*", rule.get("record", ""))
    ]
    for recording in (later, windows):
        replay.play(recording, onset, now, EVALUATION_MS)
    with replay.server() as asked:
        mine = {key: _first(asked, expression, onset, now) for key, expression in _our_tiers(ours)}
        others = {key: _first(asked, expression, onset, now) for key, expression in _their_tiers(theirs)}
    return list(_compared(cases, mine, others))


def _failing(
    case: str, ratio: float, phase: int, onset: int, now: int
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Three healthy days, then a share of slow events from a moment on; scrapes come 7 s after the evaluation."""
    times = range(onset - 3 * _DAY - 600_000 + 7000, now, _SCRAPE)
    labels = {"job": "shop", "case": case}
    total = [(at, at / 1000 * _RATE % 1e9 // 1) for at in times]
    bad = [max(0, at - onset - phase) / 1000 * _RATE * ratio // 1 for at in times]
    yield labelled(f"{_FAMILY}_count", labels), total
    good = [(at, value - late) for (at, value), late in zip(total, bad, strict=True)]
    yield labelled(f"{_FAMILY}_bucket", labels | {"le": "0.5"}), good


def _our_tiers(ours: Rules) -> Iterator[tuple[tuple[str, str], str]]:
    for rule in ours.rules:
        if rule.get("alert") == "FailsoftSLOBurn":
            yield (rule["labels"]["slo"].removeprefix("shop-"), rule["labels"]["burn_tier"]), rule["expr"]


def _their_tiers(theirs: Rules) -> Iterator[tuple[tuple[str, str], str]]:
    """Sloth joins two tiers by `or` in one alert: each half by itself."""
    for rule in theirs.rules:
        if "alert" in rule:
            severity = rule["labels"]["sloth_severity"]
            for pace, part in zip(("fast", "slow"), re.split(r"\n\s*or\n", rule["expr"]), strict=True):
                yield (rule["alert"].removeprefix("shop-"), f"{severity}-{pace}"), part


def _first(asked: Asked, expression: str, first: int, last: int) -> int | None:
    found = asked.over(expression, first, last, EVALUATION_MS)
    return min((at for values in found.values() for at, _ in values), default=None)


def _compared(
    cases: list[tuple[float, int]], mine: dict[tuple[str, str], int | None], others: dict[tuple[str, str], int | None]
) -> Iterator[Row]:
    for ratio in _RATIOS:
        for tier in _TIERS:
            keys = [(f"c{index}", tier) for index, case in enumerate(cases) if case[0] == ratio]
            pairs = [(mine[key], others[key]) for key in keys]
            if any(None in pair for pair in pairs):
                raise RuntimeError(f"{tier} does not fire at {ratio:.0%}: {pairs}")
            later = [(our - their) / EVALUATION_MS for our, their in pairs if our is not None and their is not None]
            print(f"{ratio:.0%} {tier}: evaluations after Sloth's {later}", file=sys.stderr)
            yield Row(
                f"evaluations by which {tier} fires after Sloth's at {ratio:.0%}, worst of 5 phases", max(later), "", 1
            )
