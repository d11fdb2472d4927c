"""The stories by which the alerts about whether a Model is there are proven: each fires in its own, and in no other.

Samples are a state's evaluation apart. What the SLOs count is given as the series that are recorded of it, and the
engine's own series only where they tell something else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil

from failsoft.alerts.burn import alerts_of
from failsoft.alerts.rules import Alert, Group
from failsoft.alerts.story import Check, Scenario
from failsoft.slo.presence import Presence, Watched
from failsoft.slo.promql import Matcher, quoted
from failsoft.slo.series import (
    BAD,
    MODEL_DOWN_ALERT,
    MODEL_STARTING_ALERT,
    MODEL_UNSEEN_ALERT,
    OBJECTIVE,
    QUALITY_ALERT,
    TOTAL,
    VANISHED_ALERT,
)
from failsoft.slo.states import pods_of

__all__ = ["names_of", "presence_scenarios"]

_BEFORE = 4
"""Evaluations beyond twice the patience, after which everything is settled."""


@dataclass(frozen=True, slots=True)
class _Tale:
    """A story, as what is there in each of its parts, one letter for each.

    Attributes:
        name: in words, after "when it".
        lengths: evaluations of each part.
        up: `u` up, `d` down, `-` no target, for each part; a missed scrape is `-` too.
        wanted: `1` or `0` replicas that the Deployment wants, for each part; `-` without kube-state-metrics.
        counted: `1` where something is counted, `0` where nothing happens, `-` where it is not there.
        fires: the alert that fires at the end; it is quiet before the last part. None where all are quiet.
        young: whether the target has another name from the second part on.
        heard: evaluations of the last part after which it still has to be quiet.
        slos: those of which something is counted; all when left out.
    """

    name: str
    lengths: tuple[int, ...]
    up: str
    wanted: str
    counted: str
    fires: str | None = None
    young: bool = False
    heard: int = 0
    slos: tuple[Watched, ...] = field(default=())


def presence_scenarios(presence: Presence, groups: tuple[Group, ...]) -> tuple[Scenario, ...]:
    """The stories of a Model whose rules stand in `groups`."""
    alerts = alerts_of(groups)
    trouble = [one for one in presence.watched if one.bads or one.trouble]
    more = (_too_many(presence, alerts, trouble[0]),) if trouble else ()
    names = {alert.name for alert in alerts}
    return (*more, *(_scenario(presence, alerts, tale) for tale in _tales(presence, names)))


def names_of(presence: Presence) -> dict[str, str]:
    """What the names in its rules are names of: all that two Models of one shape may differ in."""
    matchers = (*presence.targets, *(presence.heartbeat.matchers if presence.heartbeat else ()))
    raw = [matcher for one in presence.watched if one.raw for matcher in one.raw[1]]
    beside = [matcher for one in presence.watched if one.beside for matcher in one.beside.matchers]
    named = {"model": presence.model, "team": presence.team}
    named |= {f"slo {index}": one.slo for index, one in enumerate(presence.watched)}
    named |= {f"select {one.label}": one.value for one in (*matchers, *raw, *beside) if one.operator == "="}
    if presence.deployment is not None:
        namespace, name = presence.deployment
        named |= {"namespace": namespace, "deployment": name, "pod": pods_of(name)}
    return named


def _tales(presence: Presence, names: set[str]) -> Iterable[_Tale]:
    every = presence.interval
    cold, patience = (ceil(length / every) for length in (presence.cold_start, presence.patience))
    settled = 2 * max(cold, patience) + _BEFORE
    less, more = max(1, cold // 2), cold + 2
    scaled, tells = presence.deployment is not None, bool(presence.targets) or presence.deployment is not None
    yield _Tale("serves, is idle and serves again", (settled, settled, 3), "uuu", "111", "101")
    # a scrape that fails without a word: nobody answered, and nobody said so
    yield _Tale("misses some scrapes", (settled, max(1, min(3, patience // 2)), settled), "u-u", "111", "1-1")
    if tells:
        yield _Tale("is restarted", (settled, less, settled), "udu", "111", "1-1")
        long = settled + more
        if MODEL_DOWN_ALERT in names:
            yield _Tale("goes down", (settled, long), "ud", "11", "1-", MODEL_DOWN_ALERT, heard=cold - 1)
    if MODEL_STARTING_ALERT in names:
        # scaled up from zero; where nobody knows what is wanted, in the place of a replica that was there
        was, counted, wanted = ("-", "-", "011") if scaled else ("u", "1", "---")
        yield _Tale("starts in time", (settled, less, settled), f"{was}du", wanted, f"{counted}-1", young=True)
        slow = (settled, more)
        yield _Tale(
            "does not come up",
            slow,
            f"{was}d",
            wanted[:2],
            f"{counted}-",
            MODEL_STARTING_ALERT,
            young=True,
            heard=cold - 1,
        )
    if scaled:
        yield _Tale("is scaled to zero", (settled, settled), "u-", "10", "1-")
    gone = ceil(max(presence.cold_start, presence.patience) / every)
    unseen = (settled, gone + ceil(300_000 / every) + 3)
    wanted = "--" if presence.has_replicas else "1-"
    yield _Tale("is seen no more", unseen, "u-", wanted, "1-", MODEL_UNSEEN_ALERT, heard=gone - 1)
    if VANISHED_ALERT in names:
        steps = ceil(presence.step / every)
        lasts = (settled, patience + 3 * steps + 2)
        for one in presence.can_vanish[:1]:
            name = f"counts nothing for {one.slo} any more"
            yield _Tale(name, lasts, "uu", "11", "1-", VANISHED_ALERT, heard=patience - 1, slos=(one,))
    born = tuple(one for one in presence.watched if not (one.always or one.foreign or one.beside or one.raw))
    if born and tells:
        parts = (settled, less, settled)
        yield _Tale("has no request since it was restarted", parts, "udu", "111", "1--", slos=born)


def _too_many(presence: Presence, alerts: tuple[Alert, ...], one: Watched) -> Scenario:
    """Half as many again as there are in all, for long; then as many as there are."""
    every = presence.scrape
    once, waits = presence.step // every, presence.patience // every
    bad, again = waits + 4 * once, waits + 6 * once
    labels = {"slo": one.slo, "model": presence.model, "team": presence.team, "definition": "0"}
    series = [(_named(BAD, labels), f"15x{bad} 10x{again - 1}"), (_named(TOTAL, labels), f"10x{bad + again}")]
    if one.trouble is not None:
        good, total = (_named(counted.metric, dict(counted.example)) for counted in one.trouble)
        then = 1000 + 15 * bad
        series = [(good, f"1000+15x{bad} {then + 10}+10x{again - 1}"), (total, f"1000+10x{bad + again}")]
    (alert,) = [alert for alert in alerts if alert.name == QUALITY_ALERT]
    told = tuple(label for label in alert.labels if label[0] in {"model", "burn_tier"})
    checks = (
        Check(waits // 2 * every, alert.name, told, "quiet"),
        Check(bad * every, alert.name, told, "fires"),
        Check((bad + again) * every, alert.name, told, "quiet"),
    )
    return Scenario(f"counts too many for {one.slo}", every, tuple(series), checks)


def _scenario(presence: Presence, alerts: tuple[Alert, ...], tale: _Tale) -> Scenario:
    every = presence.interval
    end = sum(tale.lengths)
    turn = end - tale.lengths[-1]
    checks: list[Check] = []
    for alert in alerts:
        labels = tuple(label for label in alert.labels if label[0] in {"model", "burn_tier"})
        quiet = list(accumulate(tale.lengths))
        if alert.name == tale.fires:
            quiet = [turn, turn + tale.heard]
            checks.append(Check(end * every, alert.name, labels, "fires"))
        checks += [Check(at * every, alert.name, labels, "quiet") for at in quiet]
    ordered = tuple(sorted(checks, key=lambda check: (check.at, check.alert)))
    return Scenario(tale.name, every, tuple(_series(presence, tale)), ordered)


def _series(presence: Presence, tale: _Tale) -> Iterable[tuple[str, str]]:
    yield from _replicas(presence, tale)
    if presence.deployment is not None:
        yield from _deployment(presence, tale)
    watched = tale.slos or presence.watched
    for one in watched:
        labels = {"slo": one.slo, "model": presence.model, "team": presence.team}
        yield _named(OBJECTIVE, labels), _values(tale, "1" * len(tale.lengths), {"1": "0.99"})
        # what an evaluation tells comes from elsewhere than the Model's replicas
        elsewhere = one.foreign and tale.fires != VANISHED_ALERT
        counted = "1" * len(tale.lengths) if elsewhere else tale.counted
        yield _named(TOTAL, labels | {"definition": "0"}), _values(tale, counted, {"1": "10", "0": "0"})
        if one.raw is not None:
            metric, matchers = one.raw
            yield _named(metric, _example(matchers)), _values(tale, tale.counted, {"1": "10", "0": "10"})
        if one.beside is not None and not one.always and tale.fires == VANISHED_ALERT:
            # the histogram is there, and the bucket is not
            yield _named(one.beside.metric, dict(one.beside.example)), _values(tale, "11", {"1": "10"})


def _replicas(presence: Presence, tale: _Tale) -> Iterable[tuple[str, str]]:
    if presence.targets:
        labels = _example(presence.targets)
        first = len(tale.up) if not tale.young else 1
        old = tale.up[:first] + "-" * (len(tale.up) - first)
        new = "-" * first + tale.up[first:]
        for instance, seen in (("a", old), ("b", new)):
            if set(seen) - {"-"}:
                yield _named("up", labels | {"instance": instance}), _values(tale, seen, {"u": "1", "d": "0"})
    elif presence.heartbeat is not None:
        yield (
            _named(presence.heartbeat.metric, dict(presence.heartbeat.example)),
            _values(tale, tale.up.replace("d", "-"), {"u": "1"}),
        )


def _deployment(presence: Presence, tale: _Tale) -> Iterable[tuple[str, str]]:
    namespace, name = presence.deployment or ("", "")
    labels = {"namespace": namespace, "deployment": name} | _example(presence.cluster)
    yield _named("kube_deployment_spec_replicas", labels), _values(tale, tale.wanted, {"1": "1", "0": "0"})
    if not presence.targets and presence.heartbeat is None:
        available = "".join(
            "-" if wanted == "-" else "1" if up == "u" else "0" for up, wanted in zip(tale.up, tale.wanted, strict=True)
        )
        yield (
            _named("kube_deployment_status_replicas_available", labels),
            _values(tale, available, {"1": "1", "0": "0"}),
        )


def _values(tale: _Tale, signs: str, meaning: Mapping[str, str]) -> str:
    """What a series is in each part; a stale marker where it ends, as a scrape without it leaves one."""
    parts: list[str] = []
    there = False
    for length, sign in zip(tale.lengths, signs, strict=True):
        samples = length + (0 if parts else 1)
        if sign in meaning:
            parts.append(f"{meaning[sign]}x{samples - 1}" if samples > 1 else meaning[sign])
        elif there:
            parts.append("stale" + (f" _x{samples - 1}" if samples > 1 else ""))
        else:
            parts.append(f"_x{samples}")
        there = sign in meaning
    return " ".join(parts)


def _example(matchers: tuple[Matcher, ...]) -> dict[str, str]:
    return {matcher.label: matcher.value for matcher in matchers}


def _named(metric: str, labels: Mapping[str, str]) -> str:
    return metric + "{" + ", ".join(f"{label}={quoted(value)}" for label, value in labels.items()) + "}"
