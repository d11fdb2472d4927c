"""DriftCounter: what a serving process counts is what an accumulator counts, whatever it is given."""

import datetime as dt
import time
from decimal import Decimal
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from failsoft.drift import Accumulator, DriftCounter, ReferenceProfile, fit_arrays
from failsoft.drift.distribution import lay

DICE = np.random.default_rng(20261121)
TRAINED = {
    "answer": DICE.choice(["yes", "no"], 4_000),
    "age": np.round(DICE.lognormal(3, 0.5, 4_000), 1),
    "zeros": np.where(DICE.random(4_000) < 0.6, 0.0, DICE.normal(size=4_000)),
    "plan": DICE.choice([f"plan {index}" for index in range(70)], 4_000, p=np.arange(1, 71) / (71 * 35)),
    "flag": DICE.random(4_000) < 0.2,
    "id": [None] * 4_000,
    "seen": np.datetime64("2026-01-01") + np.arange(4_000).astype("timedelta64[m]"),
}
PROFILE = fit_arrays(TRAINED, model="chat", revision="r1", predictions=["answer"])


def made(profile: ReferenceProfile = PROFILE, **how):
    registry = CollectorRegistry()
    return DriftCounter(profile, registry=registry, **how), registry


def bins(registry, feature, reference=PROFILE.digest[:12], name="failsoft_drift_bin_rows_total"):
    return {
        sample.labels["bin"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == name
        and sample.labels.get("feature") == feature
        and sample.labels.get("reference") == reference
    }


def dropped(registry):
    return {
        sample.labels["reason"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "failsoft_drift_rows_dropped_total" and sample.value
    }


def same_as_accumulated(registry, window: Accumulator):
    for name, feature in window.profile.features.items():
        found = bins(registry, name)
        assert found.pop("missing") == window.counts[name].missing
        distribution = window.distribution(name)
        if distribution is None:
            assert list(found.values()) == [window.counts[name].rows]
            continue
        laid = lay(feature.distribution, distribution)
        found = {bin_: rows for bin_, rows in found.items() if bin_ not in {"new", "other"} or bin_ in laid.bins}
        assert list(found.values()) == list(laid.current), name
        rows = bins(registry, name, name="failsoft_drift_reference_rows")
        assert [rows[bin_] for bin_ in found] == list(laid.reference), name


CELLS = {
    "answer": st.sampled_from(["yes", "no", "perhaps", None]),
    "age": st.one_of(st.floats(), st.none(), st.sampled_from(TRAINED["age"].tolist())),
    "zeros": st.one_of(st.floats(), st.sampled_from([0.0, -0.0, float("inf")])),
    "plan": st.one_of(st.text(), st.none(), st.sampled_from(TRAINED["plan"].tolist())),
    "flag": st.sampled_from([True, False, None]),
    "id": st.one_of(st.text(), st.none()),
    "seen": st.one_of(st.datetimes(dt.datetime(1900, 1, 1)), st.none()),  # noqa: DTZ001  # without a zone
}


@settings(max_examples=40)
@given(st.lists(st.fixed_dictionaries(CELLS), max_size=12), st.integers(0, 12))
def test_it_counts_what_an_accumulator_counts_row_by_row_and_in_batches(rows, cut):
    counter, registry = made()
    window = Accumulator(PROFILE)
    columns = {name: [row[name] for row in rows] for name in CELLS}
    window.update(columns)
    for row in rows[:cut]:
        counter.observe(row)
    counter.observe_many({name: values[cut:] for name, values in columns.items()})
    same_as_accumulated(registry, window)
    assert not dropped(registry)


def test_every_bin_is_there_from_the_start_beside_the_reference():
    _, registry = made()
    assert set(bins(registry, "age").values()) == {0.0}, "else the first rows of a bin would be lost to `increase`"
    assert sum(bins(registry, "plan", name="failsoft_drift_reference_rows").values()) == 4_000
    labels = {"model": "chat", "reference": PROFILE.digest[:12], "revision": "r1", "sha256": PROFILE.digest}
    assert registry.get_sample_value("failsoft_drift_reference_info", labels) == 1


class Rude:
    """An object of a library that dislikes to be looked at."""

    __array__ = None

    def __eq__(self, other):
        raise RuntimeError("do not compare me")

    def __hash__(self):
        raise RuntimeError("do not hash me")

    def __float__(self):
        raise RuntimeError("I am no number")

    def __str__(self):
        raise RuntimeError("I have no text")

    def __len__(self):
        raise RuntimeError("I have no length")


@pytest.mark.parametrize(
    ("feature", "value", "bin_"),
    [
        ("age", float("nan"), "missing"),
        ("age", None, "missing"),
        ("age", float("inf"), "09"),
        ("age", float("-inf"), "00"),
        ("age", 10**400, "09"),
        ("age", -(10**400), "00"),
        ("age", 2**70, "09"),
        ("age", np.float32("nan"), "missing"),
        ("age", np.int64(10**6), "09"),
        ("age", Decimal("1e9"), "09"),
        ("age", 3, "00"),
        ("plan", "plan 69", "00"),
        ("plan", "plan 1", "other"),
        ("plan", "gold", "new"),
        ("plan", 7, "new"),
        ("plan", "\ud800", "new"),
        ("flag", np.True_, "01"),
        ("id", "x", "present"),
        ("seen", dt.date(2030, 1, 1), "09"),
    ],
)
def test_each_value_has_its_bin(feature, value, bin_):
    for give in (
        lambda counter: counter.observe({feature: value}),
        lambda counter: counter.observe_many({feature: [value]}),
    ):
        counter, registry = made()
        give(counter)
        assert {name: rows for name, rows in bins(registry, feature).items() if rows} == {bin_: 1}
        assert not dropped(registry)


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        ({"age": "old"}, {"wrong-type": 1}),
        ({"age": True}, {"wrong-type": 1}),
        ({"seen": 12.5}, {"wrong-type": 1}),
        ({"flag": "true"}, {"wrong-type": 1}),
        ({"colour": "red"}, {"unknown-feature": 1}),
        ({"age": Rude()}, {"unreadable": 1}),
        ({"age": 1j}, {"wrong-type": 1}),
    ],
)
def test_what_cannot_be_counted_is_dropped_with_its_reason_and_raises_nothing(given, reasons):
    counter, registry = made()
    counter.observe(given)
    assert dropped(registry) == reasons
    assert not any(bins(registry, "age").values())


@pytest.mark.parametrize("batch", [None, 7, Rude(), {"age": Rude()}, {"age": np.zeros((2, 2))}, [[1, 2]], "age"])
def test_a_batch_that_is_none_raises_nothing_and_is_seen(batch):
    counter, registry = made()
    counter.observe_many(batch)
    assert sum(dropped(registry).values()) >= 1


def test_a_wrong_column_leaves_the_others_counted():
    counter, registry = made()
    counter.observe_many({"age": ["old", "young"], "answer": ["yes", "no"], "request": [1, 2]})
    assert sum(bins(registry, "answer").values()) == 2
    assert dropped(registry) == {"wrong-type": 2, "unknown-feature": 2}


def test_frames_and_arrays_are_batches_too():
    import polars as pl
    import pyarrow as pa

    columns = {"age": [20.0, 30.0, None], "answer": ["yes", "no", "yes"]}
    for batch in (columns, pl.DataFrame(columns), pa.table(columns)):
        counter, registry = made()
        counter.observe_many(batch)
        assert bins(registry, "age")["missing"] == 1, type(batch)
        assert sum(bins(registry, "answer").values()) == 3
    counter, registry = made()
    counter.observe_many(np.array([[20.0, 1.0], [np.nan, 0.0]]), names=["age", "zeros"])
    assert sum(bins(registry, "zeros").values()) == 2
    assert bins(registry, "age")["missing"] == 1
    counter.observe_many(np.zeros((2, 3)), names=["age", "zeros"])
    assert dropped(registry) == {"unreadable": 1}


def test_features_beyond_the_cap_are_dropped_and_that_is_seen():
    counter, registry = made(max_series=30)
    assert sum(bins(registry, "answer").values()) == 0, "predictions come first"
    assert bins(registry, "answer")
    assert not bins(registry, "plan")
    total = sum(
        1 for family in registry.collect() for sample in family.samples if sample.name.endswith("_bin_rows_total")
    )
    assert total <= 30
    labels = {"model": "chat", "reference": PROFILE.digest[:12]}
    assert registry.get_sample_value("failsoft_drift_features_dropped", labels) >= 1
    counter.observe(plan="plan 1", answer="yes")
    assert dropped(registry) == {"capped": 1}


def test_features_that_the_author_left_out_are_no_mistake():
    counter, registry = made(features=["age"])
    counter.observe(age=1.0, plan="plan 1")
    assert not dropped(registry)
    assert not bins(registry, "plan")
    with pytest.raises(ValueError, match="no feature 'agee'"):
        made(features=["agee"])


def test_two_references_of_one_model_stand_side_by_side():
    registry = CollectorRegistry()
    other = fit_arrays(TRAINED, model="chat", revision="r2", predictions=["answer"])
    old, new = (DriftCounter(profile, registry=registry) for profile in (PROFILE, other))
    old.observe(age=1.0)
    new.observe_many({"age": [1.0, 2.0]})
    assert sum(bins(registry, "age").values()) == 1
    assert sum(bins(registry, "age", other.digest[:12]).values()) == 2
    with pytest.raises(ValueError, match="is no JSON"):
        DriftCounter(ReferenceProfile.parse(b"[}", "chat.json"), registry=registry)
    with pytest.raises(ValueError, match="names no model"):
        DriftCounter(fit_arrays({"x": [1.0, 2.0]}), registry=registry)


def test_vectors_are_counted_along_the_directions_of_the_reference():
    dice = np.random.default_rng(3)
    profile = fit_arrays({"vector": list(dice.normal(size=(800, 6)))}, model="chat")
    assert profile.embeddings
    vectors = [*dice.normal(1, 1, (40, 6)), None]
    window = Accumulator(profile)
    window.update({"vector": vectors})
    counter, registry = made(profile)
    counter.observe_many({"vector": vectors[:20]})
    counter.observe_many({"vector": np.array(vectors[20:39])})
    for vector in vectors[39:]:
        counter.observe(vector=vector)
    for name in profile.features:
        found = bins(registry, name, profile.digest[:12])
        assert found.pop("missing") == 1
        assert list(found.values()) == list(window.distribution(name).counts)
    counter.observe_many({"vector": np.zeros((3, 5))})
    counter.observe(vector="none")
    assert dropped(registry) == {"wrong-type": 4}


def test_threads_lose_no_row():
    counter, registry = made()
    batch = {"age": [10.0, 30.0, None], "answer": ["yes", "no", "no"]}

    def work():
        for _ in range(300):
            counter.observe_many(batch)
            counter.observe(age=20.0)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(bins(registry, "age").values()) == 4 * 300 * 4
    assert bins(registry, "age")["missing"] == 4 * 300


def test_a_batch_costs_little():
    counter, _ = made()
    rows = 2_000
    batch = {name: TRAINED[name][:rows] for name in ("answer", "age", "zeros", "plan")}
    batch = {name: values.tolist() if values.dtype.kind == "U" else values for name, values in batch.items()}
    counter.observe_many(batch)
    start = time.process_time()
    for _ in range(5):
        counter.observe_many(batch)
    each = (time.process_time() - start) / (5 * rows * len(batch))
    assert each < 2e-6, f"{each * 1e6:.2f} us a value; `python -m bench drift_counter` measures it"
