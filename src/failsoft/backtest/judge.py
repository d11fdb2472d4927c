"""From what a Prometheus answered to what would have happened: alerts, budget, and what else could be promised."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import ceil
from types import MappingProxyType

from failsoft.backtest.excluded import excluded_in, without
from failsoft.backtest.questions import BAD, FRESH, TOTAL
from failsoft.backtest.replay import Run, Sums, episodes, runs
from failsoft.backtest.result import ENOUGH, Budget, Excluding, Fired, Point, Promise, Replayed
from failsoft.backtest.seen import seen_of, unseen
from failsoft.backtest.track import Labels, Span, Track, Values
from failsoft.slo.indicators import Slices
from failsoft.slo.resolve import Objective
from failsoft.slo.series import STALE_TIER
from failsoft.slo.windows import BurnTier, plan
from failsoft.workspace.quantities import Percent

__all__ = ["LADDER", "judge", "span_of"]

LADDER = tuple(Percent(Decimal(text)) for text in ("90", "95", "99", "99.5", "99.9", "99.95", "99.99"))
"""Objectives that people promise."""

_POINTS = 360

type Answers = Mapping[str, Mapping[Labels, Values]]


def span_of(objective: Objective, since: float, until: float) -> Span:
    """An SLO's evaluations in a time (seconds since the epoch); a period is read before it, for windows and budget.

    The one at `since` itself is about the time before.
    """
    step = objective.pulse
    last, first = int(until * 1000) // step, int(since * 1000) // step + 1
    return Span(step, max(0, first - _period(objective)), first, last)


def judge(  # noqa: PLR0913, PLR0917  # all that was answered
    objective: Objective,
    span: Span,
    answers: Answers,
    evidence: Mapping[str, Values],
    own: str = "",
    others: Answers = MappingProxyType({}),
) -> tuple[Replayed, ...]:
    """What would have happened, for each group of the SLO's events; one without labels where they are not grouped.

    Args:
        objective: the SLO.
        span: the time.
        answers: what the alerts read, by part (`questions.counted`) and group.
        evidence: what that rests upon, by part (`questions.evidence`), step by step of the time that is judged.
        own: the SLO's threshold, as text, where it has one.
        others: bad events by another threshold, as text, and group, in order of the thresholds; where the SLO's own is
            among them, it stands there. All events are those of the SLO itself.
    """
    groups = sorted({*answers.get(TOTAL, {}), *answers.get(BAD, {})}) or [()]
    fresh = answers.get(FRESH, {}).get(())
    nothing: Values = [None] * span.steps
    found = []
    for group in groups:
        total = answers.get(TOTAL, {}).get(group, nothing)
        past = _Past(objective, Track.of(span, answers.get(BAD, {}).get(group, nothing), total))
        alerts = [*past.alerts(), *(_stale(past, fresh) if fresh is not None else ())]
        seen = seen_of(objective, past.track, total, evidence if len(groups) == 1 else None)
        pages, tickets = past.called(objective.tiers)
        stale, urgent = sum(alert.tier == STALE_TIER for alert in alerts), objective.worst_severity == "page"
        bads = {text: by_group[group] for text, by_group in others.items() if group in by_group}
        found.append(
            Replayed(
                objective=objective,
                group=group,
                span=span,
                alerts=tuple(sorted(alerts, key=lambda one: (one.start, one.severity))),
                pages=pages + (stale if urgent else 0),
                tickets=tickets + (0 if urgent else stale),
                budget=past.budget(float(objective.budget)),
                seen=seen,
                excluding=_excluding(past) if objective.exclusions else None,
                promises=tuple(_promises(past, total, own, bads)),
                findings=unseen(objective, seen, span),
            )
        )
    return tuple(found)


class _Past:
    """A track of an SLO with its sums, and when each tier burns, whatever the threshold of the tier."""

    def __init__(self, objective: Objective, track: Track) -> None:
        self.objective, self.track, self.span = objective, track, track.span
        self.sums = Sums(track)
        self._levels: dict[tuple[int, int, int], tuple[int, list[float]]] = {}

    def runs(self, tier: BurnTier) -> list[Run]:
        """When a tier of any objective fires within the time that is judged."""
        step = self.span.step
        short, long, wait = key = tier.short // step, tier.long // step, tier.waits(step) // step
        if key not in self._levels:
            # what began up to a long window before the time that is judged is told with its true beginning
            ends = range(max(0, self._since - long - wait), self.span.steps)
            pace = self.objective.tiers[0].long // step if self.objective.cap else 0
            least = self.objective.min_bad
            self._levels[key] = ends.start, self.sums.levels(ends, short, long, min_bad=least, pace=min(pace, long))
        (first, levels), limit = self._levels[key], float(tier.limit)
        if max(levels, default=0) <= limit:
            return []
        keep = ceil(self.objective.keep_firing_for / step)
        holding = (index for index, level in enumerate(levels, first) if level > limit)
        return [run for run in runs(holding, self.span.steps, keep=keep, wait=wait) if run.end > self._since]

    def alerts(self) -> Iterator[Fired]:
        """What would have fired."""
        for tier in self.objective.tiers:
            long = tier.long // self.span.step
            for run in self.runs(tier):
                ratio, gone = self.sums.ratio(run.start, long), self.spent(run.start, float(self.objective.budget))
                seen = self.sums.coverage(run.start, long), self.sums.coverage(run.start, self._period)
                yield Fired(tier.name, tier.severity, *self.ends(run), ratio, gone, *seen)

    def ends(self, run: Run) -> tuple[float, float | None]:
        """A run in seconds since the epoch; None where it still fires."""
        return self.span.at(run.start), self.span.at(run.end) if run.end < self.span.steps else None

    def called(self, tiers: Sequence[BurnTier]) -> tuple[int, int]:
        """How often these tiers would have paged, and how often they would have made a ticket."""
        by: dict[str, list[Run]] = {"page": [], "ticket": []}
        for tier in tiers:
            by[tier.severity] += self.runs(tier)
        return len(episodes(by["page"])), len(episodes(by["ticket"], silencing=by["page"]))

    def spent(self, index: int, budget: float) -> float | None:
        """The share of the budget that the bad events of the period before a step are."""
        ratio = self.sums.ratio(index, self._period)
        return None if ratio is None else ratio / budget

    @cached_property
    def worst(self) -> tuple[float, int] | None:
        """The largest error ratio of a period that ends in the time that is judged, and where.

        A period of which less than half was seen says little, and is left out; the last one counts in any case.
        """
        steps, period, last = self.span.judged, self._period, self.span.steps - 1
        ratios, seen = self.sums.ratios(steps, period), self.sums.coverages(steps, period)
        enough = zip(ratios, steps, seen, strict=True)
        found = ((ratio, end) for ratio, end, part in enough if ratio >= 0 and (part >= ENOUGH or end == last))
        return max(found, default=None)

    def budget(self, budget: float) -> Budget:
        """The budget over time."""
        end = self.span.steps - 1
        worst = self.worst
        return Budget(
            spent=self.spent(end, budget),
            worst=None if worst is None else worst[0] / budget,
            worst_at=None if worst is None else self.span.at(worst[1]),
            coverage=self.sums.coverage(end, self._period),
            points=tuple(self._points(budget)),
        )

    def _points(self, budget: float) -> Iterator[Point]:
        judged, sums = self.span.judged, self.sums
        allowed = budget * sums.total(judged[-1], len(judged))
        stride = max(1, ceil(len(judged) / _POINTS))
        for start in judged[::stride]:
            end = min(start + stride, judged.stop) - 1
            steps = end + 1 - start
            since = sums.bad(end, end + 1 - judged.start) / allowed if allowed else None
            spent = self.spent(end, budget) if sums.coverage(end, self._period) >= ENOUGH else None
            yield Point(
                self.span.at(end), since, spent, sums.coverage(end, steps), sums.bad(end, steps), sums.total(end, steps)
            )

    @property
    def _since(self) -> int:
        return self.span.judged.start

    @property
    def _period(self) -> int:
        return _period(self.objective)


def _excluding(past: _Past) -> Excluding:
    objective = past.objective
    rest = _Past(objective, without(objective, past.track))
    return Excluding(rest.budget(float(objective.budget)), excluded_in(objective, past.span))


def _promises(past: _Past, total: Values, own: str, bads: Mapping[str, Values]) -> Iterator[Promise]:
    """Every threshold with every objective, the SLO's own among them."""
    pasts = {} if own in bads else {own: past}
    for text, bad in bads.items():
        pasts[text] = past if text == own else _Past(past.objective, Track.of(past.span, bad, total))
    judged = past.span.judged
    there = past.sums.coverage(judged[-1], len(judged)) or 1.0
    written = past.objective.target
    for text, one in pasts.items():
        coverage = one.sums.coverage(judged[-1], len(judged)) / there
        for percent in sorted({*LADDER, written}):
            yield _promise(one, percent, text, written=one is past and percent == written, coverage=coverage)


def _promise(past: _Past, percent: Percent, threshold: str, *, written: bool, coverage: float) -> Promise:
    objective = past.objective
    windows, slices = objective.windows.spec, objective.min_bad if isinstance(objective.sli, Slices) else 0
    tiers = plan(windows, percent, objective.period, objective.scrape, slices).tiers
    pages, tickets = past.called(tiers)
    budget = float(1 - Fraction(percent.ratio))
    names = {tier.name for tier in tiers}
    return Promise(
        objective=float(percent.ratio),
        text=str(percent),
        threshold=threshold,
        written=written,
        pages=pages,
        tickets=tickets,
        spent=past.spent(past.span.steps - 1, budget),
        worst=None if past.worst is None else past.worst[0] / budget,
        dead=tuple(tier.name for tier in windows.tiers if tier.name not in names),
        coverage=coverage,
    )


def _stale(past: _Past, fresh: Values) -> Iterator[Fired]:
    """When the evaluation behind a drift SLO was stale or dead, from when on anything was seen of it."""
    begun = next((index for index, there in enumerate(past.track.known) if there), past.span.steps)
    keep = ceil(past.objective.keep_firing_for / past.span.step)
    dead = (index for index, value in enumerate(fresh) if value == 0 and index > begun)
    for run in runs(dead, past.span.steps, keep=keep, wait=1):
        if run.end > past.span.judged.start:
            yield Fired(STALE_TIER, past.objective.worst_severity, *past.ends(run), None, None, None, None)


def _period(objective: Objective) -> int:
    return max(1, round(objective.period / objective.pulse))
