"""The counts of a window, read from the samples that Prometheus answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import fsum, inf, isnan

from failsoft.clients.prometheus.port import Sample
from failsoft.drift.distribution import Categories, Histogram

__all__ = ["REPAIR_LIMIT", "Unusable", "Why", "read_categories", "read_histogram"]

REPAIR_LIMIT = 0.01
"""The largest share of the rows by which a bucket may count less than one below it and still be repaired.

Extrapolation stops where a counter would have been zero, which differs a little from bucket to bucket. More than this
means that replicas have different bounds, so that a sum over them counts some rows in some buckets only.
"""


_MOST = 2.0**62
"""More rows than this are no rows."""


class Why(StrEnum):
    """Why samples give no counts."""

    NO_DATA = "no-data"
    NOT_COMPARABLE = "not-comparable"


@dataclass(frozen=True, slots=True)
class Unusable:
    """Samples that give no counts, and why, in words for a person."""

    why: Why
    reason: str


def read_histogram(samples: Iterable[Sample], cuts: tuple[float, ...] | None = None) -> Histogram | Unusable:
    """The counts between the bounds of a cumulative histogram.

    Bounds that `cuts` does not have are merged away. A bound of `cuts` that is not there is filled in where the buckets
    around it count the same rows, which is exact; else the window cannot be compared.

    Args:
        samples: the increase of each bucket, with its bound in the label `le`; both spellings of a bound are one bound.
        cuts: the bounds of the reference; every finite bound that is there, when left out.
    """
    buckets = _buckets(samples)
    if isinstance(buckets, Unusable):
        return buckets
    raised = _monotonic(buckets)
    if isinstance(raised, Unusable):
        return raised
    wanted = tuple(bound for bound in raised if bound < inf) if cuts is None else cuts
    cumulative = []
    for cut in wanted:
        at = raised.get(cut)
        if at is None:
            at = _between(raised, cut)
        if at is None:
            have = ", ".join(f"{bound:g}" for bound in raised)
            reason = f"the reference has the bound {cut:g}, the live histogram has {have}: learn a new reference"
            return Unusable(Why.NOT_COMPARABLE, reason)
        cumulative.append(at)
    edges = [0.0, *cumulative, raised[inf]]
    return Histogram(wanted, tuple(high - low for low, high in pairwise(edges)))


def read_categories(samples: Iterable[Sample], by: str) -> Categories | Unusable:
    """The counts of a counter by one of its labels.

    Series without the label are rows that miss a category; they are left out.

    Args:
        samples: the increase of each series.
        by: the label that names the category.
    """
    counts: dict[str, float] = {}
    for sample in samples:
        if not _is_count(sample.value):
            return Unusable(Why.NOT_COMPARABLE, f"the counter of {by}={sample.labels.get(by, '')!r} is {sample.value}")
        if category := sample.labels.get(by, ""):
            counts[category] = counts.get(category, 0) + max(0.0, sample.value)
    if not counts:
        return Unusable(Why.NO_DATA, f"Prometheus has no series with the label {by}")
    return Categories(counts)


def _is_count(value: float) -> bool:
    return abs(value) <= _MOST  # NaN is not


def _buckets(samples: Iterable[Sample]) -> dict[float, float] | Unusable:
    found: dict[float, list[float]] = {}
    for sample in samples:
        text = sample.labels.get("le", "")
        try:
            bound = float(text)
        except ValueError:
            return Unusable(Why.NOT_COMPARABLE, f"le={text!r} is no bucket bound")
        if isnan(bound) or not _is_count(sample.value):
            return Unusable(Why.NOT_COMPARABLE, f"the bucket le={text!r} counts {sample.value}")
        found.setdefault(bound, []).append(sample.value)
    if not found:
        return Unusable(Why.NO_DATA, "Prometheus has no buckets of this histogram")
    if inf not in found:
        return Unusable(Why.NOT_COMPARABLE, "the histogram has no bucket le='+Inf', so its rows are not known")
    return {bound: fsum(found[bound]) for bound in sorted(found)}


def _monotonic(buckets: dict[float, float]) -> dict[float, float] | Unusable:
    highest, worst, raised = 0.0, 0.0, {}
    for bound, count in buckets.items():
        worst = max(worst, highest - count)
        raised[bound] = highest = max(highest, count)
    if worst > REPAIR_LIMIT * highest:
        reason = (
            f"a bucket counts {worst:g} of {highest:g} rows less than one below it: do all replicas have its bound?"
        )
        return Unusable(Why.NOT_COMPARABLE, reason)
    return raised


def _between(raised: dict[float, float], cut: float) -> float | None:
    below = max((count for bound, count in raised.items() if bound < cut), default=0.0)
    above = min(count for bound, count in raised.items() if bound > cut)
    return below if below == above else None
