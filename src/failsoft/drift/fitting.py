"""Making a reference from rows: exact quantiles and counts of each column, a few columns at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from failsoft.drift.columns import Column, Vectors, column_of
from failsoft.drift.features import CategoricalReference, FeatureReference, Role
from failsoft.drift.gathering import MOST_CATEGORIES, Part
from failsoft.drift.profile import OTHER_STRATUM, SCHEMA, ReferenceProfile, Strata
from failsoft.drift.projection import DIRECTIONS, Projected, learn_directions
from failsoft.drift.source import KeyedSource, Source

__all__ = [
    "LEAST_ROWS",
    "MOST_CATEGORIES",
    "MOST_STRATA",
    "KeyedSource",
    "NoStrataError",
    "Source",
    "fit",
    "fit_arrays",
]

MOST_STRATA = 20
"""Strata with a reference of their own; the others are taken together."""

LEAST_ROWS = 500
"""A stratum with fewer rows is taken together with others."""

_BYTES_AT_ONCE = 256_000_000
_CELL = 8


class NoStrataError(ValueError):
    """A column tells no strata apart."""


def fit(  # noqa: PLR0913  # what a profile says of itself
    source: Source,
    *,
    columns: Sequence[str] | None = None,
    predictions: Sequence[str] = (),
    categorical: Sequence[str] = (),
    importance: Mapping[str, float] | None = None,
    by: str = "",
    time: str = "",
    cluster: str = "",
    directions: int = DIRECTIONS,
    model: str = "",
    revision: str = "",
    at: datetime | None = None,
    of: str = "",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> ReferenceProfile:
    """The reference profile of the rows of a source.

    Memory holds as many columns at once as fit in 256 MB, at least one.
    Raises `ValueError` where the source has no rows or lacks a column, or where `by` tells no strata apart.

    Args:
        source: the rows.
        columns: which, the most important first; all of them, when left out.
        predictions: those that the model makes; they come first.
        categorical: numbers that are names, such as postal codes.
        importance: of columns, by which they are sorted; those without come after them, as given.
        directions: along how many an embedding is compared.
        by: the column of routes, tenants or revisions, for each of which a reference is kept as well.
        time: the column of moments, where each hour of the week is to have a reference of its own.
        cluster: the column of tenants or requests whose rows are alike.
        model: the Model whose features these are.
        revision: what the model served.
        at: when; now, when left out.
        of: where the rows came from, for people.
        progress: is told how many of all columns are done.
    """
    weights = importance or {}
    ordered = _ordered(source, columns, predictions, weights, {by, time, cluster})
    if unknown := [
        name
        for name in (*ordered, *categorical, *weights, *filter(None, [by, time, cluster]))
        if name not in source.columns
    ]:
        raise ValueError(f"there is no column {unknown[0]!r}")
    embeddings = {name: learn_directions(source, name, directions) for name in ordered if name in source.vectors}
    home = {each: name for name, one in embeddings.items() for each in one.names(name)}
    raw, source = source, Projected(source, embeddings) if embeddings else source
    ordered = [each for name in ordered for each in (embeddings[name].names(name) if name in embeddings else [name])]
    plan = _Strata.of(source, by) if by else None

    def part(name: str) -> Part:
        column = home.get(name, name)
        role: Role = "prediction" if column in predictions else "feature"
        return Part(as_labels=name in categorical, role=role, importance=weights.get(column))

    found: dict[str, dict[str, FeatureReference]] = {name: {} for name in ("", *(plan.names if plan else ()))}
    for group in _groups(ordered, source.rows):
        parts = {stratum: {name: part(name) for name in group} for stratum in found}
        for stratum, batch in _strata_of(source, group, plan):
            for name, column in batch.items():
                parts[""][name].add(column)
                if stratum:
                    parts[stratum][name].add(column)
        for name in group:
            for stratum, features in found.items():
                features[name] = parts[stratum][name].reference()
            progress(len(found[""]), len(ordered))
    whole = found.pop("")
    if not any(feature.rows + feature.missing for feature in whole.values()):
        raise ValueError("there are no rows")
    made = ReferenceProfile(
        schema_=SCHEMA if plan is not None or embeddings or time or cluster else 2,
        model=model,
        revision=revision,
        learned_at=at if at is not None else datetime.now(UTC).replace(microsecond=0),
        learned_from=of,
        features=whole,
        strata=plan.stored(found) if plan is not None else None,
        embeddings=embeddings,
    )
    made = made if not time and not cluster else _with_habits(made, raw, time, cluster)
    left = tuple(name for name in raw.columns if name not in made.columns)
    return made.changed(left_out=left, schema_=SCHEMA) if left else made


def _with_habits(profile: ReferenceProfile, source: Source, time: str, cluster: str) -> ReferenceProfile:
    from failsoft.drift.habits import clusters_of, rhythm_of

    if profile.strata is not None:
        raise ValueError("strata have no hours of the week and no clusters: leave out one of them")
    return profile.changed(
        rhythm=rhythm_of(source, time, profile) if time else None,
        clusters=clusters_of(source, cluster, profile) if cluster else None,
    )


def _ordered(
    source: Source,
    columns: Sequence[str] | None,
    predictions: Sequence[str],
    weights: Mapping[str, float],
    keys: set[str],
) -> list[str]:
    chosen = list(columns) if columns is not None else list(source.columns)
    others = sorted(
        (name for name in chosen if name not in {*predictions, *keys}), key=lambda name: -weights.get(name, 0)
    )
    return list(dict.fromkeys([*predictions, *others]))


@dataclass(frozen=True, slots=True)
class _Strata:
    """Which strata get a reference of their own."""

    by: str
    mix: CategoricalReference
    own: tuple[str, ...]

    @classmethod
    def of(cls, source: Source, by: str) -> "_Strata":
        part = Part(as_labels=True, role="stratum")
        for batch in source.batches([by]):
            part.add(batch[by])
        mix = part.reference()
        if not isinstance(mix, CategoricalReference):
            many = mix.kind == "uncompared" and mix.why == "identifier"
            number = f"more than {MOST_CATEGORIES:,}" if many else "no"
            raise NoStrataError(f"{by!r} has {number} values to tell rows apart")
        enough = [name for name, rows in zip(mix.categories, mix.counts, strict=True) if rows >= LEAST_ROWS]
        return cls(by, mix, tuple(enough[:MOST_STRATA]))

    @property
    def names(self) -> tuple[str, ...]:
        rows = dict(zip(self.mix.categories, self.mix.counts, strict=True))
        left = self.mix.rows + self.mix.missing - sum(rows[name] for name in self.own)
        return (*self.own, *([OTHER_STRATUM] if left else []))

    def stored(self, found: Mapping[str, Mapping[str, FeatureReference]]) -> Strata:
        each = {name: found[name] for name in self.own}
        return Strata(by=self.by, mix=self.mix, each=each, pooled=found.get(OTHER_STRATUM))


def _strata_of(
    source: Source, columns: Sequence[str], plan: _Strata | None
) -> Iterator[tuple[str, Mapping[str, Column]]]:
    """The rows, stratum by stratum where there are any."""
    if plan is None:
        for batch in source.batches(columns):
            yield "", batch
        return
    if not isinstance(source, KeyedSource):
        raise ValueError("strata need rows that can be told apart: a file, or a data frame")  # noqa: TRY004
    for value, batch in source.keyed(columns, plan.by):
        yield value if value is not None and value in plan.own else OTHER_STRATUM, batch


def fit_arrays(arrays: Mapping[str, Any], **how: Any) -> ReferenceProfile:
    """The reference profile of columns in memory.

    Args:
        arrays: by name, what `column_of` takes, all of one length.
        how: as `fit` takes it.

    >>> profile = fit_arrays({"x": [0.0, 1.0, 2.0, 3.0, float("nan")]}, model="chat")
    >>> profile.features["x"].rows, profile.features["x"].missing, profile.features["x"].distribution.cuts[:2]
    (4, 1, (0.30000000000000004, 0.6000000000000001))
    """
    return fit(_Arrays({name: column_of(values) for name, values in arrays.items()}), **how)


@dataclass(frozen=True, slots=True)
class _Arrays:
    held: Mapping[str, Column]

    @property
    def columns(self) -> Sequence[str]:
        return tuple(self.held)

    @property
    def rows(self) -> int:
        lengths = {column.rows for column in self.held.values()}
        if len(lengths) > 1:
            raise ValueError(f"the columns have {min(lengths)} to {max(lengths)} rows, not one number of them")
        return max(lengths, default=0)

    @property
    def vectors(self) -> Sequence[str]:
        return tuple(name for name, column in self.held.items() if isinstance(column, Vectors))

    def batches(self, columns: Sequence[str]) -> Iterator[Mapping[str, Column]]:
        yield {name: self.held[name] for name in columns}


def _groups(names: Sequence[str], rows: int) -> Iterator[Sequence[str]]:
    size = max(1, _BYTES_AT_ONCE // (_CELL * max(1, rows)))
    for start in range(0, len(names), size):
        yield names[start : start + size]
