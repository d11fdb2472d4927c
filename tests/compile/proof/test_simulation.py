"""The sliding window that decides what rules must do, against the plainest way to say the same."""

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from failsoft.alerts.expect import Promise, life, turns
from failsoft.alerts.simulate import Burn, Events, burning, share
from failsoft.alerts.snapshots import histories
from failsoft.alerts.timeline import Stretch, Timeline

CELLS = st.lists(st.integers(0, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=40)


@given(
    CELLS, st.integers(1, 4), st.integers(1, 8), st.fractions(min_value="1/100", max_value="99/100"), st.integers(1, 5)
)
def test_a_condition_holds_where_both_windows_say_so(cells, short, more, above, least):
    total, bad = tuple(n for n, _ in cells), tuple(b for _, b in cells)
    long = short + more
    burn = Burn(short=short * 1000, long=long * 1000, above=above, min_bad=least)
    for end, held in enumerate(burning(Events(1000, total, bad), burn)):
        windows = [slice(max(0, end + 1 - cells), end + 1) for cells in (short, long)]
        ratios = [Fraction(sum(bad[w]), sum(total[w])) if sum(total[w]) else 0 for w in windows]
        assert held == (min(ratios) > above and sum(bad[windows[1]]) >= least)


@given(CELLS.filter(bool), st.integers(1, 10))
def test_a_share_is_of_events_and_not_of_time(cells, window):
    total, bad = tuple(n for n, _ in cells), tuple(b for _, b in cells)
    end = len(cells) - 1
    events = Events(1000, total, bad)
    expected = Fraction(sum(bad[-window:]), sum(total[-window:])) if sum(total[-window:]) else 0
    assert share(events, window * 1000, end) == expected


def test_a_life_is_quiet_then_firing_then_kept_then_quiet():
    """Half a minute of errors at once; windows of 10 s and 20 s; evaluations every 10 s; kept for 15 s."""
    timeline = Timeline(5000, (Stretch(10, 10, 0), Stretch(6, 10, 10), Stretch(20, 10, 0)))
    burn = Burn(short=10_000, long=20_000, above=Fraction(11, 20), min_bad=5)
    promise = Promise(burn, step=10_000, lag=5000, keep=15_000)
    # the condition holds from 65 s (three quarters of 20 s) to 85 s (half of 10 s no more)
    assert [end * 5 + 5 for end, held in enumerate(burning(timeline.events, burn)) if held] == [65, 70, 75, 80]
    assert life(promise, timeline) == ((60_000, "quiet"), (70_000, "fires"), (100_000, "fires"), (120_000, "quiet"))
    # one evaluation more to wait: the condition of 70 s still holds at 80 s
    assert life(replace(promise, wait=10_000), timeline) == (
        (70_000, "quiet"),
        (80_000, "fires"),
        (100_000, "fires"),
        (120_000, "quiet"),
    )
    # and what has to hold for longer than it did never fires
    assert life(replace(promise, wait=30_000), timeline) == ((90_000, "quiet"),)


# no share of fewer than 97 events is exactly such a threshold
@given(CELLS.filter(bool), st.integers(1, 96).map(lambda part: Fraction(part, 97)))
def test_a_turn_is_told_at_its_last_moment_before_and_its_first_one_after(cells, above):
    timeline = Timeline(1000, tuple(Stretch(1, n, b) for n, b in cells))
    burn = Burn(short=2000, long=5000, above=above, min_bad=1)
    held = burning(timeline.events, burn)
    turned = [end for end in range(1, len(held)) if held[end - 1] != held[end]]
    assert turns(burn, timeline) == [(at, held[at - 1]) for end in turned for at in (end, end + 1)]


@given(
    st.integers(1, 24),
    st.one_of(st.integers(1, 3), st.integers(1, 150)),
    st.one_of(
        st.fractions(min_value="1/1000", max_value="96/100"),
        st.sampled_from([Fraction(1, 20_000), 1 - Fraction(1, 2000)]),
    ),
    st.sampled_from([1, 2, 5, 40, 5000]),
)
@example(short=1, more=1, above=Fraction(1, 100), min_bad=5)
@example(short=1, more=2, above=Fraction(1, 100), min_bad=5)
@example(short=8639, more=1, above=Fraction(1, 100), min_bad=5)
@example(short=1, more=8639, above=Fraction(1, 100), min_bad=5)
def test_histories_turn_where_a_window_of_one_pulse_more_or_less_would_not(short, more, above, min_bad):
    """And with a threshold off by 0.2 %, or a guard of one event more or less, or of another window."""
    long = short + more
    burn = Burn(short=short * 1000, long=long * 1000, above=above, min_bad=min_bad)
    told = []
    for stretches in histories(burn, 1000):
        timeline = Timeline(1000, stretches)
        moments = turns(burn, timeline)[-2:]
        assert [burns for _, burns in moments] in ([True, False], [False, True])
        told += [(timeline.events, passed, burns) for passed, burns in moments]

    right = Windows(short, long, long, above, above, min_bad)
    wrong = [
        *(right._replace(**{name: getattr(right, name) + more}) for name in ("short", "long") for more in (1, -1)),
        *(right._replace(above_short=above * times) for times in OFF),
        *(right._replace(above_long=above * times) for times in OFF),
        right._replace(min_bad=min_bad + 1),
    ]
    # the long window holds what the short one does: an error of it at least, where both are above their thresholds
    if min_bad > 1:
        wrong += [right._replace(min_bad=min_bad - 1), *(right._replace(guarded=long + more) for more in (1, -1))]
    assert all(holds(events, passed, right) == burns for events, passed, burns in told)
    for other in wrong:
        assert any(holds(events, passed, other) != burns for events, passed, burns in told), other


OFF = (Fraction(998, 1000), Fraction(1002, 1000))


class Windows(NamedTuple):
    """The numbers of a tier one by one: windows in cells, `guarded` that of the guard."""

    short: int
    long: int
    guarded: int
    above_short: Fraction
    above_long: Fraction
    min_bad: int


def holds(events, passed, windows):
    """Whether a tier with these numbers burns when so many cells have passed."""
    guarded, bad_short, bad_long = (
        sum(events.bad[max(0, passed - cells) : passed]) for cells in (windows.guarded, windows.short, windows.long)
    )
    of_short, of_long = (sum(events.total[max(0, passed - cells) : passed]) for cells in (windows.short, windows.long))
    above = bad_short > windows.above_short * of_short and bad_long > windows.above_long * of_long
    return above and of_short > 0 and guarded >= windows.min_bad
