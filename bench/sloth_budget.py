"""What is said of a 30-day budget, beside Sloth's word and the truth, where traffic and errors are not even.

Thirty days of scrapes, 15 s apart, in a real Prometheus; the rules of both record over all of it at their own paces,
and the last error ratio of the period is compared with that of the events themselves.
"""

import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from bench.replay import Replay, Rule, labelled
from bench.rows import Row
from bench.sloth import EVALUATION_MS, both, spec

__all__ = ["run"]

_SCRAPE = 15_000
_MINUTE = 60_000
_HOUR = 3_600_000
_DAY = 86_400_000
_PERIOD = 30 * _DAY
_STEP = 300_000
_FAMILY = "http_request_duration_seconds"
_CODES = "http_requests_total"
_CLOSE = 0.01


class Case(NamedTuple):
    """A month: events of a scrape interval by its time, which of them are bad, and when the bad ones' series is there.

    Attributes:
        name: in words.
        total: milliseconds since the beginning -> events until the next scrape.
        bad: the same -> bad ones among them.
        comes: whether bad events have a series of their own, that is there only while there are some.
    """

    name: str
    total: Callable[[int], int]
    bad: Callable[[int], int]
    comes: bool = False


def _hour(at: int) -> int:
    return at % _DAY // _HOUR


def _uneven(at: int) -> int:
    """A busy hour at noon with 1,000 events a scrape, and nights with 2."""
    return round(2 + 998 * math.exp(-(((at % _DAY) / _HOUR - 12.5) ** 2) / 4))


_CASES = (
    Case("errors in the busy hour", _uneven, lambda at: _uneven(at) // 20 if _hour(at) == 12 else 0),
    Case("errors in the quiet hour", _uneven, lambda at: 1 if _hour(at) == 3 else 0),
    Case(
        "traffic that stops for 20 minutes a day",
        lambda at: 0 if at % _DAY < 20 * _MINUTE else 200,
        lambda at: 0 if at % _DAY < 20 * _MINUTE else int(at % 60_000 == 0),
    ),
    Case("bursts between two windows", lambda _: 100, lambda at: 40 if at % _STEP == _STEP - _SCRAPE else 0),
    Case(
        "an error series that comes and goes",
        lambda _: 200,
        lambda at: 50 if _hour(at) == 5 and at % _HOUR < 40 * _MINUTE else 0,
        comes=True,
    ),
)


def run() -> list[Row]:
    """How far each word is from the truth, as a share of the truth."""
    now = int(time.time() * 1000) // _HOUR * _HOUR - 2 * _HOUR
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        return list(_measured(Path(folder), now))


def _measured(folder: Path, now: int) -> Iterator[Row]:
    ours, theirs = both(spec("shop", "99.9", [(f"c{index}", *_queries(index)) for index in range(len(_CASES))]), folder)
    replay = Replay(folder / "replay")
    begin = now - _PERIOD - 2 * _HOUR
    for index, case in enumerate(_CASES):
        replay.write(_series(index, case, begin, now))
    counts = [
        rule for rule in ours.rules if rule.get("record", "").startswith("failsoft:slo_events_") and _of_steps(rule)
    ]
    replay.play(counts, now - _PERIOD + _STEP, now, _STEP)
    ratios = [rule for rule in theirs.rules if rule.get("record") == "slo:sli_error:ratio_rate5m"]
    replay.play(ratios, now - _PERIOD + EVALUATION_MS, now, EVALUATION_MS)
    sums = [rule for rule in ours.rules if rule.get("record") == "failsoft:slo_events_total:sum"]
    replay.play(sums, now, now, _STEP)
    mine = [rule for rule in ours.rules if rule.get("record") == "failsoft:slo_error_ratio" and _of_period(rule)]
    others = [rule for rule in theirs.rules if rule.get("record") == "slo:sli_error:ratio_rate30d"]
    with replay.server() as asked:
        said = [_by_case([(rule, asked.instant(rule["expr"], now)[0]) for rule in rules]) for rules in (mine, others)]
    for index, case in enumerate(_CASES):
        truth = _truth(case, begin, now)
        our, their = (one.get(f"c{index}", math.nan) for one in said)
        words = f"{case.name}: truth {truth:.4g}, failsoft {our:.4g}, Sloth {their:.4g} ({their / truth:.3g} times)"
        print(words, file=sys.stderr)
        yield Row(f"30-day error ratio, off the truth with {case.name}", abs(our / truth - 1), "", _CLOSE)
        yield Row(f"Sloth's, with {case.name}", abs(their / truth - 1), "")


def _queries(index: int) -> tuple[str, str]:
    chosen = f'job="shop",case="{index}"'
    if _CASES[index].comes:
        total = f"sum(rate({_CODES}{{{chosen}}}[{{{{.window}}}}]))"
        return f'sum(rate({_CODES}{{{chosen},code=~"5.."}}[{{{{.window}}}}]))', total
    total = f"sum(rate({_FAMILY}_count{{{chosen}}}[{{{{.window}}}}]))"
    return f'{total} - sum(rate({_FAMILY}_bucket{{{chosen},le="0.5"}}[{{{{.window}}}}]))', total


def _of_steps(rule: Rule) -> bool:
    return rule["record"].endswith(":increase")


def _of_period(rule: Rule) -> bool:
    return rule["labels"]["window"] == "30d"


def _by_case(found: list[tuple[Rule, list[tuple[dict[str, str], float]]]]) -> dict[str, float]:
    names = ((rule["labels"].get("slo", rule["labels"].get("sloth_slo", "")), samples) for rule, samples in found)
    return {name.removeprefix("shop-"): samples[0][1] for name, samples in names if samples}


def _series(index: int, case: Case, begin: int, now: int) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Counters as scraped, 7 s after each interval began."""
    labels = {"job": "shop", "case": str(index)}
    times = range(begin, now, _SCRAPE)
    totals = list(accumulate(case.total(at - begin) for at in times))
    bads = [case.bad(at - begin) for at in times]
    scraped = [at + _SCRAPE + 7000 for at in times]
    if case.comes:
        good = accumulate(case.total(at - begin) - bad for at, bad in zip(times, bads, strict=True))
        yield labelled(_CODES, labels | {"code": "200"}), list(zip(scraped, map(float, good), strict=True))
        yield labelled(_CODES, labels | {"code": "500"}), list(_coming(scraped, bads))
        return
    good = (total - bad for total, bad in zip(totals, accumulate(bads), strict=True))
    yield labelled(f"{_FAMILY}_count", labels), list(zip(scraped, map(float, totals), strict=True))
    yield labelled(f"{_FAMILY}_bucket", labels | {"le": "0.5"}), list(zip(scraped, map(float, good), strict=True))


def _coming(scraped: list[int], bads: list[int]) -> Iterator[tuple[int, float]]:
    """A counter that a first bad event makes anew, and that is gone when there are no more."""
    count = 0
    for at, bad in zip(scraped, bads, strict=True):
        count = count + bad if bad else 0
        if count:
            yield at, float(count)


def _truth(case: Case, begin: int, now: int) -> float:
    """By the events of the period."""
    times = range(now - _PERIOD, now, _SCRAPE)
    return sum(case.bad(at - begin) for at in times) / sum(case.total(at - begin) for at in times)
