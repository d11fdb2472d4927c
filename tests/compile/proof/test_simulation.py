"""The sliding window that decides what rules must do, against the plainest way to say the same."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from failsoft.alerts.expect import Promise, life
from failsoft.alerts.simulate import Burn, Events, burning, share
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
