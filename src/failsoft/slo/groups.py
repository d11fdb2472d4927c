"""Groups of an SLO, such as tenants: which label tells them apart, and what is recorded of each, up to a cap.

The groups with the most traffic are counted by themselves, all others together as `(other)`. A group that is counted by
itself keeps its place until another one has twice its traffic, by the mean of the fastest tier's long window: else two
groups of about the same traffic would take turns, and neither would have a whole budget.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.indicators import BadOfTotal, Counted, Events, GoodOfTotal, Goodput
from failsoft.slo.promql import number
from failsoft.slo.series import GROUP, OTHER_GROUP
from failsoft.workspace.kinds import EngineSpec, SLOSpec
from failsoft.workspace.model import Document

__all__ = ["dropped", "grouped", "lacking", "largest", "split", "unfit", "with_value"]

_SUFFIXES = ("_count", "_bucket")
_KEEPS = 2
_SOME = "acme"

type Change = Callable[[Counted], Counted]


def grouped(events: Events, label: str) -> Events:
    """The same events, counted for each value of a label."""

    def by(counted: Counted) -> Counted:
        example = counted.example if label in dict(counted.example) else (*counted.example, (label, _SOME))
        return replace(counted, by=label, example=example)

    return _changed(events, by)


def with_value(events: Events, value: str) -> Events:
    """The same events, whose series in tests are those of one group."""

    def of(counted: Counted) -> Counted:
        pairs = tuple((name, value if name == counted.by else other) for name, other in counted.example)
        return replace(counted, example=pairs)

    return _changed(events, of)


def _changed(events: Events, change: Change) -> Events:
    if isinstance(events, Goodput):
        parts = tuple(_good(part, change) for part in events.parts)
        return replace(events, requests=_requests(events.requests, change), parts=parts)
    return _requests(events, change)


def _requests(events: BadOfTotal | GoodOfTotal, change: Change) -> BadOfTotal | GoodOfTotal:
    if isinstance(events, GoodOfTotal):
        return _good(events, change)
    return replace(events, totals=tuple(map(change, events.totals)), bads=tuple(map(change, events.bads)))


def _good(events: GoodOfTotal, change: Change) -> GoodOfTotal:
    return replace(events, all_events=change(events.all_events), good=change(events.good))


def unfit(slo: Document[SLOSpec], engine: Document[EngineSpec], events: Events) -> Iterator[Finding]:
    """Families that are counted and have no such label, as far as the catalogue knows their labels."""
    wanted = slo.spec.group_by
    if wanted is None or wanted.added:
        return
    for family, labels in lacking(engine, events, wanted.label):
        message = f"{family} of the engine {engine.name}{engine.spec.mark} has no label {wanted.label}"
        hint = "with added: true it is taken from the scrape configuration, where that adds it"
        place = slo.at("spec", "groupBy", "label")
        yield Finding(codes.GROUP_LABEL, message, place, f"one of {', '.join(labels)}", hint)


def lacking(engine: Document[EngineSpec], events: Events, label: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Families that are counted and have no such label, with the labels that they have."""
    families = {family for counted in _counters(events) if (family := _family(engine.spec, counted.metric))}
    for family in sorted(families):
        labels = engine.spec.families[family].labels
        if labels is not None and label not in labels:
            yield family, labels


def _counters(events: Events) -> Iterator[Counted]:
    if isinstance(events, Goodput):
        yield from _counters(events.requests)
        for part in events.parts:
            yield from _counters(part)
    elif isinstance(events, GoodOfTotal):
        yield from (events.all_events, events.good)
    else:
        yield from (*events.totals, *events.bads)


def _family(engine: EngineSpec, metric: str) -> str | None:
    names = (metric, *(metric.removesuffix(suffix) for suffix in _SUFFIXES))
    return next((name for name in names if name in engine.families), None)


def largest(now: str, recorded: str, pulses: int, cap: int) -> str:
    """The groups that are counted by themselves, with their traffic; one that misses a scrape keeps its place.

    Args:
        now: events of this pulse for each group.
        recorded: what selects the recorded events of the groups over some pulses.
        pulses: how many these are.
        cap: how many groups at most.
    """
    mean = f"{number(Fraction(_KEEPS, pulses))} * sum by ({GROUP}) (sum_over_time({recorded}))"
    return f'topk({cap}, max by ({GROUP}) ({now}\nor label_replace({mean}, "part", "mean", "", "")))'


def split(counted: str, members: str) -> str:
    """What is counted for each group: for members by themselves, for all others together.

    Where a group calls itself as the others together are called, both are added up. Where no member is known yet, as
    before the first record of a new SLO, nothing is counted: else all of them would be others.
    """
    others = f"sum({counted}\nunless on({GROUP}) {members}) and on() {members}"
    rest = f'label_replace({others}, "{GROUP}", "{OTHER_GROUP}", "", "")'
    marked = f'label_replace({rest}, "part", "rest", "", "")'
    return f"sum by ({GROUP}) (({counted}\nand on({GROUP}) {members})\nor {marked})"


def dropped(now: str, members: str) -> str:
    """How many groups are not counted by themselves; nothing where there are no groups at all."""
    return f"count({now}\nunless on({GROUP}) {members})\nor 0 * count({members})"
