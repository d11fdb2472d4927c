"""The constants of every limit: what a reference says of one signal, so that only the window's rows are left open."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from failsoft.alerts.drift.monitored import Matters, Reference
from failsoft.drift.alarms.analytic import Critical, share_base

__all__ = ["Limit", "limits_of", "together"]


class Limit(NamedTuple):
    """A limit in a window of m rows.

    `base` + `factor` x noise, and at least `least`. The noise is 1 / `rows` + 1 / m for the statistic `pooled_psi`, m
    being no more than `most`, and its square root for the shares `missing` and `new`.

    Attributes:
        reference: the label of the profile.
        statistic: of which.
        severity: of what is due above it.
        rows: of the reference.
        base, factor, least, most: as above; there is no `most` where it is None.
    """

    reference: str
    statistic: Literal["pooled_psi", "missing", "new"]
    severity: Literal["ticket", "page"]
    rows: int
    base: float
    factor: float
    least: float
    most: int | None = None


def limits_of(reference: Reference, matters: Matters) -> Iterator[tuple[Limit, str]]:
    """Every limit of a reference, with the signal that it is for."""
    for critical in reference.critical:
        for limit in _limits(reference, critical, matters):
            yield limit, critical.feature


def together(limits: Iterable[tuple[Limit, str]]) -> dict[Limit, list[str]]:
    """The signals of each limit: most have many in common."""
    found: dict[Limit, list[str]] = {}
    for limit, signal in limits:
        found.setdefault(limit, []).append(signal)
    return found


def _limits(reference: Reference, critical: Critical, matters: Matters) -> Iterator[Limit]:
    total, missing = reference.rows[critical.feature]
    severities: tuple[Literal["ticket", "page"], ...] = ("ticket", "page") if reference.promised else ("ticket",)
    for severity in severities:
        if critical.z is not None:
            z, least = getattr(critical.z, severity), getattr(matters.floor, severity)
            yield Limit(reference.label, "pooled_psi", severity, total - missing, 0.0, z, least, critical.most)
        if missing / total + matters.share < 1:  # else there is no room to grow
            factor = getattr(critical.missing, severity)
            yield _share(Limit(reference.label, "missing", severity, total, missing, factor, matters.share))
        if critical.new is not None:
            factor = getattr(critical.new, severity)
            yield _share(Limit(reference.label, "new", severity, total - missing, 0, factor, matters.share))


def _share(limit: Limit) -> Limit:
    """From events and k to p and k sqrt(p (1 - p)), and from what a share may grow by to what it may be."""
    base = share_base(limit.base, limit.rows)
    factor = limit.factor * (base * (1 - base)) ** 0.5
    return limit._replace(base=base, factor=factor, least=limit.base / limit.rows + limit.least)
