"""Counting in Polars, lazily: one plan for all numbers, one for each column of categories."""

from typing import TYPE_CHECKING

from failsoft.drift.accumulator import Accumulator
from failsoft.drift.columns import Labels, Type
from failsoft.drift.features import CategoricalReference, FeatureReference, HistogramReference, NumericReference
from failsoft.drift.profile import ReferenceProfile
from failsoft.drift.pushdown.tallies import Below, accumulated, check
from failsoft.drift.pushdown.texts import labels_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["count_polars"]

_UNITS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY = 86_400


def count_polars(profile: ReferenceProfile, rows: "pl.LazyFrame") -> Accumulator:
    """The counts of a lazy frame, such as `polars.scan_parquet("rows/*.parquet")`, by the streaming engine.

    Raises `WrongColumnError` where a feature has no column, or one of another type.

    Args:
        profile: the reference.
        rows: the lazy frame.

    >>> import polars as pl
    >>> from failsoft.drift import fit_arrays
    >>> profile = fit_arrays({"age": [31, 44, 58, 23], "^.*$": ["free", "pro", "free", None]})
    >>> found = count_polars(profile, pl.LazyFrame({"age": [30, None], "^.*$": ["gold", "pro"]}))
    >>> found.rows, found.counts["age"].missing, found.counts["^.*$"].unseen.kept
    (2, 1, {'gold': 1})
    """
    import polars as pl
    from polars import selectors

    schema = rows.collect_schema()
    check(profile, {name: _type(kind) for name, kind in schema.items()})
    asked = [pl.len().alias("rows")]
    for index, (name, feature) in enumerate(profile.features.items()):
        column = selectors.by_name(name)  # pl.col would take `^...$` and `*` for patterns
        asked += [
            expression.alias(f"{index} {number}")
            for number, expression in enumerate(_counting(column, schema[name], feature))
        ]
    answer = rows.select(asked).collect(engine="streaming").row(0, named=True)
    tallies: dict[str, Below | Labels | int] = {}
    for index, (name, feature) in enumerate(profile.features.items()):
        found = [int(value or 0) for key, value in answer.items() if key.startswith(f"{index} ")]
        if isinstance(feature, NumericReference | HistogramReference):
            tallies[name] = Below(found[:-1], found[-1])
        elif isinstance(feature, CategoricalReference):
            values = rows.select(selectors.by_name(name).alias("value")).group_by("value").len()
            tallies[name] = labels_of(values.collect(engine="streaming").iter_rows(), feature.type)
        else:
            tallies[name] = found[0]
    return accumulated(profile, int(answer["rows"]), tallies)


def _counting(column: "pl.Expr", kind: "pl.DataType", feature: FeatureReference) -> "list[pl.Expr]":
    import polars as pl

    if isinstance(feature, CategoricalReference):
        return []
    present = column.count()
    if kind.is_float():
        present = (column.is_not_null() & column.is_not_nan()).sum()
    if not isinstance(feature, NumericReference | HistogramReference):
        return [present]
    value = column.cast(pl.Float64)
    if isinstance(kind, pl.Datetime | pl.Duration):
        value = column.to_physical().cast(pl.Float64) / _UNITS[kind.time_unit]
    elif isinstance(kind, pl.Date):
        value = column.to_physical().cast(pl.Float64) * _DAY
    elif isinstance(kind, pl.Time):
        value = column.to_physical().cast(pl.Float64) / _UNITS["ns"]
    bounds = feature.bounds if isinstance(feature, NumericReference) else feature.cuts
    # NaN is above all numbers in the order of Polars, so it is not below a bound
    return [(value <= bound).sum() for bound in bounds] + [present]


def _type(kind: "pl.DataType") -> Type:
    import polars as pl

    if kind.is_numeric():
        return "number"
    if isinstance(kind, pl.Date | pl.Datetime):
        return "time"
    if isinstance(kind, pl.Duration | pl.Time):
        return "duration"
    if isinstance(kind, pl.Boolean):
        return "boolean"
    return "text" if isinstance(kind, pl.String | pl.Categorical | pl.Enum) else "any"
