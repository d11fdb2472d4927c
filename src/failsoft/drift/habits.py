"""What a reference learns of its rows beside their values: how hours of the week differ, and how alike clusters are."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from failsoft.drift.accumulator import Accumulator, BinCounts, CategoryCounts
from failsoft.drift.clusters import Clusters, mean_size
from failsoft.drift.columns import labelled
from failsoft.drift.features import CategoricalReference
from failsoft.drift.profile import ReferenceProfile
from failsoft.drift.rhythm import HOURS, Rhythm, groups_of
from failsoft.drift.source import KeyedSource, Source

__all__ = ["clusters_of", "intraclass", "rhythm_of"]

_LOOKED_AT = 400
"""Clusters from which the intraclass correlation is taken: its error is then some 7 % of itself."""


def rhythm_of(source: Source, time: str, profile: ReferenceProfile) -> Rhythm:
    """The rows of each hour of the week, in the bins of a profile of all hours.

    Raises `ValueError` where the column holds no moments, or rows cannot be told apart.
    """
    from failsoft.drift.data.hours import hours_of

    if not isinstance(source, KeyedSource):
        raise ValueError("hours of the week need rows that can be told apart: a file, or a data frame")  # noqa: TRY004
    hours = [Accumulator(profile) for _ in range(HOURS)]
    for key, batch in source.keyed(profile.columns, time, hours_of):
        if key is not None:
            hours[int(key)].update(batch)
    if not any(hour.rows for hour in hours):
        raise ValueError(f"{time!r} holds no moment")
    groups = groups_of([hour.rows for hour in hours])
    cells = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    pooled = []
    for group in cells:
        cell = Accumulator(profile)
        for hour in sorted(group):
            cell.merge(hours[hour])
        pooled.append(cell)
    return Rhythm(
        time=time,
        cells=tuple(cells[group] for group in groups),
        rows=tuple(cell.rows for cell in pooled),
        counts={name: tuple(count for cell in pooled for count in _bins(cell, name)) for name in profile.features},
    )


def _bins(cell: Accumulator, name: str) -> Sequence[int]:
    counts = cell.counts[name]
    feature = cell.profile.features[name]
    match counts:
        case BinCounts():
            return [*counts.counts.tolist(), counts.missing]
        case CategoryCounts() if isinstance(feature, CategoricalReference):
            rest = sum(counts.known[category] for category in feature.rest)
            return [*(counts.known[category] for category in feature.categories), rest, counts.missing]
        case _:
            return [counts.rows, counts.missing]


def clusters_of(source: Source, column: str, profile: ReferenceProfile) -> Clusters:
    """How much alike the rows of a cluster are, from 400 of the clusters that have more than one row.

    Raises `ValueError` where rows cannot be told apart.
    """
    from failsoft.drift.data.rows import some_texts

    if not isinstance(source, KeyedSource):
        raise ValueError("clusters need rows that can be told apart: a file, or a data frame")  # noqa: TRY004
    rows: dict[str, int] = {}
    whole = 0
    for batch in source.batches([column]):
        whole += batch[column].rows
        for cluster, count in labelled(batch[column]).counts.items():
            rows[cluster] = rows.get(cluster, 0) + count
    several = sorted((cluster for cluster, count in rows.items() if count > 1), key=_hash)[:_LOOKED_AT]
    looked_at = {cluster: Accumulator(profile) for cluster in several}
    for key, batch in source.keyed(profile.columns, column, some_texts(looked_at)):
        if key is not None and key in looked_at:
            looked_at[key].update(batch)
    alike, most = {}, {}
    for name, feature in profile.features.items():
        tables = [_table(part, name) for part in looked_at.values()]
        if feature.kind != "uncompared" and tables:
            alike[name], most[name] = (round(share, 6) for share in intraclass(tables))
    singles = whole - sum(rows.values())
    return Clusters(column=column, size=mean_size(rows.values(), singles), alike=alike, most=most)


def intraclass(tables: Sequence[Sequence[int]]) -> tuple[float, float]:
    """The intraclass correlation of a feature's bins, on average and in its worst direction; both from 0 to 1.

    The eigenvalues of the covariance of clusters, in units of that of independent rows, are the generalised design
    effects of J. N. K. Rao and A. J. Scott, "The analysis of categorical data from complex sample surveys", JASA 76
    (1981); Kish's formula turns them into correlations. The largest of many eigenvalues is above the others by chance
    too: within the edge of Marchenko and Pastur (Math. USSR-Sbornik 1 (1967)) it is taken for their mean.

    Args:
        tables: the rows of some clusters in each bin, shape (clusters, bins).

    >>> intraclass([[4, 0], [0, 4], [4, 0], [0, 4]])
    (1.0, 1.0)
    >>> intraclass([[2, 2], [2, 2], [2, 2]])
    (0.0, 0.0)
    """
    table = np.array([row for row in tables if sum(row)], dtype=np.float64)
    if len(table) < 2:  # noqa: PLR2004  # one cluster shows nothing of how clusters differ
        return 0.0, 0.0
    table = table[:, table.any(axis=0)]
    rows, total = table.sum(axis=1), table.sum()
    shares = table.sum(axis=0) / total
    size, freedom = float((rows**2).sum() / total), len(shares) - 1
    if not freedom or size <= 1:  # one bin only, or one row only in each
        return 0.0, 0.0
    moved = (table - rows[:, None] * shares) / np.sqrt(shares)
    effects = np.linalg.eigvalsh(moved.T @ moved) / total * len(table) / (len(table) - 1)
    mean, worst = float(effects.sum() / freedom), float(effects[-1])
    if worst <= mean * (1 + (freedom / len(table)) ** 0.5) ** 2:
        worst = mean
    found = (min(1.0, max(0.0, (effect - 1) / (size - 1))) for effect in (mean, worst))
    return next(found), next(found)


def _table(part: Accumulator, name: str) -> list[int]:
    """The rows of a cluster in the ten bins or categories of a feature, and those without a value."""
    counts = part.counts[name]
    if isinstance(counts, BinCounts):
        found = part.distribution(name)
        return [*(int(count) for count in getattr(found, "counts", ())), counts.missing]
    return [int(count) for count in _bins(part, name)]


def _hash(cluster: str) -> bytes:
    return blake2b(cluster.encode("utf-8", "surrogatepass"), digest_size=8).digest()
