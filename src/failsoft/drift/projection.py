"""Embeddings along the fixed directions of a reference: finding the directions, and projecting on them exactly."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import frexp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from failsoft.drift.columns import Column, Numbers, Vectors, column_of
from failsoft.drift.embedded import STEPS, Embedding
from failsoft.drift.source import KeyedSource, Keys, Source

__all__ = ["DIRECTIONS", "Projected", "cosine", "expanded", "learn_directions", "on_grid"]

DIRECTIONS = 16
"""Along so many directions an embedding is compared, when nobody says otherwise."""

_SAMPLE = 8_192
_SEED = 20261121
_FINE, _FAR = 20, 29
_EXTRA, _ROUNDS = 8, 6

type Floats = NDArray[np.float64]


def learn_directions(source: Source, column: str, most: int = DIRECTIONS) -> Embedding:
    """The directions of a column of vectors, from at most 8,192 of its rows, evenly taken.

    The leading principal directions by subspace iteration from a seeded start (N. Halko, P. Martinsson, J. Tropp,
    "Finding structure with randomness", SIAM Review 53 (2011), algorithm 4.4), each rounded to whole numbers from -127
    to 127, its largest one positive.

    Raises `ValueError` where the column has no vector, or vectors of different lengths.

    Args:
        source: the rows.
        column: its name.
        most: directions; fewer where vectors are shorter.
    """
    stride = max(1, source.rows // _SAMPLE)
    parts, size = [], 0
    for batch in source.batches([column]):
        vectors = batch[column]
        if not isinstance(vectors, Vectors):
            raise ValueError(f"{column!r} has values that are no vectors")  # noqa: TRY004  # as every refusal of a fit
        if len(vectors.values):
            if size not in {0, vectors.size}:
                raise ValueError(f"{column!r} has vectors of {size} and of {vectors.size} numbers")
            size = vectors.size
            parts.append(vectors.values[::stride].astype(np.float64))
    if not parts:
        raise ValueError(f"{column!r} has no vector")
    sample = np.nan_to_num(np.concatenate(parts)[: 2 * _SAMPLE], nan=0.0)
    largest = float(np.abs(sample).max())
    shift = _FINE - frexp(largest)[1] if largest > 0 else 0
    centroid = np.rint(np.ldexp(sample.mean(axis=0), shift)).astype(np.int64)
    axes, explained = _principal(sample - sample.mean(axis=0), min(most, size))
    whole = np.rint(axes / np.abs(axes).max(axis=1, keepdims=True) * STEPS).astype(np.int64)
    return Embedding(
        size=size,
        shift=shift,
        directions=tuple((whole + STEPS).ravel().tolist()),
        centroid=tuple(centroid.tolist()),
        explained=tuple(round(share, 4) for share in explained.tolist()),
    )


def _principal(centred: Floats, count: int) -> tuple[Floats, Floats]:
    """Unit directions, shape (count, size), and the share of the variance along each."""
    rng = np.random.default_rng(_SEED)
    wide = min(centred.shape[1], count + _EXTRA)
    basis = np.linalg.qr(rng.normal(size=(centred.shape[1], wide)))[0]
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
    _, scale, within = np.linalg.svd(centred @ basis, full_matrices=False)
    axes = (basis @ within.T).T[:count]
    if len(axes) < count:  # fewer rows than directions
        axes = np.vstack([axes, np.eye(centred.shape[1])[: count - len(axes)]])
    signs = np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])
    power = np.zeros(count)
    power[: min(count, len(scale))] = scale[:count] ** 2
    return axes * signs[:, None], power / max(float((centred**2).sum()), 1e-300)


def on_grid(embedding: Embedding, vectors: Vectors) -> Floats:
    """The numbers of vectors as whole ones, shape (rows, size); what is far beyond the reference stays at the edge."""
    edge = float(2**_FAR)
    with np.errstate(over="ignore"):
        grid: Floats = np.clip(np.rint(np.ldexp(vectors.values.astype(np.float64), embedding.shift)), -edge, edge)
    return grid


@lru_cache(maxsize=32)
def _directions(packed: tuple[int, ...], size: int) -> tuple[Floats, Floats]:
    """The directions, shape (size, count), and their lengths."""
    table = np.array(packed, dtype=np.float64).reshape(-1, size).T - STEPS
    return table, np.maximum(np.sqrt((table**2).sum(axis=0)), 1.0)


def expanded(batch: Mapping[str, Any], embeddings: Mapping[str, Embedding]) -> dict[str, Any]:
    """The columns of a batch, each embedding as numbers along its directions instead of itself.

    Raises `ValueError` where a column holds no vectors, or vectors of another length.
    """
    made = {name: values for name, values in batch.items() if name not in embeddings}
    for column, embedding in embeddings.items():
        if column in batch:
            vectors = vectors_of(batch[column], column, embedding)
            table, lengths = _directions(embedding.directions, embedding.size)
            along = np.ldexp((on_grid(embedding, vectors) @ table) / lengths, -embedding.shift)
            for index, name in enumerate(embedding.names(column)):
                made[name] = Numbers(along[:, index], vectors.missing)
    return made


def vectors_of(values: Any, column: str, embedding: Embedding) -> Vectors:
    """A column as vectors. Raises `ValueError` where it holds none, or vectors of another length."""
    found = column_of(values)
    if not isinstance(found, Vectors):
        if found.rows == found.missing:
            return Vectors(np.empty((0, embedding.size)), found.missing)
        raise ValueError(f"{column!r} has no vectors, the reference has vectors of {embedding.size} numbers")
    if len(found.values) and found.size != embedding.size:
        raise ValueError(f"{column!r} has vectors of {found.size} numbers, the reference of {embedding.size}")
    return found if len(found.values) else Vectors(np.empty((0, embedding.size)), found.missing)


def cosine(embedding: Embedding, sums: Sequence[int]) -> float | None:
    """The cosine of the angle between the reference's centroid and a window's; None where one of them is at 0.

    Args:
        embedding: of the reference.
        sums: of the window's vectors on the grid, shape (size,).
    """
    one, other = np.array(embedding.centroid, dtype=np.float64), np.array(sums, dtype=np.float64)
    lengths = float(np.linalg.norm(one)), float(np.linalg.norm(other))
    if not all(lengths):
        return None
    return float(np.clip((one / lengths[0]) @ (other / lengths[1]), -1.0, 1.0))


class Projected:
    """The rows of a source, each column of vectors as the numbers along its directions.

    Args:
        source: the rows.
        embeddings: by column.
    """

    def __init__(self, source: Source, embeddings: Mapping[str, Embedding]) -> None:
        self._source = source
        self._embeddings = embeddings
        self._home = {name: column for column, one in embeddings.items() for name in one.names(column)}
        self.rows = source.rows
        self.vectors: Sequence[str] = ()
        self.columns: Sequence[str] = tuple(
            name
            for column in source.columns
            for name in (embeddings[column].names(column) if column in embeddings else (column,))
        )
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column has the name of a direction of an embedding, such as 'vector[0]'")

    def batches(self, columns: Sequence[str]) -> Iterator[Mapping[str, Column]]:
        """All rows of some columns, in parts that fit in memory."""
        for batch in self._source.batches(self._needed(columns)):
            yield self._chosen(batch, columns)

    def keyed(
        self, columns: Sequence[str], key: str, keys: Keys | None = None
    ) -> Iterator[tuple[str | None, Mapping[str, Column]]]:
        """The same, the rows of each key apart. Raises `ValueError` where the source cannot."""
        if not isinstance(self._source, KeyedSource):
            raise ValueError("strata need rows that can be told apart: a file, or a data frame")  # noqa: TRY004
        for value, batch in self._source.keyed(self._needed(columns), key, keys):
            yield value, self._chosen(batch, columns)

    def _needed(self, columns: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self._home.get(name, name) for name in columns))

    def _chosen(self, batch: Mapping[str, Column], columns: Sequence[str]) -> Mapping[str, Column]:
        made = expanded(batch, self._embeddings)
        return {name: made[name] for name in columns}
