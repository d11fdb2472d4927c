"""Embeddings along fixed directions of the reference: the same machinery, exact whatever the order of the rows."""

import itertools
import json
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from failsoft.cli import root
from failsoft.drift import Accumulator, ReferenceProfile, WrongColumnError, fit, fit_arrays
from failsoft.drift.data import FrameSource
from failsoft.drift.projection import learn_directions
from failsoft.drift.pushdown.polars import count_polars
from failsoft.drift.stratified import centroid_cosines

AT = datetime(2026, 11, 21, tzinfo=UTC)
SIZE = 48


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


def vectors(seed, rows, along=None, by=0.0):
    """Vectors of which a few directions hold most of the variance; `along` one of them they are moved `by` sd."""
    axes = np.linalg.qr(np.random.default_rng(99).normal(size=(SIZE, SIZE)))[0]
    scale = np.array([4.0, 3.0, 2.0, *np.full(SIZE - 3, 0.2)])
    made = np.random.default_rng(seed).normal(size=(rows, SIZE)) * scale
    if along is not None:
        made[:, along] += by * scale[along]
    return (made @ axes + 0.3).astype(np.float32)


def table(matrix, *, fixed=True):
    kind = pa.list_(pa.float32(), SIZE) if fixed else pa.list_(pa.float32())
    return pa.table({"vector": pa.array(list(matrix), kind), "n": np.arange(len(matrix)) % 7})


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embeddings")
    parquet.write_table(table(vectors(1, 8_000)), folder / "train.parquet")
    parquet.write_table(table(vectors(2, 1_000)), folder / "same.parquet")
    parquet.write_table(table(vectors(3, 1_000, 1, 0.7), fixed=False), folder / "moved.parquet")
    made = run("fit", folder / "train.parquet", "--directions", 6, "-o", folder / "ref.json")
    assert made.exit_code == 0, made.output
    return folder


def profile_of(here):
    return ReferenceProfile.parse((here / "ref.json").read_bytes(), "ref.json")


def scored(here, data, *more):
    ran = run("score", here / "ref.json", here / f"{data}.parquet", "--output", "json", *more)
    found = json.loads(ran.stdout)
    return ran.exit_code, {one["name"]: one for one in found["features"]}, found


def test_directions_are_those_of_the_largest_variance_and_the_shift_is_found_along_its_own(here):
    explained = profile_of(here).embeddings["vector"].explained
    wanted = np.array([16, 9, 4]) / (29 + 45 * 0.04)
    assert explained[:3] == pytest.approx(wanted, rel=0.05)
    code, found, whole = scored(here, "same")
    assert (code, whole["severity"]) == (0, "none")
    cosine = whole["embeddings"]["vector"]["cosine"]
    assert list(found) == [*(f"vector[{index}]" for index in range(6)), "n"]
    code, found, whole = scored(here, "moved")
    assert code == 1
    assert [name for name, one in found.items() if one["severity"] == "page"] == ["vector[1]"]
    assert whole["embeddings"]["vector"]["cosine"] < cosine < 1
    text = run("score", here / "ref.json", here / "moved.parquet")
    assert "'vector': cosine of the centroids" in text.stdout


def test_exact_distances_are_those_along_the_directions(here):
    from scipy import stats

    _, found, _ = scored(here, "moved", "--exact", here / "train.parquet")
    embedding = profile_of(here).embeddings["vector"]
    axis = np.array(embedding.directions, dtype=float).reshape(6, SIZE)[1] - 127
    before, now = (matrix.astype(float) @ axis for matrix in (vectors(1, 8_000), vectors(3, 1_000, 1, 0.7)))
    assert found["vector[1]"]["statistics"]["ks"] == pytest.approx(stats.ks_2samp(before, now).statistic, abs=1e-3)


@given(st.lists(st.integers(1, 999), max_size=6), st.randoms(use_true_random=False))
def test_any_split_in_any_order_counts_exactly_the_same(places, dice):
    """Sums of floats depend on their order, and a row at a bound would fall left or right of it.

    Bounds of a reference of 10 k + 1 rows are values of rows, and here the rows are the same.
    """
    order = list(range(1_001))
    dice.shuffle(order)
    edges = sorted({0, *places, 1_001})
    merged = Accumulator(PROFILE)
    for low, high in itertools.pairwise(edges):
        part = Accumulator(PROFILE)
        part.update({"vector": WINDOW[order[low:high]]})
        merged.merge(Accumulator.from_json(PROFILE, json.loads(json.dumps(part.as_json()))))
    assert merged == WHOLE


def test_a_row_alone_is_counted_as_it_is_among_others():
    """A library multiplies a row by a matrix in another order than many rows."""
    merged = Accumulator(PROFILE)
    for row in range(len(WINDOW)):
        merged.update({"vector": WINDOW[row : row + 1]})
    assert merged == WHOLE


WINDOW = vectors(5, 1_001)
PROFILE = fit_arrays({"vector": WINDOW}, directions=5, at=AT)
WHOLE = Accumulator(PROFILE)
WHOLE.update({"vector": WINDOW})


def test_null_and_nan_vectors_are_missing_and_infinite_ones_are_far_out():
    rows = [*vectors(6, 200).tolist(), None, [float("nan")] * SIZE, [float("inf"), *[0.0] * (SIZE - 1)]]
    window = Accumulator(PROFILE)
    window.update({"vector": rows})
    for name in PROFILE.features:
        assert window.counts[name].missing == 2
        assert window.counts[name].rows == 201
    assert all(-1 <= cosine <= 1 for cosine in centroid_cosines(window).values())


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_a_unit_changes_nothing(scale):
    profile = fit_arrays({"vector": WINDOW.astype(float) * scale}, directions=5, at=AT)
    window = Accumulator(profile)
    window.update({"vector": vectors(4, 1_000).astype(float) * scale})
    plain = Accumulator(PROFILE)
    plain.update({"vector": vectors(4, 1_000)})
    for name in PROFILE.features:
        moved = window.counts[name].counts - plain.counts[name].counts
        assert np.abs(moved).sum() < 60, "the grid is another one, the rows are where they were"
    assert centroid_cosines(window)["vector"] == pytest.approx(centroid_cosines(plain)["vector"], abs=1e-4)


def test_the_size_of_a_profile_is_that_of_its_directions():
    wide = np.random.default_rng(7).normal(size=(2_000, 768)).astype(np.float32)
    profile = fit_arrays({"vector": wide}, at=AT)
    assert len(profile.render().encode()) < 30_000
    assert len(profile.features) == 16
    assert ReferenceProfile.parse(profile.render().encode(), "r.json") == profile


def test_lists_and_matrices_are_the_same_column():
    matrix = vectors(8, 300)
    arrays = fit_arrays({"vector": matrix}, directions=3, at=AT)
    for frame in (table(matrix).select(["vector"]), pl.from_arrow(table(matrix, fixed=False).select(["vector"]))):
        assert fit(FrameSource(frame), directions=3, at=AT) == arrays
    assert fit_arrays({"vector": matrix.tolist()}, directions=3, at=AT) == arrays


def test_a_reference_of_few_or_equal_vectors_has_directions_all_the_same():
    for matrix in (np.ones((5, 4)), np.zeros((5, 4)), np.eye(4)[:2]):
        profile = fit_arrays({"vector": matrix}, at=AT)
        window = Accumulator(profile)
        window.update({"vector": matrix})
        assert len(profile.features) == 4
        assert window.rows == len(matrix)


def test_vectors_of_another_length_or_none_are_told(here, tmp_path):
    shorter = pa.table({"vector": pa.array(list(vectors(9, 100)[:, :40])), "n": np.arange(100)})
    texts = pa.table({"vector": ["a"] * 100, "n": np.arange(100)})
    ragged = pa.table({"vector": [[1.0], [1.0, 2.0]] * 50, "n": np.arange(100)})
    for data, word in (
        (shorter, "has vectors of 40 numbers, the reference of 48"),
        (texts, "has no vectors, the reference has vectors of 48 numbers"),
        (ragged, "vectors have one length"),
        (table(vectors(9, 100)).drop_columns(["vector"]), "has no column 'vector'"),
    ):
        parquet.write_table(data, tmp_path / "bad.parquet")
        ran = run("score", here / "ref.json", tmp_path / "bad.parquet")
        assert (ran.exit_code, word in ran.output) == (2, True), ran.output
    with pytest.raises(ValueError, match="one length"):
        fit_arrays({"vector": [[1.0], [1.0, 2.0]]}, at=AT)
    with pytest.raises(WrongColumnError, match="an embedding"):
        count_polars(profile_of(here), pl.from_arrow(table(vectors(9, 100))).lazy())


def test_the_seed_of_the_directions_is_fixed():
    source = FrameSource(table(vectors(1, 500)))
    assert learn_directions(source, "vector") == learn_directions(source, "vector")


def test_strata_and_embeddings_go_together():
    route = ["a", "b"] * 1_000
    rows = table(vectors(10, 2_000)).append_column("route", pa.array(route))
    profile = fit(FrameSource(rows), by="route", directions=3, at=AT)
    assert set(profile.strata.each["a"]) == {"vector[0]", "vector[1]", "vector[2]", "n"}
