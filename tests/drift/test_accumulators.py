"""Any split of the rows, in any order, on any machine, gives exactly the counts of the whole."""

import json
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failsoft.drift import Accumulator, WrongColumnError, fit_arrays
from failsoft.drift.unseen import KEPT, Unseen

AT = datetime(2026, 11, 21, tzinfo=UTC)
DICE = np.random.default_rng(3)
PROFILE = fit_arrays(
    {
        "x": np.round(DICE.normal(size=500), 1),
        "plan": DICE.choice(["free", "pro", "team", None], size=500, p=[0.5, 0.3, 0.1, 0.1]),
        "ok": [True, False] * 250,
        "id": [None] * 500,
    },
    at=AT,
)

row = st.fixed_dictionaries(
    {
        "x": st.one_of(st.none(), st.floats(), st.integers(-3, 3).map(lambda i: i / 10)),
        "plan": st.one_of(st.none(), st.sampled_from(["free", "pro", "team", "gold", ""]), st.text(max_size=2)),
        "ok": st.one_of(st.none(), st.booleans()),
        "id": st.one_of(st.none(), st.floats(allow_nan=False)),
    }
)


def counted(rows):
    made = Accumulator(PROFILE)
    if rows:
        made.update({name: [one[name] for one in rows] for name in PROFILE.features})
    return made


@settings(max_examples=60)
@given(st.lists(row, max_size=40), st.randoms(use_true_random=False), st.lists(st.integers(0, 40), max_size=6))
def test_any_split_in_any_order_counts_the_same(rows, dice, places):
    whole = counted(rows)
    shuffled = list(rows)
    dice.shuffle(shuffled)
    edges = [0, *sorted(min(place, len(rows)) for place in places), len(rows)]
    parts = [counted(shuffled[low:high]) for low, high in pairwise(edges)]
    dice.shuffle(parts)
    merged = Accumulator(PROFILE)
    for part in parts:
        merged.merge(Accumulator.from_json(PROFILE, json.loads(json.dumps(part.as_json()))))
    assert merged == whole
    batches = Accumulator(PROFILE)
    for low, high in pairwise(edges):
        if low < high:
            batches.update({name: [one[name] for one in shuffled[low:high]] for name in PROFILE.features})
    assert batches == whole


def test_two_threads_count_as_one_does(monkeypatch):
    rows = {
        "x": DICE.normal(size=60_000),
        "plan": DICE.choice(["free", "gold"], size=60_000),
        "ok": np.ones(60_000, dtype=bool),
        "id": np.full(60_000, np.nan),
    }
    found = []
    for cores in (1, 4):
        monkeypatch.setattr("failsoft.drift.accumulator.cpu_count", lambda cores=cores: cores)
        made = Accumulator(PROFILE)
        made.update(rows)
        found.append(made)
    assert found[0] == found[1]
    assert found[0].rows == 60_000


@given(st.lists(st.integers(0, 3 * KEPT), max_size=60), st.integers(1, 10))
def test_the_kept_names_of_many_unseen_ones_depend_on_no_order(numbers, parts):
    names = [f"n{i}" for i in range(2 * KEPT)] + [f"n{i}" for i in numbers]
    whole = Unseen()
    whole.add(_tally(names))
    merged = Unseen()
    for part in range(parts):
        one = Unseen()
        one.add(_tally(names[part::parts]))
        merged.merge(one)
    assert (merged.rows, merged.kept) == (whole.rows, whole.kept)
    assert len(whole.kept) == KEPT


def _tally(names):
    counts = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


GOOD = {"x": [1.0], "plan": ["pro"], "ok": [True], "id": [None]}


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"x": None}, "no column 'x'"),
        ({"x": ["one"]}, "is of type text, the reference has number"),
        ({"plan": [3]}, "is of type number, the reference has text"),
        ({"ok": ["yes"]}, "is of type text, the reference has boolean"),
        ({"x": [1.0, 2.0]}, "1 to 2 rows"),
    ],
)
def test_a_batch_that_does_not_fit_counts_nothing(wrong, word):
    batch = {name: values for name, values in (GOOD | wrong).items() if values is not None}
    window = Accumulator(PROFILE)
    before = window.as_json()
    with pytest.raises(WrongColumnError, match=word):
        window.update(batch)
    assert window.as_json() == before


def test_counts_of_another_reference_are_not_merged():
    other = fit_arrays({"x": [1.0, 2.0]}, at=AT)
    with pytest.raises(ValueError, match="different references"):
        Accumulator(PROFILE).merge(Accumulator(other))
    with pytest.raises(ValueError, match="another reference"):
        Accumulator.from_json(PROFILE, Accumulator(other).as_json())
