"""A reference made from rows: any column has a defined one, it is small, and it comes back to the last bit."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from failsoft.drift import (
    Accumulator,
    CategoricalReference,
    NumericReference,
    ReferenceProfile,
    UncomparedReference,
    WrongColumnError,
    fit_arrays,
)
from failsoft.drift.comparison import compare
from failsoft.drift.cuts import cuts_of, grid_of
from failsoft.drift.packed import pack_floats, pack_ints, unpack_floats, unpack_ints

AT = datetime(2026, 11, 21, tzinfo=UTC)


def compared(reference, current):
    profile = fit_arrays({"x": reference}, at=AT)
    again = ReferenceProfile.parse(profile.render().encode(), "r.json")
    assert again == profile, "a file holds all that there is to know"
    window = Accumulator(again)
    try:
        window.update({"x": current})
    except WrongColumnError:
        return None
    (found,) = compare(window)
    return found


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite))
def test_packed_floats_come_back(values):
    assert unpack_floats(pack_floats(values)) == tuple(values)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_packed_integers_come_back(values):
    assert unpack_ints(pack_ints(values)) == tuple(values)


@given(st.text())
@example("-")
@example("=")
def test_any_text_is_unpacked_or_refused(text):
    for unpack in (unpack_floats, unpack_ints):
        try:
            unpack(text)
        except ValueError:
            continue


@given(st.lists(finite, min_size=1, max_size=200))
def test_cuts_rise_and_an_atom_has_a_bin_of_its_own(values):
    rising = np.sort(np.array(values))
    for cuts in (cuts_of(rising), grid_of(rising)):
        assert all(math.isfinite(cut) for cut in cuts)
        assert list(cuts) == sorted(set(cuts))
    quantiles = np.quantile(rising, np.linspace(0, 1, 11)) if abs(rising).max() < 1e300 else np.array([])
    for value in {float(q) for q in quantiles if (quantiles == q).sum() > 1}:
        assert value in cuts_of(rising)
        assert math.nextafter(value, -math.inf) in (*cuts_of(rising), -math.inf)


def test_the_grid_stays_by_its_quantiles():
    rising = np.sort(np.random.default_rng(1).lognormal(0, 2, 50_000))
    exact = np.quantile(rising, np.linspace(0, 1, 65))[1:-1]
    assert len(grid_of(rising)) == len(exact)
    shares = rising.searchsorted(np.array(grid_of(rising)), side="right") / rising.size
    assert np.abs(shares - np.arange(1, 64) / 64).max() < 1 / 64 / 32


def test_a_hundred_features_fit_in_50_kb():
    dice = np.random.default_rng(2)
    columns = {f"feature_{number:02}": dice.normal(number, 1 + number, 20_000) for number in range(90)}
    columns |= {f"kind_{number}": dice.choice([f"value {i}" for i in range(20)], 20_000) for number in range(10)}
    profile = fit_arrays(columns, at=AT, model="chat", revision="sha256:" + "a" * 64)
    assert len(profile.render().encode()) <= 50_000
    assert ReferenceProfile.parse(profile.render().encode(), "r.json") == profile


ODD = {
    "constant": [3.0] * 30,
    "one row": [1.0],
    "binary": [0] * 29 + [1],
    "tiny": [1e-5 * i for i in range(30)],
    "huge": [1e308 * (-1) ** i for i in range(30)],
    "denormal": [5e-324 * i for i in range(30)],
    "outlier": [float(i) for i in range(29)] + [1e300],
    "infinite": [float(i) for i in range(28)] + [math.inf, -math.inf],
    "only infinite": [math.inf] * 30,
    "missing": [None] * 30,
    "nan": [math.nan] * 30,
    "half missing": [1.0, None] * 15,
    "booleans": [True, False, None] * 10,
    "dates": [date(2026, 1, 1 + i) for i in range(30)],
    "moments": [datetime(2026, 1, 1 + i, tzinfo=UTC) for i in range(30)],
    "decimals": [Decimal(i) / 7 for i in range(30)],
    "big integers": [2**60 + i % 3 for i in range(30)],
    "huge integers": [10**30 + i % 3 for i in range(30)],
    "texts": ["a", "b", None] * 10,
    "empty texts": ["", "a", "\x00", "\n", '"'] * 6,
    "300 categories": [f"c{i:03}" for i in range(300)],
    "bytes": [b"a", b"\xff"] * 15,
    "mixed": [1, "a", None, 2.5] * 8,
}


@pytest.mark.parametrize("current", ODD)
@pytest.mark.parametrize("reference", ODD)
def test_every_column_against_every_other_of_its_type_has_a_defined_answer(reference, current):
    found = compared(ODD[reference], ODD[current])
    if found is None:
        assert reference != current, "a column is of its own type"
        return
    values = [*found.statistics.as_json().values()]
    values += [*found.statistics.chi2] if found.statistics.chi2 else []
    assert all(math.isfinite(value) for value in values if isinstance(value, int | float)), found
    if found.statistics.psi is None:
        assert found.reason, "no number without a word on why"
    if reference == current and found.statistics.psi is not None:
        assert found.statistics.psi == 0
        assert found.statistics.js == found.statistics.tvd == 0


def test_kinds_are_told_by_values():
    kinds = {name: fit_arrays({"x": values}, at=AT).features["x"] for name, values in ODD.items()}
    numbers = {name for name, feature in kinds.items() if isinstance(feature, NumericReference)}
    assert {"constant", "outlier", "infinite", "half missing", "dates", "moments", "decimals"} <= numbers
    assert kinds["dates"].type == kinds["moments"].type == "time"
    assert isinstance(kinds["big integers"], CategoricalReference), "float64 would take them for one number"
    assert kinds["big integers"].categories[0] == str(2**60)
    assert kinds["booleans"].categories == ("false", "true")
    assert (kinds["booleans"].rows, kinds["booleans"].missing) == (20, 10)
    for name, why in (("missing", "no-value"), ("nan", "no-value"), ("only infinite", "no-finite-value")):
        assert isinstance(kinds[name], UncomparedReference)
        assert kinds[name].why == why


def test_a_column_of_identifiers_is_not_taken_for_categories():
    feature = fit_arrays({"id": [f"user-{i}" for i in range(10_001)]}, at=AT).features["id"]
    assert isinstance(feature, UncomparedReference)
    assert feature.why == "identifier"


def test_moments_of_all_libraries_are_seconds_since_the_epoch():
    moment = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    columns = {
        "python": [moment],
        "naive": [moment.replace(tzinfo=None)],
        "numpy": np.array([moment.replace(tzinfo=None)], dtype="datetime64[ms]"),
    }
    for name, values in columns.items():
        feature = fit_arrays({name: values}, at=AT).features[name]
        assert feature.cuts[-1] == moment.timestamp(), name


def test_predictions_come_first_then_the_given_order():
    columns = {"b": [1.0, 2.0], "a": [1.0, 2.0], "answer": ["x", "y"]}
    profile = fit_arrays(columns, predictions=["answer"], at=AT)
    assert list(profile.features) == ["answer", "b", "a"]
    assert profile.features["answer"].role == "prediction"
    again = ReferenceProfile.parse(profile.render().encode(), "r.json")
    assert list(again.features) == ["answer", "b", "a"]


@settings(max_examples=50)
@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(-5, 5).map(float)), min_size=2, max_size=80))
def test_a_reference_has_all_rows_and_no_distance_from_itself(values):
    found = compared(values, values)
    assert found.rows.reference == found.rows.current == len(values)
    assert found.missing.reference == found.missing.current
    assert found.statistics.psi in {0.0, None}


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="1 to 2 rows"):
        fit_arrays({"a": [1.0, 2.0], "b": [1.0]})
