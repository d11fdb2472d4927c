"""The label `pool`: which bins are judged together, because each alone expects too few rows."""

from collections.abc import Iterator, Sequence

from failsoft.alerts.drift.monitored import Monitored, any_of
from failsoft.drift.alarms.analytic import Critical
from failsoft.slo.promql import quoted

__all__ = ["pooled"]


def pooled(vector: str, of: Monitored) -> str:
    """The vector with the label `pool`: the bin's own name, or that of the pool it shares with others."""
    by_pool: dict[tuple[str, ...], set[str]] = {}
    for one in of.references:
        for critical in one.critical:
            for pool in _pools(critical, one.bins[critical.feature]):
                by_pool.setdefault(pool, set()).add(f"{one.label}/{critical.feature}")
    made = f'label_replace({vector}, "pool", "$1", "bin", "(.*)")'
    if not by_pool:
        return made
    made = f'label_join({made}, "at", "/", "reference", "signal", "bin")'
    for pool, owners in sorted(by_pool.items()):
        regex = f"(?s)({any_of(sorted(owners))})/({any_of(pool)})"
        made = f'label_replace(\n{made}\n, "pool", "{"+".join(pool)}", "at", {quoted(regex)})'
    return f'label_replace(\n{made}\n, "at", "", "at", "(?s).*")'


def _pools(critical: Critical, bins: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The pools of more than one bin."""
    members: dict[int, list[str]] = {}
    for name, pool in zip(bins, critical.into, strict=bool(critical.into)):
        members.setdefault(pool, []).append(name)
    yield from (tuple(names) for names in members.values() if len(names) > 1)
