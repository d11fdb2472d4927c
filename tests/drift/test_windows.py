"""A window is read from Prometheus' buckets, or refused in words; it is never guessed."""

import math
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.clients.prometheus.port import Sample
from failsoft.drift import Categories, Histogram, Score, Verdict, counts_query, score
from failsoft.drift.monitors.window import REPAIR_LIMIT, Unusable, Why, read_categories, read_histogram
from failsoft.workspace.kinds.engine import CategorySource, LengthSource, Signal
from failsoft.workspace.quantities import Duration


def buckets(**counts):
    """Cumulative buckets: `le_1="..."` would be ugly, so bounds come as keywords b1, b2 and inf."""
    return [
        Sample({"le": "+Inf" if name == "inf" else name[1:].replace("_", ".")}, value, 0.0)
        for name, value in counts.items()
    ]


def test_adjacent_buckets_are_subtracted():
    assert read_histogram(buckets(b1=2, b5=7, inf=10)) == Histogram((1.0, 5.0), (2, 5, 3))


def test_both_spellings_of_a_bound_are_one_bound():
    samples = [*buckets(b1=2, inf=4), *buckets(b1_0=3, inf=6)]
    assert read_histogram(samples) == Histogram((1.0,), (5, 5))


def test_bounds_that_the_reference_lacks_are_merged_away():
    samples = buckets(b1=2, b2=3, b5=7, b7=8, inf=10)
    assert read_histogram(samples, (1.0, 5.0)) == Histogram((1.0, 5.0), (2, 5, 3))


def test_a_missing_bound_is_filled_in_where_nothing_can_lie_around_it():
    samples = buckets(b1=2, b5=10, inf=10)
    assert read_histogram(samples, (1.0, 5.0, 100.0)) == Histogram((1.0, 5.0, 100.0), (2, 8, 0, 0))
    assert read_histogram(buckets(b5=0, inf=4), (1.0, 5.0)) == Histogram((1.0, 5.0), (0, 0, 4))


def test_a_missing_bound_among_rows_is_refused_by_name():
    found = read_histogram(buckets(b1=2, b5=8, inf=10), (1.0, 3.0, 5.0))
    assert isinstance(found, Unusable)
    assert found.why is Why.NOT_COMPARABLE
    assert "bound 3" in found.reason
    assert "1, 5, inf" in found.reason


def test_a_small_dip_is_repaired_and_a_large_one_refused():
    assert read_histogram(buckets(b1=50.2, b5=50.0, inf=100)) == Histogram((1.0, 5.0), (50.2, 0.0, 49.8))
    found = read_histogram(buckets(b1=100, b3=40, b5=120, inf=130))
    assert isinstance(found, Unusable)
    assert "replicas" in found.reason


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ([], Why.NO_DATA),
        (buckets(b1=2), Why.NOT_COMPARABLE),
        (buckets(b1=math.nan, inf=2), Why.NOT_COMPARABLE),
        (buckets(b1=1, inf=math.inf), Why.NOT_COMPARABLE),
        ([Sample({"le": "a lot"}, 1, 0.0)], Why.NOT_COMPARABLE),
        ([Sample({}, 1, 0.0)], Why.NOT_COMPARABLE),
    ],
)
def test_what_is_no_histogram_is_refused(samples, why):
    found = read_histogram(samples)
    assert isinstance(found, Unusable)
    assert found.why is why
    assert found.reason


bounds = st.sets(st.integers(1, 1000), min_size=1, max_size=20).map(sorted)


@given(bounds.flatmap(lambda b: st.tuples(st.just(b), st.lists(st.integers(0, 10**6), min_size=len(b) + 1))), st.data())
def test_merging_keeps_every_row(given_bins, data):
    live, counts = given_bins
    counts = counts[: len(live) + 1]
    cumulative = list(accumulate(counts))
    samples = [Sample({"le": str(bound)}, value, 0.0) for bound, value in zip([*live, "+Inf"], cumulative, strict=True)]
    cuts = tuple(float(cut) for cut in sorted(data.draw(st.sets(st.sampled_from(live)))))
    found = read_histogram(samples, cuts)
    assert isinstance(found, Histogram)
    assert found.rows == sum(counts)
    edges = [-math.inf, *cuts, math.inf]
    expected = [
        sum(n for bound, n in zip([*live, math.inf], counts, strict=True) if low < bound <= high)
        for low, high in pairwise(edges)
    ]
    assert list(found.counts) == expected


@given(
    st.lists(st.tuples(st.sampled_from(["1", "1.0", "2", "5e0", "+Inf", "x", ""]), st.floats()), max_size=8),
    st.sampled_from([None, (1.0,), (1.0, 3.0)]),
)
def test_any_answer_gives_counts_or_a_reason(answer, cuts):
    found = read_histogram([Sample({"le": bound}, value, 0.0) for bound, value in answer], cuts)
    if isinstance(found, Histogram):
        assert all(math.isfinite(count) and count >= 0 for count in found.counts)
        assert len(found.counts) == len(found.cuts) + 1
    else:
        assert found.reason


def test_categories_are_added_up_and_rows_without_one_left_out():
    samples = [Sample({"r": "stop"}, 5, 0.0), Sample({"r": "length"}, 0, 0.0), Sample({}, 9, 0.0)]
    assert read_categories(samples, "r") == Categories({"stop": 5, "length": 0})
    assert isinstance(read_categories([], "r"), Unusable)
    assert isinstance(read_categories([Sample({"r": "stop"}, math.nan, 0.0)], "r"), Unusable)


def test_a_series_that_is_there_but_idle_is_not_the_same_as_none():
    idle = score(Categories({"stop": 9}), read_categories([Sample({"r": "stop"}, 0, 0.0)], "r"), min_rows=1)
    gone = score(Categories({"stop": 9}), read_categories([], "r"), min_rows=1)
    assert (idle.verdict, idle.made, idle.rows) == (Verdict.TOO_FEW_ROWS, True, 0)
    assert (gone.verdict, gone.made, gone.rows) == (Verdict.NO_DATA, False, None)
    assert idle.psi is idle.tvd is gone.psi is gone.tvd is None
    assert idle.reason
    assert gone.reason


def test_enough_rows_are_judged():
    reference = Histogram((1.0,), (50, 50))
    assert score(reference, Histogram((1.0,), (5, 4)), min_rows=10).verdict is Verdict.TOO_FEW_ROWS
    judged = score(reference, Histogram((1.0,), (10, 0)), min_rows=10)
    assert judged == Score(Verdict.JUDGED, 10, judged.psi, 0.5, 0.5)
    assert judged.psi > 1


def test_the_query_names_the_models_series_and_no_label_that_the_family_lacks():
    categories = CategorySource(
        counter="vllm:request_success_total", by="finished_reason", values=(), without=("zone",)
    )
    select = {"job": 'a"b\\c\nd', "zone": "z"}
    assert counts_query(Signal(categories=categories), select, Duration.parse("90m")) == (
        'sum by (finished_reason) (increase(vllm:request_success_total{job="a\\"b\\\\c\\nd"}[1h30m]))'
    )
    lengths = LengthSource(family="tokens", bounds=(), without=("zone", "job"))
    assert counts_query(Signal(histogram=lengths), select, Duration.parse("1h")) == (
        "sum by (le) (increase(tokens_bucket[1h]))"
    )


def test_the_repair_limit_is_a_share_of_the_rows():
    over = 100 * REPAIR_LIMIT * 1.5
    assert isinstance(read_histogram(buckets(b1=50 + over, b5=50, inf=100)), Unusable)
