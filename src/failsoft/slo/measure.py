"""From what an SLO asks for to what is measured: the engine's series, cut down to the model's."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.bounds import MILLISECONDS, Asked, bound_of
from failsoft.slo.events import events_of
from failsoft.slo.groups import grouped, unfit
from failsoft.slo.indicators import (
    POOLED,
    BadOfTotal,
    Gauge,
    GoodOfTotal,
    Goodput,
    Rate,
    Score,
    Share,
    Sli,
    Slices,
)
from failsoft.slo.outcomes import requests_of
from failsoft.slo.prompts import unknown_prompts
from failsoft.slo.promql import Matcher
from failsoft.slo.select import Selector, wrong_labels
from failsoft.slo.series import ALL_SIGNALS, UPDATED
from failsoft.workspace.kinds import DriftMonitorSpec, ModelSpec, SLOSpec
from failsoft.workspace.kinds.events import OwnEvents
from failsoft.workspace.kinds.families import AvailabilitySource, RateSource, Selection
from failsoft.workspace.kinds.slo import Below, DriftBelow, Freshness, GaugeWithin, KvCache, Throughput
from failsoft.workspace.kinds.slo import Goodput as Wanted
from failsoft.workspace.model import Document, Workspace
from failsoft.workspace.quantities import Percent

__all__ = ["Clock", "is_sliced", "sli_of"]

_STALE_EVALUATIONS = 3
_LATE = ("ttft", "tpot", "e2e")
_SLICED = {"throughput", "preemption", "kv_cache", "gauge", "drift", "freshness"}
_SENTENCES = {
    "ttft": "requests to {model} waited longer than {below} for their first token",
    "itl": "tokens of {model} came more than {below} after the one before",
    "tpot": "requests to {model} took longer than {below} for each token",
    "e2e": "requests to {model} took longer than {below}",
    "queue_wait": "requests to {model} waited in the queue for longer than {below}",
    "cold_start": "starts of {model} took longer than {below}",
}

_DRIFTED = {
    **{name: f"the {{signal}} of {{model}} had a {name.upper()}" for name in ("psi", "tvd", "ks", "js")},
    "missing": "the share of rows of {model} without {signal} was",
    "new": "the share of rows of {model} whose {signal} was never seen before was",
    "excess": "{signal} of {model} drifted, its distance over its limit being",
}

type Found = tuple[Sli | None, tuple[Finding, ...]]


class Clock(NamedTuple):
    """Milliseconds between records, between scrapes, and by which records lie back."""

    step: int
    scrape: int
    delay: int


def is_sliced(workspace: Workspace, slo: Document[SLOSpec]) -> bool:
    """Whether an SLO counts slices of time rather than events."""
    choice = slo.spec.indicator.choice
    own = slo.spec.indicator.events
    if own is not None:
        return own.per_slice is not None
    if choice != "cold_start":
        return choice in _SLICED
    model = workspace.models.get(slo.spec.model)
    engine = workspace.engines.get(model.spec.engine) if model else None
    source = engine.spec.indicators.cold_start if engine else None
    return engine is not None and source is not None and engine.spec.families[source.family].type == "gauge"


def sli_of(workspace: Workspace, slo: Document[SLOSpec], model: Document[ModelSpec], clock: Clock) -> Found:
    """What an SLO measures, or None with what stands in its way.

    Where the engine does not export it, nothing is said: `load` does.
    """
    sli, found = _measured(workspace, slo, model, clock)
    if sli is not None and (slo.spec.prompts is not None or slo.spec.group_by is not None):
        return _parted(workspace, slo, sli, found)
    return sli, found


def _parted(workspace: Workspace, slo: Document[SLOSpec], sli: Sli, found: tuple[Finding, ...]) -> Found:
    """The same for a class of prompts only, or for each group."""
    engine = workspace.engines.get(workspace.models[slo.spec.model].spec.engine)
    unknown = unknown_prompts(workspace, slo, engine, sli)
    wanted = slo.spec.group_by
    if unknown or wanted is None:
        return (None if unknown else sli), (*found, *unknown)
    if isinstance(sli, Slices):
        message = f"{slo.name} counts slices of time, which have no groups"
        expected = "an indicator of events, or an SLO for each"
        return None, (*found, Finding(codes.GROUP_OF_TIME, message, slo.at("spec", "groupBy", key=True), expected))
    lacking = tuple(unfit(slo, engine, sli)) if engine and slo.spec.indicator.events is None else ()
    return (None if lacking else grouped(sli, wanted.label)), (*found, *lacking)


def _measured(workspace: Workspace, slo: Document[SLOSpec], model: Document[ModelSpec], clock: Clock) -> Found:
    indicator = slo.spec.indicator
    if indicator.drift is not None:
        return _score(workspace, slo, indicator.drift, clock), ()
    if indicator.events is not None:
        return _by_slice(indicator.events, clock, *events_of(slo, indicator.events))
    if indicator.gauge is not None:
        return _own_gauge(slo, indicator.gauge, clock), ()
    if indicator.freshness is not None:
        return _fresh(slo, indicator.freshness, clock), ()
    engine = workspace.engines.get(model.spec.engine)
    wrong = wrong_labels(model)
    if engine is None or wrong:
        return None, wrong
    return _of_engine(Selector(workspace, slo, model, engine), clock)


def _by_slice(
    wanted: OwnEvents,
    clock: Clock,
    events: GoodOfTotal | BadOfTotal | None,
    found: tuple[Finding, ...],
) -> Found:
    """The events themselves, or slices of time that are judged by their share of bad ones."""
    if events is None or wanted.per_slice is None:
        return events, found
    bad = Percent(100 - wanted.per_slice.value)
    sentence = f"the time more than {bad} of the {events.sentence}"
    reach = clock.step + clock.scrape - 1
    return Share(events, Fraction(bad.ratio), reach, clock.delay, clock.step, sentence), found


def _of_engine(of: Selector, clock: Clock) -> Found:
    indicator = of.slo.spec.indicator
    if indicator.goodput is not None:
        return _goodput(of, indicator.goodput)
    source = of.engine.spec.indicators.named().get(indicator.key)
    if source is None:
        return None, ()
    if isinstance(source, AvailabilitySource):
        return requests_of(of, source, indicator.availability.bad if indicator.availability else None)
    if isinstance(source, RateSource):
        return _rate(of, source, clock)
    chosen = indicator.chosen
    if isinstance(chosen, Below) and of.engine.spec.families[source.family].type == "histogram":
        asked = Asked(indicator.choice, chosen.below, chosen.snap, (indicator.key, "below"))
        part, _, found = _late(of, source, asked)
        return part, found
    return _gauge(of, source, clock)


def _late(of: Selector, source: Selection, asked: Asked) -> tuple[GoodOfTotal | None, str, tuple[Finding, ...]]:
    """The events that were in time, and the bound that stands for the threshold, as people write it."""
    wide = of.too_wide(source)
    if wide:
        return None, "", wide
    bound, found = bound_of(of, source.family, asked)
    if bound is None:
        return None, "", found
    histogram = of.histogram(source)
    sentence = _SENTENCES[asked.what].format(model=of.slo.spec.model, below=bound.text)
    return GoodOfTotal(histogram.whole(), histogram.within(bound.value), sentence), bound.text, found


def _goodput(of: Selector, wanted: Wanted) -> Found:
    indicators = of.engine.spec.indicators
    if indicators.availability is None:
        return None, ()
    requests, findings = requests_of(of, indicators.availability, wanted.bad)
    found, parts, late = list(findings), [], []
    asked = {name: below for name in _LATE if (below := getattr(wanted, name)) is not None}
    for name, below in asked.items():
        source: Selection | None = getattr(indicators, name)
        if source is None:
            continue
        part, bound, problems = _late(of, source, Asked(name, below, wanted.snap, ("goodput", name)))
        found += problems
        if part is not None:
            parts.append(part)
            late.append(f"a {name.upper()} above {bound}")
    if requests is None or len(parts) < len(asked):
        return None, tuple(dict.fromkeys(found))
    most = "at most" if wanted.bound == "atLeast" else "at least"
    sentence = f"requests to {of.slo.spec.model} ({most}) failed or had {' or '.join(late)}"
    return Goodput(requests, tuple(parts), wanted.bound == "atLeast", sentence), tuple(found)


def _rate(of: Selector, source: RateSource, clock: Clock) -> Found:
    busy = Selection(family=source.busy) if source.busy else None
    wide = of.too_wide(source, *([busy] if busy else []))
    if wide:
        return None, wide
    chosen = of.slo.spec.indicator.chosen
    model = of.slo.spec.model
    limit = chosen.above if isinstance(chosen, Throughput) else chosen.below
    what = f"output tokens of {model} came slower than {limit} while there was work"
    if not isinstance(chosen, Throughput):
        what = f"requests to {model} were preempted more often than {limit}"
    counter, gauge = of.counted(source), of.counted(busy) if busy else None
    rate = Rate(
        metric=counter.metric,
        matchers=counter.matchers,
        example=counter.example,
        busy=(gauge.metric, gauge.matchers, gauge.example) if gauge else None,
        limit=limit.per_second,
        side="below" if isinstance(chosen, Throughput) else "above",
        reach=clock.step + clock.scrape - 1,
        offset=clock.delay,
        slice=clock.step,
        sentence=f"the time {what}",
    )
    return rate, ()


def _gauge(of: Selector, source: Selection, clock: Clock) -> Found:
    wide = of.too_wide(source)
    if wide:
        return None, wide
    chosen = of.slo.spec.indicator.chosen
    model, unit = of.slo.spec.model, of.engine.spec.families[source.family].unit
    if isinstance(chosen, KvCache):
        limit = chosen.below.value if unit == "percent" else chosen.below.ratio
        sentence = f"the time the KV cache of a replica of {model} was more than {chosen.below} full"
    else:
        limit = chosen.below.milliseconds / MILLISECONDS.get(unit, MILLISECONDS["s"])
        sentence = f"the time a replica of {model} was there that had taken longer than {chosen.below} to start"
    counter = of.counted(source)
    average = isinstance(chosen, KvCache) and chosen.by == "average"
    gauge = Gauge(counter.metric, counter.matchers, counter.example, limit, "above", average, clock.step, sentence)
    return gauge, ()


def _own_gauge(slo: Document[SLOSpec], wanted: GaugeWithin, clock: Clock) -> Gauge:
    select = tuple(wanted.select.items())
    matchers = tuple(Matcher(label, "=", value) for label, value in select)
    average = wanted.by == "average"
    if wanted.younger_than is not None:
        limit, words = wanted.younger_than.exact_seconds, f"older than {wanted.younger_than}"
        made = Gauge(wanted.metric, matchers, select, limit, "older", average, clock.step, "")
    elif wanted.below is not None:
        words = f"above {wanted.below.normalize():f}"
        made = Gauge(wanted.metric, matchers, select, wanted.below, "above", average, clock.step, "")
    else:
        above = wanted.above or Decimal(0)
        words = f"below {above.normalize():f}"
        made = Gauge(wanted.metric, matchers, select, above, "below", average, clock.step, "")
    return replace(made, sentence=f"the time {wanted.metric} of {slo.spec.model} was {words}")


def _fresh(slo: Document[SLOSpec], wanted: Freshness, clock: Clock) -> Gauge:
    what = wanted.metric or wanted.data or "data"
    select = tuple(wanted.select.items())
    if wanted.metric is None:
        select = (("model", slo.spec.model), *([("data", wanted.data)] if wanted.data else []))
    example = select if wanted.metric or wanted.data else (*select, ("data", "index"))
    matchers = tuple(Matcher(label, "=", value) for label, value in select)
    side: Literal["above", "older"] = "above" if wanted.holds == "age" else "older"
    limit = wanted.younger_than.exact_seconds
    sentence = f"the time {what} of {slo.spec.model} was older than {wanted.younger_than}"
    return Gauge(
        wanted.metric or UPDATED, matchers, example, limit, side, average=False, slice=clock.step, sentence=sentence
    )


def _score(workspace: Workspace, slo: Document[SLOSpec], drift: DriftBelow, clock: Clock) -> Score | None:
    monitor = workspace.monitors.get(drift.monitor)
    if monitor is None:
        return None
    stale = monitor.spec.stale_after or monitor.spec.every * _STALE_EVALUATIONS
    statistic, above = _tolerance(monitor.spec, drift)
    said = _DRIFTED[statistic if above is not None else drift.statistic]
    tolerance = f"{above.normalize():f}" if above is not None else "its critical value"
    signal = "a feature" if drift.signal == ALL_SIGNALS else drift.signal
    sentence = f"the time {said.format(signal=signal, model=slo.spec.model)} above {tolerance}"
    return Score(
        model=slo.spec.model,
        monitor=monitor.name,
        signal=drift.signal,
        statistic=statistic,
        above=above,
        stale_after=stale.milliseconds,
        slice=clock.step,
        sentence=sentence,
        budgeted=drift.below is None,
        judged_by="serve" if monitor.spec.signals else "rules" if monitor.spec.counted is not None else "job",
    )


def _tolerance(monitor: DriftMonitorSpec, drift: DriftBelow) -> tuple[str, Decimal | None]:
    """The statistic and its limit; None where that is the critical value beside it.

    Where bins are counted, the rules hold each window against what the budget allows: `excess` is how many times that.
    """
    if drift.below is not None:
        return drift.statistic, drift.below
    return (POOLED, None) if monitor.counted is None else ("excess", Decimal(1))
