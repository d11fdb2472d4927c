"""Which bucket bound stands for a threshold: one that is there, or the next one where the author says so."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from failsoft.findings import Finding, Place
from failsoft.slo import codes
from failsoft.slo.select import Selector
from failsoft.workspace.kinds import EngineLockSpec, ModelSpec
from failsoft.workspace.model import Document, Workspace
from failsoft.workspace.quantities import Latency

__all__ = ["MILLISECONDS", "Asked", "Bound", "bound_of"]

MILLISECONDS = {"s": Decimal(1000), "ms": Decimal(1), "us": Decimal("0.001")}
"""How many milliseconds a unit has."""


class Bound(NamedTuple):
    """A bucket bound: in the unit of its family, and as people write it."""

    value: Decimal
    text: str


class Asked(NamedTuple):
    """A threshold in an SLO.

    Attributes:
        what: the indicator, in Python's spelling.
        below: the threshold.
        snap: `up` or `down` where the next bound may be taken instead.
        path: where it stands, below `indicator`.
    """

    what: str
    below: Latency
    snap: str | None
    path: tuple[str, ...]


def bound_of(workspace: Workspace, of: Selector, family: str, asked: Asked) -> tuple[Bound | None, tuple[Finding, ...]]:
    """The bound of a histogram that stands for a threshold.

    Bounds come from the lock of the model, else of its engine, else from the catalogue; the last warn where nobody has
    seen them on a server.

    Args:
        workspace: with the locks.
        of: whose histogram it is, and for which SLO.
        family: the histogram, one of the engine's families.
        asked: the threshold.
    """
    engine = of.engine.spec
    scale = MILLISECONDS.get(engine.families[family].unit, MILLISECONDS["s"])
    locks = _locks(workspace, of.model, family)
    if len(locks) > 1:
        return None, (_ambiguous(locks, of.model),)
    bounds = locks[0].spec.bounds[family] if locks else engine.bounds(family)
    place = of.slo.at("spec", "indicator", *asked.path)
    found = [] if locks or engine.source.verified else [_unverified(of.engine.name, family, place)]
    wanted = asked.below.milliseconds / scale
    if wanted in bounds:
        return Bound(wanted, str(asked.below)), tuple(found)
    taken = _snapped(bounds, wanted, asked.snap)
    if taken is None:
        return None, (_off_bound(family, bounds, scale, asked.below, place), *found)
    text = str(Latency(taken * scale))
    means = f"{_between(asked.below, text, looser=True)} are good too"
    if taken < wanted:
        means = f"{_between(asked.below, text, looser=False)} are bad too"
    message = f"{asked.below} is no bucket bound of {family}; as asked, {text} stands for it: {means}"
    return Bound(taken, text), (*found, Finding(codes.SNAPPED, message, place))


def _locks(workspace: Workspace, model: Document[ModelSpec], family: str) -> list[Document[EngineLockSpec]]:
    fitting = [
        lock
        for lock in workspace.locks.values()
        if lock.spec.engine == model.spec.engine and family in lock.spec.bounds
    ]
    own = [lock for lock in fitting if model.name in lock.spec.models]
    return own or [lock for lock in fitting if not lock.spec.models]


def _ambiguous(locks: Sequence[Document[EngineLockSpec]], model: Document[ModelSpec]) -> Finding:
    names = ", ".join(lock.name for lock in locks)
    message = f"several locks hold the bounds of {model.name}: {names}"
    place = locks[-1].at("metadata", "name")
    return Finding(codes.AMBIGUOUS_LOCK, message, place, "one of them, or locks that name their models")


def _unverified(engine: str, family: str, place: Place) -> Finding:
    message = f"nobody has seen the bucket bounds of {family} on a server"
    hint = f"write down what yours has: failsoft catalog lock {engine} URL"
    return Finding(codes.UNVERIFIED_BOUNDS, message, place, "bounds of a server that runs", hint)


def _snapped(bounds: Sequence[Decimal], wanted: Decimal, snap: str | None) -> Decimal | None:
    if snap == "up":
        return min((bound for bound in bounds if bound > wanted), default=None)
    if snap == "down":
        return max((bound for bound in bounds if 0 < bound < wanted), default=None)
    return None


def _off_bound(family: str, bounds: Sequence[Decimal], scale: Decimal, below: Latency, place: Place) -> Finding:
    lower = max((bound for bound in bounds if 0 < bound * scale < below.milliseconds), default=None)
    upper = min((bound for bound in bounds if bound * scale > below.milliseconds), default=None)
    named, means = [], []
    if lower is not None:
        text = str(Latency(lower * scale))
        named.append(text)
        means.append(f"{text} is stricter: {_between(below, text, looser=False)} would be bad too")
    if upper is not None:
        text = str(Latency(upper * scale))
        named.append(text)
        means.append(f"{text} is looser: {_between(below, text, looser=True)} would be good too")
    message = f"{below} is no bucket bound of {family}"
    return Finding(codes.OFF_BOUND, message, place, " or ".join(named), "; ".join(means))


def _between(below: Latency, text: str, *, looser: bool) -> str:
    return f"requests between {below} and {text}" if looser else f"requests between {text} and {below}"
