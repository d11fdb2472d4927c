"""How much of an SLO's past was there to be seen, and what was not, in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from statistics import median

from failsoft.backtest import codes
from failsoft.backtest.questions import FAILURES, NAN, RESETS, SAMPLES, SERIES
from failsoft.backtest.result import Seen, Stretch
from failsoft.backtest.track import Span, Track, Values
from failsoft.findings import Finding
from failsoft.slo.indicators import BadOfTotal, Slices
from failsoft.slo.promql import range_text
from failsoft.slo.resolve import Objective

__all__ = ["moment", "seen_of", "unseen"]

_APART = 1.5
_SECOND = 1000


def seen_of(objective: Objective, track: Track, total: Values, parts: Mapping[str, Values] | None) -> Seen:
    """What was seen of the time that is judged.

    Args:
        objective: the SLO.
        track: what counts.
        total: all events, known or not.
        parts: the evidence, by part, of these steps; None for one group of several, for it is about all of them.
    """
    span, known = track.span, track.known
    judged = span.judged
    there = [index for index in judged if known[index]]
    asks = parts is not None and isinstance(objective.sli, BadOfTotal)
    parts = parts or {}
    series = _numbers(parts.get(SERIES))
    return Seen(
        steps=len(there),
        expected=len(judged),
        events=sum(track.total[index] or 0.0 for index in there),
        bad=sum(track.bad[index] or 0.0 for index in there),
        first=span.at(there[0]) if there else None,
        last=span.at(there[-1]) if there else None,
        gaps=_gaps(span, known),
        unknown=sum(total[index] is not None and track.bad[index] is None for index in judged),
        broken=sum(_no_number(track.bad[index]) or _no_number(track.total[index]) for index in judged),
        nan=round(max(_numbers(parts.get(NAN)), default=0)),
        resets=round(sum(_numbers(parts.get(RESETS)))),
        series=(round(min(series)), round(max(series))) if series else None,
        scrape=_scrape(objective, _numbers(parts.get(SAMPLES))),
        failures=bool(_numbers(parts.get(FAILURES))) if asks else None,
    )


def unseen(objective: Objective, seen: Seen, span: Span) -> tuple[Finding, ...]:
    """What could not be seen of it, worst first."""
    name, place = objective.name, objective.document.at("spec", "indicator")
    steps = f"{seen.expected:,} pulses of {range_text(span.step)}"
    since, until = moment(span.at(span.judged[0])), moment(span.at(span.steps - 1))
    if seen.first is None:
        what = (
            "its events are there, but nothing that says which were bad" if seen.unknown else "nothing of it is there"
        )
        message = f"{name}: from {since} to {until} {what}"
        hint = "ask the server for the series that the SLO counts; failsoft catalog verify compares them with a server"
        return (Finding(codes.NO_HISTORY, message, place, "series of that time, under the labels of the model", hint),)
    found: list[Finding] = []
    gaps = list(seen.gaps)
    if gaps[:1] and gaps[0].first <= span.at(span.judged[0]):
        first = gaps.pop(0)
        message = (
            f"{name}: the history begins on {moment(seen.first)}, {range_text(first.steps * span.step)} after the time "
            "that was asked for"
        )
        hint = "the server keeps no longer, or the model was not there; what comes before was not judged"
        found.append(Finding(codes.SHORT_HISTORY, message, place, hint=hint))
    if gaps:
        longest = max(gaps, key=lambda gap: gap.steps)
        count = sum(gap.steps for gap in gaps)
        message = (
            f"{name}: nothing is known of {count:,} of {steps}, in {len(gaps)} gap{'s' * (len(gaps) > 1)}; "
            f"the longest is from {moment(longest.first)} to {moment(longest.last)}"
        )
        found.append(Finding(codes.GAPS, message, place, hint="no alert rests on them, and they are not filled in"))
    if seen.unknown:
        message = f"{name}: in {seen.unknown:,} of {steps} there are events, but nothing says which were bad"
        hint = "a bucket or a counter is missing there; they count as not seen"
        found.append(Finding(codes.UNKNOWN_BAD, message, place, hint=hint))
    if seen.nan or seen.broken:
        message = f"{name}: up to {seen.nan} of its series were NaN at once, and were left out"
        if not seen.nan:
            message = f"{name}: in {seen.broken:,} of {steps} its events were no number"
        found.append(Finding(codes.VALUES_NAN, message, place, hint="an exporter that divides by zero, most often"))
    if seen.scrape is not None and seen.scrape > _APART * objective.scrape:
        message = (
            f"{name}: its samples are about {range_text(seen.scrape)} apart, the workspace says "
            f"{range_text(objective.scrape)}"
        )
        hint = "increments between two pulses are lost then, and alerts come later; set prometheus.scrapeInterval"
        found.append(Finding(codes.OTHER_SCRAPES, message, place, hint=hint))
    if seen.failures is False:
        message = f"{name}: no series ever counted a bad event"
        hint = "nothing failed in all that time, or the labels that make an event bad match nothing"
        found.append(Finding(codes.NO_FAILURES_SEEN, message, place, hint=hint))
    if seen.resets:
        message = f"{name}: its counters began anew {seen.resets:,} time{'s' * (seen.resets > 1)}"
        hint = "what was counted between the last scrape and a restart is in no series"
        found.append(Finding(codes.RESETS, message, place, hint=hint))
    return tuple(found)


def moment(at: float) -> str:
    """A moment as people read it.

    >>> moment(1_700_000_100)
    '14 Nov 22:15 UTC'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M UTC")


def _gaps(span: Span, known: list[bool]) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    start: int | None = None
    for index in (*span.judged, span.steps):
        missing = index < span.steps and not known[index]
        if missing and start is None:
            start = index
        elif not missing and start is not None:
            found.append(Stretch(span.at(start), span.at(index - 1), index - start))
            start = None
    return tuple(found)


def _numbers(values: Values | None) -> list[float]:
    return [value for value in values or () if value is not None and isfinite(value)]


def _no_number(value: float | None) -> bool:
    return value is not None and not isfinite(value)


def _scrape(objective: Objective, samples: list[float]) -> int | None:
    """How far samples are apart, from how many there are; scrapes that were missed now and then do not count."""
    usual = median(samples) if samples else 0
    if usual < 1:
        return None
    reach = objective.step + (0 if isinstance(objective.sli, Slices) else objective.scrape - 1)
    apart = reach / usual
    return round(apart / _SECOND) * _SECOND if apart >= _SECOND else round(apart)
