"""Which bucket bound stands for a threshold: one that is there, or the next one where the author says so."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from failsoft.findings import Finding, Place
from failsoft.slo import codes
from failsoft.slo.select import Selector
from failsoft.slo.stored import bucket_around, form_of, locks_of
from failsoft.workspace.kinds import EngineLockSpec, ModelSpec
from failsoft.workspace.model import Document
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


def bound_of(of: Selector, family: str, asked: Asked) -> tuple[Bound | None, tuple[Finding, ...]]:
    """The bound of a histogram that stands for a threshold.

    Bounds come from the lock of the model, else of its engine, else from the catalogue; the last warn where nobody has
    seen them on a server. A native histogram with exponential buckets takes any threshold: within a bucket, its events
    are shared out by interpolation, which is stated.

    Args:
        of: whose histogram it is, and for which SLO.
        family: the histogram, one of the engine's families.
        asked: the threshold.
    """
    engine = of.engine.spec
    scale = _scale(of, family)
    locks = locks_of(of.workspace, of.model, family)
    if len(locks) > 1:
        return None, (_ambiguous(locks, of.model),)
    if form_of(of.model, locks, family) == "native":
        return _within_bucket(of, family, asked, locks[0].spec.native.get(family) if locks else None)
    place = of.slo.at("spec", "indicator", *asked.path)
    wanted = asked.below.milliseconds / scale
    locked = locks[0].spec.bounds.get(family) if locks else None
    bounds = locked or engine.bounds(family)
    found = [] if locked or engine.source.verified else [_unverified(of.engine.name, family, place)]
    if wanted in bounds:
        return Bound(wanted, str(asked.below)), tuple(found)
    taken = _snapped(bounds, wanted, asked.snap)
    if taken is None:
        return None, (_off_bound(family, bounds, scale, asked.below, place), *found)
    text = str(Latency(taken * scale))
    return Bound(taken, text), (*found, _snap(family, asked, text, place, looser=taken > wanted))


def _snap(family: str, asked: Asked, text: str, place: Place, *, looser: bool) -> Finding:
    means = f"{_between(asked.below, text, looser=looser)} are {'good' if looser else 'bad'} too"
    message = f"{asked.below} is no bucket bound of {family}; as asked, {text} stands for it: {means}"
    return Finding(codes.SNAPPED, message, place)


def _within_bucket(of: Selector, family: str, asked: Asked, schema: int | None) -> tuple[Bound, tuple[Finding, ...]]:
    place, scale = of.slo.at("spec", "indicator", *asked.path), _scale(of, family)
    wanted = asked.below.milliseconds / scale
    if schema is None:
        message = f"nobody has seen how wide the buckets of the native histogram {family} are on a server"
        hint = f"write it down: failsoft catalog lock {of.engine.name} URL --prometheus URL"
        found = Finding(codes.UNKNOWN_RESOLUTION, message, place, "the schema of a histogram that is stored", hint)
        return Bound(wanted, str(asked.below)), (found,)
    bucket = bucket_around(wanted, schema)
    if bucket is None:
        return Bound(wanted, str(asked.below)), ()
    lower, upper = (_rounded(edge * scale) for edge in bucket)
    if asked.snap is None:
        message = f"{asked.below} lies within a bucket of {family}, from {lower} to {upper}"
        hint = f"requests in between are shared out by interpolation; snap: up takes {upper}, snap: down {lower}"
        return Bound(wanted, str(asked.below)), (Finding(codes.WITHIN_BUCKET, message, place, hint=hint),)
    taken, text = (bucket[1], upper) if asked.snap == "up" else (bucket[0], lower)
    return Bound(taken, text), (_snap(family, asked, text, place, looser=taken > wanted),)


def _scale(of: Selector, family: str) -> Decimal:
    return MILLISECONDS.get(of.engine.spec.families[family].unit, MILLISECONDS["s"])


def _rounded(milliseconds: Decimal) -> str:
    """Nearly, for people: bounds of native histograms are irrational."""
    return str(Latency(Decimal(f"{milliseconds:.6g}")))


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
