"""Counting in Spark: its own expressions, a few features a job; neither failsoft nor pandas is on the workers."""

from itertools import batched, chain
from typing import TYPE_CHECKING, Any

from failsoft.drift.accumulator import Accumulator
from failsoft.drift.columns import Labels, Type
from failsoft.drift.features import CategoricalReference, FeatureReference, HistogramReference, NumericReference
from failsoft.drift.profile import ReferenceProfile
from failsoft.drift.pushdown.tallies import Below, accumulated, check
from failsoft.drift.pushdown.texts import labels_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["count_spark"]

_A_JOB = 4
"""Features that are counted in one job: the code that Spark generates for more is too large to be compiled."""

_DAY = 86_400


def count_spark(profile: ReferenceProfile, rows: "DataFrame") -> Accumulator:
    """The counts of a Spark data frame.

    Raises `WrongColumnError` where a feature has no column, or one of another type.

    Args:
        profile: the reference.
        rows: the data frame; it is read more than once, so one that is costly to make is better cached.
    """
    kinds = {field.name: field.dataType.typeName() for field in rows.schema}
    check(profile, {name: _type(kind) for name, kind in kinds.items()})
    total = rows.count()
    tallies: dict[str, Below | Labels | int] = {}
    counted = [pair for pair in profile.features.items() if not isinstance(pair[1], CategoricalReference)]
    for group in batched(counted, _A_JOB):
        asked = [_counting(name, kinds[name], feature) for name, feature in group]
        answer = rows.agg(*(one.alias(f"c{index}") for index, one in enumerate(chain(*asked)))).first()
        values = [int(value or 0) for value in answer or ()]
        for (name, feature), own in zip(group, asked, strict=True):
            found, values = values[: len(own)], values[len(own) :]
            binned = isinstance(feature, NumericReference | HistogramReference)
            tallies[name] = Below(found[:-1], found[-1]) if binned else found[0]
    for name, feature in profile.features.items():
        if isinstance(feature, CategoricalReference):
            grouped = rows.groupBy(_column(name).alias("value")).count().collect()
            tallies[name] = labels_of(((row[0], row[1]) for row in grouped), feature.type)
    return accumulated(profile, total, tallies)


def _counting(name: str, kind: str, feature: FeatureReference) -> "list[Column]":
    from pyspark.sql import functions

    column = _column(name)
    present: Any = column.isNotNull()
    if kind in {"double", "float"}:
        present &= ~functions.isnan(column)
    there = functions.count_if(present)
    if not isinstance(feature, NumericReference | HistogramReference):
        return [there]
    value = functions.unix_date(column) * _DAY if kind == "date" else column
    bounds = feature.bounds if isinstance(feature, NumericReference) else feature.cuts
    # NaN is above all numbers in the order of Spark, so it is not below a bound
    return [functions.count_if(value.cast("double") <= functions.lit(bound)) for bound in bounds] + [there]


def _column(name: str) -> "Column":
    from pyspark.sql import functions

    return functions.col("`" + name.replace("`", "``") + "`")


def _type(kind: str) -> Type:
    if kind.startswith("decimal") or kind in {"byte", "short", "integer", "long", "float", "double"}:
        return "number"
    known: dict[str, Type] = {"date": "time", "timestamp": "time", "string": "text", "boolean": "boolean"}
    return known.get(kind, "any")
