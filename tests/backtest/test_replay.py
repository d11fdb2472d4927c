"""The replay against the event-level simulator, which knows nothing of steps, records or floats."""

import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from failsoft.alerts.simulate import Burn, Events, burning, share
from failsoft.backtest.questions import PART
from failsoft.backtest.replay import Run, Sums, episodes, runs
from failsoft.backtest.track import Filled, Span, Track

CELL = 1000
CELLS = st.lists(
    st.integers(0, 30).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=60
)
SHORT, MORE, LEAST = st.integers(1, 5), st.integers(1, 12), st.integers(1, 6)
# no share of 30 events, or of 500, is exactly one of these: floats and fractions agree which side one is on
ABOVE = st.integers(1, 990).map(lambda n: Fraction(1009 * n + 1, 1009 * 1000))
NAN = float("nan")


def track(bad, total):
    return Track.of(Span(CELL, 0, 0, len(total) - 1), tuple(bad), tuple(total))


def levels(bad, total, short, long, least):
    return Sums(track(bad, total)).levels(range(len(total)), short, long, min_bad=least)


@given(CELLS, SHORT, MORE, ABOVE, LEAST)
def test_a_tier_burns_where_the_events_say_so(cells, short, more, above, least):
    total, bad = tuple(n for n, _ in cells), tuple(b for _, b in cells)
    expected = burning(Events(CELL, total, bad), Burn(short * CELL, (short + more) * CELL, above, least))
    assert [level > float(above) for level in levels(bad, total, short, short + more, least)] == expected


@given(CELLS, SHORT, MORE, ABOVE, LEAST, st.data())
def test_steps_that_are_missing_are_steps_without_events(cells, short, more, above, least, data):
    gone = data.draw(st.lists(st.booleans(), min_size=len(cells), max_size=len(cells)))
    kept = [(0, 0) if lost else cell for cell, lost in zip(cells, gone, strict=True)]
    expected = burning(
        Events(CELL, tuple(n for n, _ in kept), tuple(b for _, b in kept)),
        Burn(short * CELL, (short + more) * CELL, above, least),
    )
    bad = [None if lost else float(b) for (_, b), lost in zip(cells, gone, strict=True)]
    total = [float(n) for n, _ in cells]  # where it is not known which were bad, events do not count either
    assert [level > float(above) for level in levels(bad, total, short, short + more, least)] == expected


@given(CELLS, st.integers(1, 20))
def test_a_ratio_is_of_events_and_exact_after_any_history(cells, window):
    total, bad = tuple(n for n, _ in cells), tuple(b for _, b in cells)
    before = [(0.1, 0.3)] * 1000  # what sums of floats would leave a trace of
    sums = Sums(track([b for b, _ in before] + list(bad), [t for _, t in before] + list(total)))
    end = len(cells) - 1
    if window <= len(cells):
        expected = share(Events(CELL, total, bad), window * CELL, end)
        found = sums.ratio(1000 + end, window)
        assert found == (float(expected) if sum(total[-window:]) else None)


def test_traffic_that_stops_ends_an_alert_and_leaves_no_trace_of_floats():
    bad, total = [0.1] * 300 + [0.7] * 20 + [0.0] * 5, [0.7] * 320 + [0.0] * 5
    found = levels(bad, total, 2, 10, 1)
    assert found[319] > 0.9
    assert found[321:] == [-1.0] * 4, "the short window is empty: there is no ratio, not the rest of a rounding"


def test_the_end_of_a_history_is_judged_as_the_whole_of_it():
    bad, total = [index % 7 for index in range(50)], [10] * 50
    sums = Sums(track(bad, total))
    whole = sums.levels(range(50), 2, 9, min_bad=3)
    assert sums.levels(range(20, 50), 2, 9, min_bad=3) == whole[20:]
    assert sums.ratios(range(45, 50), 90) == [sums.ratio(end, 90) for end in range(45, 50)]


def test_a_group_that_was_not_seen_of_late_has_no_alert():
    bad, total = [9.0] * 10 + [None] * 6, [10.0] * 16
    sums = Sums(track(bad, total))
    assert [level > 0 for level in sums.levels(range(16), 4, 12, min_bad=1, pace=2)] == [True] * 11 + [False] * 5


def test_a_value_that_is_no_number_silences_its_windows_and_no_others():
    bad, total = [9.0] * 12, [10.0] * 12
    bad[5] = NAN
    found = levels(bad, total, 1, 3, 1)
    assert [level > 0.5 for level in found] == [index not in {5, 6, 7} for index in range(12)]


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 4), st.integers(0, 3))
def test_an_alert_waits_fires_and_is_kept_as_prometheus_does_it(holds, keep, wait):
    """Prometheus' own state machine (rules/alerting.go, Eval), evaluation by evaluation."""
    active_at = kept_since = None
    firing, expected = False, []
    for now, held in enumerate(holds):
        if held:
            active_at = now if active_at is None else active_at
            kept_since = None
            firing = firing or now - active_at >= wait
        else:
            kept_since = now if firing and kept_since is None else kept_since
            if not (firing and now - kept_since < keep):
                active_at, kept_since, firing = None, None, False
        expected.append(firing)
    found = [False] * len(holds)
    for run in runs([at for at, held in enumerate(holds) if held], len(holds), keep=keep, wait=wait):
        found[run.start : run.end] = [True] * (run.end - run.start)
    assert found == expected


RUNS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda p: Run(p[0], p[0] + p[1])), max_size=8)


@given(RUNS, RUNS)
def test_episodes_cover_the_same_time_apart_from_each_other(several, silencing):
    found = episodes(several)
    assert {at for run in found for at in range(run.start, run.end)} == {
        at for run in several for at in range(run.start, run.end)
    }
    assert all(one.end < other.start for one, other in itertools.pairwise(found))
    quiet = {at for run in silencing for at in range(run.start, run.end)}
    left = episodes(several, silencing)
    assert left == [run for run in found if set(range(run.start, run.end)) - quiet]


def test_answers_find_their_steps_parts_and_groups():
    span = Span(60_000, first=100, since=102, last=104)
    series = [
        ({PART: "bad", "tenant": "b", "zone": "x"}, [(6000.0, 1.0), (6240.0, NAN), (6300.0, 9.0)]),
        ({PART: "bad", "zone": "x", "tenant": "a"}, [(6060.0, 2.0), (5940.0, 7.0)]),
        ({PART: "total"}, []),
    ]
    filled = Filled(span)
    filled.take(series[1:])
    filled.take(series[:1])
    found = filled.parts
    assert set(found) == {"bad", "total"}
    assert found["bad"][("tenant", "a"), ("zone", "x")] == [None, 2.0, None, None, None]
    assert repr(found["bad"][("tenant", "b"), ("zone", "x")]) == "[1.0, None, None, None, nan]"
    assert found["total"][()] == [None] * 5
    assert list(span.judged) == [2, 3, 4]
