"""What a DriftMonitor's alarms promise: learnt from windows of history, and never more than these support."""

from datetime import UTC, datetime

import numpy as np
import pytest

from failsoft.clients.prometheus.port import Series
from failsoft.drift import Categories, Histogram, psi
from failsoft.drift.alarms import Rule
from failsoft.drift.alarms.tables import merged
from failsoft.drift.monitors.history import History, read_history, windows
from failsoft.drift.monitors.learn import learn
from failsoft.drift.monitors.learned import Learned, Told
from failsoft.drift.rhythm import HOURS, mixed
from failsoft.workspace.kinds.engine import CategorySource, LengthSource, Signal
from failsoft.workspace.load import load
from failsoft.workspace.quantities import Duration

HOUR, DAY = 3600, 24
MONDAY = 345_600
CUTS = (20.0, 50.0, 100.0, 200.0, 500.0)
SHARES = np.array([0.05, 0.15, 0.3, 0.3, 0.15, 0.05])
MONITOR = """
kind: Team
metadata: {name: team}
spec: {slack: "#t", pager: {stdout: {}}, people: [{name: ann}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {model_name: chat}, owner: team}
---
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: r.json, signals: [output-length, finish-reason], every: 1h, BUDGET}
"""


@pytest.fixture
def monitor(tmp_path):
    def write(budget="falsePagesPer30d: 1"):
        (tmp_path / "failsoft.yaml").write_text(MONITOR.replace("BUDGET", budget))
        (tmp_path / "r.json").write_text("{}")
        workspace, findings = load(tmp_path)
        assert not findings
        return workspace.monitors["output"]

    return write


def past(days, rows=600, shares=lambda hour: SHARES, seed=7):
    """Two signals, an hour at a time from a Monday on."""
    rng = np.random.default_rng(seed)
    lengths, reasons = {}, {}
    for at in range(days * DAY):
        end = float(MONDAY + (at + 1) * HOUR)
        lengths[end] = Histogram(CUTS, tuple(rng.multinomial(rows, shares(at)).astype(float)))
        stopped = float(rng.binomial(rows, 0.9))
        reasons[end] = Categories({"stop": stopped, "length": rows - stopped})
    return {"output-length": History(lengths), "finish-reason": History(reasons)}


def told(days, rhythm=None):
    return Told(datetime(2026, 11, 20, tzinfo=UTC), Duration.parse(f"{days}d"), "r1", rhythm)


def learned(monitor, days, rhythm=None, rule=None, **kwargs):
    found = learn(monitor, past(days, **kwargs), told(days, rhythm), Rule() if rule is None else rule)
    assert isinstance(found, Learned), found
    return found


def test_a_fortnight_supports_one_false_page_in_a_month_and_says_how_late_drift_is_seen(monitor):
    found = learned(monitor(), 14)
    assert found.profile.features["output-length"].rows == 14 * DAY * 600
    made = found.calibration
    assert made.promised, made.doubts
    assert made.pages <= 1
    assert made.evidence.windows == 14 * DAY
    assert made.tickets <= 3.01, "four are allowed, and one of them is what a false page leaves behind"
    seen = {delay.shift: delay for delay in made.tests[0].delays}
    assert seen[0.3].pages_after < 3
    assert seen[0.1].tickets_after < seen[0.1].pages_after


def test_what_a_week_cannot_support_is_not_promised(monitor):
    made = learned(monitor(), 7).calibration
    assert not made.promised
    assert "168 held-out windows are 7 days" in made.doubts[0]


@pytest.mark.slow
def test_windows_that_wander_raise_the_critical_value(monitor):
    rng = np.random.default_rng(3)

    def wandering(_):
        moved = SHARES * np.exp(rng.normal(0, 0.15, len(SHARES)))
        return moved / moved.sum()

    calm, wild = learned(monitor(), 14).calibration, learned(monitor(), 14, shares=wandering).calibration
    assert wild.tests[0].value > 1.3 * calm.tests[0].value
    assert wild.tests[0].wander > 2 > calm.tests[0].wander


def test_a_window_is_compared_with_the_reference_without_its_day(monitor):
    made = learned(monitor(), 14)
    history = past(14)["output-length"].counted
    each = np.array([window.counts for window in history.values()])
    test = made.calibration.tests[0].test
    others = merged(each.sum(axis=0) - each[:DAY].sum(axis=0), test.into)
    window = merged(each[0], test.into)
    error = 1 / others.sum() + 1 / window.sum()
    assert test.held.z[0] == pytest.approx(psi(others.tolist(), window.tolist()) / error)


def test_the_rule_that_leaves_alertmanager_is_in_the_calculation(monitor):
    once, twice = (learned(monitor(), 14, rule=rule).calibration for rule in (Rule(), Rule(2, 2)))
    assert twice.tests[0].value < once.tests[0].value


def daily(hour):
    tilt = 0.35 * np.sin(2 * np.pi * (hour % DAY) / DAY) * np.linspace(-1, 1, len(SHARES))
    moved = SHARES * np.exp(tilt)
    return moved / moved.sum()


def test_hours_with_references_of_their_own_see_what_one_reference_cannot(monitor):
    whole = learned(monitor(), 21, shares=daily).calibration
    found = learned(monitor(), 21, shares=daily, rhythm="hour-of-day")
    assert found.calibration.tests[0].value < 0.5 * whole.tests[0].value
    profile = found.profile
    lengths = profile.features["output-length"]
    night, day = (
        mixed("output-length", lengths, profile.rhythm, [int(one == hour) for one in range(HOURS)]) for hour in (18, 6)
    )
    assert night.rows == day.rows == 21 * 600
    assert night.counts[-1] / night.rows < 0.7 * day.counts[-1] / day.rows
    assert profile.parse(profile.render().encode(), "r.json") == profile


@pytest.mark.slow
def test_an_hour_of_the_week_that_was_seen_too_seldom_shares_with_that_hour_of_all_days(monitor):
    few = learned(monitor("minRows: 200"), 14, rhythm="hour-of-week").profile.rhythm
    assert len(few.rows) == DAY, "two Mondays are too few: one without the other holds one window"
    many = learned(monitor("minRows: 200"), 28, rhythm="hour-of-week").profile.rhythm
    assert sorted(many.cells) == list(range(HOURS))


def test_neighbours_are_joined_until_they_hold_enough_rows_and_a_gap_parts_them():
    def history(rows_at):
        return {"s": History({float(at * HOUR): Categories({"a": float(rows)}) for at, rows in rows_at.items()})}

    hour, limit = Duration.parse("1h"), Duration.parse("3h")
    found = list(
        windows(history({1: 300, 2: 80, 3: 80, 4: 80, 5: 10, 6: 10, 7: 10, 8: 250, 11: 250}), hour, limit, 200)
    )
    assert [(one.end / HOUR, one.seconds / HOUR, one.counts["s"].rows) for one in found] == [
        (1, 1, 300),
        (4, 3, 240),
        (8, 1, 250),
        (11, 1, 250),
    ]


def test_a_gap_in_the_middle_of_a_window_begins_it_anew():
    rows = {1: 150, 4: 150, 5: 150}
    history = {"s": History({float(at * HOUR): Categories({"a": float(count)}) for at, count in rows.items()})}
    (found,) = windows(history, Duration.parse("1h"), Duration.parse("8h"), 200)
    assert (found.end, found.seconds) == (5 * HOUR, 2 * HOUR)


def test_windows_of_other_bounds_are_left_out_and_counted():
    def bucket(le, *values):
        return Series({"le": le}, tuple((float(at), value) for at, value in enumerate(values) if value is not None))

    answers = [bucket("10", None, 5.0, 6.0), bucket("7", 3.0, None, None), bucket("+Inf", 9.0, 8.0, 9.0)]
    found = read_history(Signal(histogram=LengthSource(family="f")), answers)
    assert list(found.counted) == [1.0, 2.0]
    assert found.counted[2.0] == Histogram((10.0,), (6.0, 3.0))
    assert (found.left_out, "bound 10" in found.reason) == (1, True)


def test_no_answer_at_all_is_said_in_words():
    counter = Signal(categories=CategorySource(counter="c", by="reason"))
    assert "no series with the label reason" in read_history(counter, []).reason
