"""The catalogue beside what a server exports: which families differ, and which indicators work there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from failsoft.slo.scrape import Scrape, Seen
from failsoft.workspace.kinds import EngineSpec
from failsoft.workspace.kinds.engine import IndicatorName
from failsoft.workspace.kinds.families import AvailabilitySource, Family, RateSource, Selection

__all__ = ["Difference", "State", "Verdict", "bounds_found", "verify"]

type State = Literal["works", "no series yet", "other bounds", "other labels", "other type", "missing", "not exported"]
"""How it is with an indicator, from the best to the worst; `not exported` is what the catalogue says itself."""

_WORST: tuple[State, ...] = ("works", "no series yet", "other bounds", "other labels", "other type", "missing")


@dataclass(frozen=True, slots=True)
class Difference:
    """How a family differs from the catalogue.

    Attributes:
        family: its name in the catalogue.
        state: the worst of what is different.
        details: all that is, as phrases; labels that are new are named too, and harm nobody.
    """

    family: str
    state: State
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it.

    Attributes:
        indicators: every indicator of the catalogue and how it is with it.
        families: those that differ, in the order of the catalogue.
    """

    indicators: Mapping[str, State]
    families: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether everything that the catalogue says is true here, as far as there are series."""
        return all(state in {"works", "no series yet", "not exported"} for state in self.indicators.values())


def verify(engine: EngineSpec, scrape: Scrape) -> Verdict:
    """Compare an engine of the catalogue with what a server exports."""
    found = {name: _compared(engine, name, scrape) for name in engine.families}
    indicators: dict[str, State] = {}
    named = engine.indicators.named()
    for name in IndicatorName.__value__.__args__:
        source = named.get(name)
        if source is None:
            indicators[name] = "not exported"
            continue
        states = [found[family].state for family in _families(source)]
        states += [_matching(selection, scrape) for selection in _selections(source)]
        indicators[name] = max(states, key=_WORST.index)
    return Verdict(indicators, tuple(one for one in found.values() if one.details))


def bounds_found(engine: EngineSpec, scrape: Scrape) -> dict[str, tuple[Decimal, ...]]:
    """The bounds of every histogram of the catalogue that has series of one kind in the scrape."""
    found = {}
    for name, family in engine.families.items():
        seen = scrape.families.get(name)
        if family.type == "histogram" and seen is not None and len(seen.bounds) == 1:
            (bounds,) = seen.bounds
            if bounds:
                found[name] = bounds
    return found


def _selections(source: Selection | AvailabilitySource) -> Iterator[Selection]:
    yield from source.needed if isinstance(source, AvailabilitySource) else (source,)


def _families(source: Selection | AvailabilitySource) -> Iterator[str]:
    yield from (selection.family for selection in _selections(source))
    if isinstance(source, RateSource) and source.busy:
        yield source.busy


def _matching(selection: Selection, scrape: Scrape) -> State:
    """Whether the labels by which an indicator picks its series are there."""
    seen = scrape.families.get(selection.family)
    if seen is None or seen.labels is None:
        return "works"  # the family itself tells
    needed = {label for label, text in selection.match.items() if text != "!="}
    return "works" if needed <= seen.labels else "other labels"


def _compared(engine: EngineSpec, name: str, scrape: Scrape) -> Difference:
    family, seen = engine.families[name], scrape.families.get(name)
    if seen is None:
        return Difference(name, "missing", (_missing(engine, name, family, scrape),))
    if seen.type not in {family.type, "unknown"}:
        return Difference(name, "other type", (f"is a {seen.type}, not a {family.type}",))
    if seen.labels is None:
        return Difference(name, "no series yet", ("is declared and has no series yet",))
    found = [*_other_labels(engine, family, seen), *_other_bounds(engine, name, seen)]
    return Difference(
        name, max((state for state, _ in found), key=_WORST.index, default="works"), tuple(text for _, text in found)
    )


def _missing(engine: EngineSpec, name: str, family: Family, scrape: Scrape) -> str:
    older = [
        f"{old}, its older name, is there ({renamed.history})"
        for old, renamed in engine.renames.items()
        if renamed.now == name and old in scrape.families
    ]
    if older:
        return older[0]
    return f"is not there; needs {family.enabled_by}" if family.enabled_by else "is not there"


def _other_labels(engine: EngineSpec, family: Family, seen: Seen) -> Iterator[tuple[State, str]]:
    if family.labels is None or seen.labels is None:
        return
    lost, new = sorted(set(family.labels) - seen.labels), sorted(seen.labels - set(family.labels))
    identity = [label for label in lost if label in engine.identity.values()]
    if lost:
        yield ("other labels" if identity else "works"), f"has no label {', '.join(lost)}"
    if new:
        yield "works", f"has more labels: {', '.join(new)}"


def _other_bounds(engine: EngineSpec, name: str, seen: Seen) -> Iterator[tuple[State, str]]:
    expected = tuple(bound.normalize() for bound in engine.bounds(name))
    if not expected or seen.bounds == {expected}:
        return
    if not seen.bounds:
        yield "other bounds", "has no buckets; is it a native histogram?"
    elif len(seen.bounds) > 1:
        yield "other bounds", "has series with different bounds; lock each model by itself"
    else:
        (bounds,) = seen.bounds
        lost, new = sorted(set(expected) - set(bounds)), sorted(set(bounds) - set(expected))
        parts = [f"lost {_listed(lost)}"] if lost else []
        parts += [f"new {_listed(new)}"] if new else []
        yield "other bounds", f"has other bounds: {'; '.join(parts)}"


def _listed(bounds: list[Decimal]) -> str:
    few = 8
    shown = ", ".join(f"{bound:f}" for bound in bounds[:few])
    return shown + (f" and {len(bounds) - few} more" if len(bounds) > few else "")
