"""An engine counts the rows where they are, and counts as numpy does, to the integer."""

from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from failsoft.drift import Accumulator, WrongColumnError, fit
from failsoft.drift.data import FrameSource
from failsoft.drift.pushdown.duckdb import count_duckdb
from failsoft.drift.pushdown.polars import count_polars

NAMES = {"amount": 'we"ird\n name', "pattern": "^.*$", "star": "*", "dotted": "a.b", "tick": "b`c;DROP TABLE x"}
START = datetime(2026, 1, 1)  # noqa: DTZ001  # engines keep times without a zone apart


def table(seed, rows, shift=0.0):
    dice = np.random.default_rng(seed)
    amount = np.round(dice.normal(shift, 1, rows), 2)
    amount[::17] = np.nan
    amount[1::31] = np.inf
    amount[2::31] = -np.inf
    texts = dice.choice(["free", "pro", "it's", 'q"', "", "néw", None], size=rows).tolist()
    whole = dice.integers(-5, 5, rows).tolist()
    whole[0] = None
    return pa.table(
        {
            NAMES["amount"]: pa.array(amount, mask=np.arange(rows) % 13 == 0),
            NAMES["pattern"]: pa.array(texts),
            NAMES["star"]: pa.array(whole, pa.int64()),
            NAMES["dotted"]: pa.array([START + timedelta(seconds=float(s)) for s in dice.uniform(0, 1e6, rows)]),
            NAMES["tick"]: pa.array([None if i % 5 == 0 else i % 3 == 0 for i in range(rows)]),
            "day": pa.array([(START + timedelta(days=i % 90)).date() for i in range(rows)]),
            "big": pa.array([2**60 + i % 4 for i in range(rows)]),
            "nothing": pa.array([None] * rows, pa.float64()),
        }
    )


REFERENCE, WINDOW = table(1, 2_000), table(2, 1_500, shift=0.3).append_column("extra", pa.array(range(1_500)))
PROFILE = fit(FrameSource(REFERENCE), at=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture(scope="module")
def here():
    window = Accumulator(PROFILE)
    for batch in FrameSource(WINDOW).batches(list(PROFILE.features)):
        window.update(batch)
    return window


def test_every_kind_of_feature_is_there(here):
    assert {feature.kind for feature in PROFILE.features.values()} == {"numeric", "categorical", "uncompared"}
    assert here.counts[NAMES["amount"]].missing > 0


def test_duckdb_counts_as_numpy_does(here):
    assert count_duckdb(PROFILE, duckdb.from_arrow(WINDOW)).as_json() == here.as_json()


def test_duckdb_counts_a_file_without_reading_it_here(here, tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(WINDOW, tmp_path / "rows.parquet")
    with duckdb.connect() as connection:
        found = count_duckdb(PROFILE, connection.read_parquet(str(tmp_path / "rows.parquet")))
    assert found.as_json() == here.as_json()
    assert count_polars(PROFILE, pl.scan_parquet(tmp_path / "rows.parquet")).as_json() == here.as_json()


def test_polars_counts_as_numpy_does(here):
    assert count_polars(PROFILE, pl.from_arrow(WINDOW).lazy()).as_json() == here.as_json()


def test_no_rows_are_no_rows():
    empty = pl.from_arrow(WINDOW).lazy().filter(False)
    assert count_polars(PROFILE, empty) == Accumulator(PROFILE)


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
@pytest.mark.parametrize(
    ("rows", "word"),
    [
        (WINDOW.drop_columns(["*"]), r"no column '\*'"),
        (WINDOW.set_column(5, "day", pa.array(["x"] * 1_500)), "is of type text, the reference has time"),
    ],
)
def test_a_column_that_is_gone_or_of_another_type_is_told(engine, rows, word):
    def counted():
        if engine == "polars":
            return count_polars(PROFILE, pl.from_arrow(rows).lazy())
        return count_duckdb(PROFILE, duckdb.from_arrow(rows))

    with pytest.raises(WrongColumnError, match=word):
        counted()


def test_a_reference_with_strata_is_counted_one_at_a_time():
    rows = pa.table({"route": ["a"] * 600 + ["b"] * 700, "x": list(range(1_300))})
    profile = fit(FrameSource(rows), by="route")
    relation = duckdb.from_arrow(rows)
    with pytest.raises(WrongColumnError, match="has strata of 'route'"):
        count_duckdb(profile, relation)
    found = count_duckdb(profile.stratum("b"), relation.filter("route = 'b'"))
    assert found.rows == found.counts["x"].rows == 700
