"""Spark's workers count as numpy does, to the integer. `tools/parts.py spark` brings PySpark and Java."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from failsoft.drift import Accumulator, WrongColumnError, fit
from failsoft.drift.data import FrameSource, open_data

CACHE = Path(__file__).parents[2] / ".cache"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.timeout(600),  # Java starts, and compiles what Spark generates
    pytest.mark.filterwarnings("ignore"),  # PySpark's own
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        home = CACHE / "spark"
        patch.setenv("SPARK_HOME", str(home / "deps"))
        patch.setenv("JAVA_HOME", str((CACHE / "parts" / "java").resolve().parents[1]))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        # PySpark's own launcher is a child that needs the path too
        paths = [str(home), *map(str, home.glob("py4j-*.whl"))]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        for path in paths:
            patch.syspath_prepend(path)
        yield from session(tmp_path_factory)


def session(tmp_path_factory):
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    made = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.warehouse.dir", str(folder))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.codegen.wholeStage", "false")
        .getOrCreate()
    )
    yield made
    made.stop()


def rows(seed, count, shift=0.0):
    dice = np.random.default_rng(seed)
    return pa.table(
        {
            "amount": pa.array(dice.normal(shift, 1, count), mask=np.arange(count) % 13 == 0),
            "a `quoted`.name": dice.choice(["free", "pro", "gold"], count).tolist(),
            "whole": pa.array(dice.integers(0, 5, count)),
            "ok": dice.choice([True, False], count),
            "day": pa.array((np.arange(count) % 60).astype("int32"), pa.date32()),
            "at": pa.array((np.arange(count) * 977_123 % 10**9).astype("int64"), pa.timestamp("us", "UTC")),
        }
    )


def test_spark_counts_as_numpy_does(spark, tmp_path):
    from failsoft.drift.pushdown.spark import count_spark

    profile = fit(FrameSource(rows(1, 4_000)), at=datetime(2026, 11, 21, tzinfo=UTC))
    parquet.write_table(rows(2, 3_000, 0.4), tmp_path / "rows.parquet")
    here = Accumulator(profile)
    for batch in open_data(tmp_path / "rows.parquet").batches(list(profile.features)):
        here.update(batch)
    frame = spark.read.parquet(str(tmp_path / "rows.parquet")).repartition(3)
    assert count_spark(profile, frame).as_json() == here.as_json()
    with pytest.raises(WrongColumnError, match="no column 'amount'"):
        count_spark(profile, frame.drop("amount"))
