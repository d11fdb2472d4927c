"""Counting in DuckDB: one query for all numbers, one for each column of categories."""

from typing import TYPE_CHECKING

from failsoft.drift.accumulator import Accumulator
from failsoft.drift.columns import Labels, Type
from failsoft.drift.features import CategoricalReference, FeatureReference, HistogramReference, NumericReference
from failsoft.drift.profile import ReferenceProfile
from failsoft.drift.pushdown.tallies import Below, accumulated, check
from failsoft.drift.pushdown.texts import labels_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

__all__ = ["count_duckdb"]

_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}
_SECONDS = {
    "DATE": "epoch({0})",
    "TIMESTAMP": "CAST(epoch_us({0}) AS DOUBLE) / 1000000",
    "TIMESTAMP WITH TIME ZONE": "CAST(epoch_us({0}) AS DOUBLE) / 1000000",
    "TIMESTAMP_S": "epoch({0})",
    "TIMESTAMP_MS": "CAST(epoch_ms({0}) AS DOUBLE) / 1000",
    "TIMESTAMP_NS": "CAST(epoch_ns({0}) AS DOUBLE) / 1000000000",
}


def count_duckdb(profile: ReferenceProfile, rows: "DuckDBPyRelation") -> Accumulator:
    r"""The counts of a relation: a table, a query, or files that DuckDB scans.

    Raises `WrongColumnError` where a feature has no column, or one of another type.

    Args:
        profile: the reference.
        rows: the relation, such as `connection.read_parquet("rows/*.parquet")`.

    >>> import duckdb
    >>> from failsoft.drift import fit_arrays
    >>> profile = fit_arrays({"age": [31, 44, 58, 23], "a name": ["free", "pro", "free", None]})
    >>> found = count_duckdb(profile, duckdb.sql("SELECT 30 AS age, 'gold' AS \"a name\""))
    >>> found.rows, found.counts["a name"].unseen.kept
    (1, {'gold': 1})
    """
    kinds = dict(zip(rows.columns, (str(kind) for kind in rows.types), strict=True))
    check(profile, {name: _type(kind) for name, kind in kinds.items()})
    asked: list[str] = ["count(*)"]
    for name, feature in profile.features.items():
        asked += _counting(name, kinds[name], feature)
    (answer,) = rows.aggregate(", ".join(f"{sql} AS c{index}" for index, sql in enumerate(asked))).fetchall()
    counts = [int(value or 0) for value in answer]
    tallies: dict[str, Below | Labels | int] = {}
    at = 1
    for name, feature in profile.features.items():
        size = len(_counting(name, kinds[name], feature))
        found, at = counts[at : at + size], at + size
        if isinstance(feature, NumericReference | HistogramReference):
            tallies[name] = Below(found[:-1], found[-1])
        elif isinstance(feature, CategoricalReference):
            grouped = rows.aggregate(f"{_quoted(name)} AS value, count(*) AS rows", _quoted(name)).fetchall()
            tallies[name] = labels_of(grouped, feature.type)
        else:
            tallies[name] = found[0]
    return accumulated(profile, counts[0], tallies)


def _counting(name: str, kind: str, feature: FeatureReference) -> list[str]:
    column = _quoted(name)
    if isinstance(feature, CategoricalReference):
        return []
    present = f"count({column})"
    if _base(kind) in {"DOUBLE", "FLOAT"}:
        present = f"count_if(NOT isnan({column}))"
    if not isinstance(feature, NumericReference | HistogramReference):
        return [present]
    value = _SECONDS.get(kind, "CAST({0} AS DOUBLE)").format(column)
    bounds = feature.bounds if isinstance(feature, NumericReference) else feature.cuts
    return [f"count_if({value} <= CAST('{bound!r}' AS DOUBLE))" for bound in bounds] + [present]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _base(kind: str) -> str:
    return kind.partition("(")[0]


def _type(kind: str) -> Type:
    base = _base(kind)
    if base in _INTEGERS or base in {"DOUBLE", "FLOAT", "DECIMAL"}:
        return "number"
    if base in _SECONDS:
        return "time"
    return {"BOOLEAN": "boolean", "VARCHAR": "text", "ENUM": "text"}.get(base, "any")  # type: ignore[return-value]
