"""Following an alert through a tree of routes gives what amtool gives, and says why."""

from datetime import datetime, timedelta, timezone

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from failsoft.alerts.routing import deliveries, read_configuration, silencers
from failsoft.alerts.routing.intervals import Interval, clock, known_zones, span, zone
from failsoft.alerts.routing.matchers import parse_conditions
from failsoft.clients.binaries import run_tool
from failsoft.workspace.tree import SourceFile

LABELS = ("team", "severity", "slo")
VALUES = ("a", "b", "", "a.b", 'q"uote', "back\\slash")
values = st.sampled_from(VALUES)


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def matcher(draw):
    operator = draw(st.sampled_from(["=", "!=", "=~", "!~"]))
    value = draw(st.sampled_from(["a|b", "a.*", "", ".+", "a.b", "[^b]"])) if "~" in operator else draw(values)
    text = f"{draw(st.sampled_from(LABELS))}{operator}{quoted(value)}"
    return draw(st.sampled_from([text, f" {text} ", text.replace("=", " = ", 1) if operator == "=" else text]))


@st.composite
def route(draw, depth=2):
    made = {"receiver": draw(st.sampled_from(["r0", "r1", "r2"]))}
    form = draw(st.sampled_from(["matchers", "match", "match_re", "none"]))
    if form == "matchers":
        joined = ", ".join(draw(st.lists(matcher(), min_size=1, max_size=2)))
        made["matchers"] = [f"{{{joined}}}" if draw(st.booleans()) else joined]
    elif form == "match":
        made["match"] = {draw(st.sampled_from(LABELS)): draw(values)}
    elif form == "match_re":
        made["match_re"] = {draw(st.sampled_from(LABELS)): draw(st.sampled_from(["a|b", ".*", "a.b"]))}
    if draw(st.booleans()):
        made["continue"] = True
    if depth and draw(st.booleans()):
        made["routes"] = draw(st.lists(route(depth - 1), max_size=3))
    return made


@settings(max_examples=25)
@given(
    routes=st.lists(route(), min_size=1, max_size=3),
    alert=st.dictionaries(st.sampled_from(LABELS), values, max_size=3),
)
def test_any_tree_leads_where_amtool_says(amtool, tmp_path, routes, alert):
    text = yaml.safe_dump(
        {
            "route": {"receiver": "root", "routes": routes},
            "receivers": [{"name": n} for n in ("root", "r0", "r1", "r2")],
        }
    )
    (tmp_path / "alertmanager.yaml").write_text(text)
    pairs = [f"{name}={quoted(value)}" for name, value in alert.items()]
    done = run_tool([amtool, "config", "routes", "test", "--config.file", "alertmanager.yaml", *pairs], cwd=tmp_path)
    configuration, findings = read_configuration(SourceFile("alertmanager.yaml", text))
    assert done.ok, (done.stderr, text)
    assert configuration is not None, findings
    mine = [delivery.route.receiver for delivery in deliveries(configuration, alert)]
    assert mine == done.stdout.strip().split(",")


def test_it_is_said_which_conditions_held_and_which_did_not(configuration, theirs):
    read = configuration(theirs)
    first, second = deliveries(read, {"severity": "page", "team": "infra", "service": "api"})
    assert (first.route.receiver, second.route.receiver) == ("audit", "sre")
    assert second.route.path == ("route", "routes", 1, "routes", 0)
    (only,) = deliveries(read, {"team": "other"})
    assert only.route.receiver == "sre"
    assert [(step.route.receiver, str(step.failed)) for step in only.steps if step.failed] == [
        ("audit", 'severity="page"'),
        ("infra", 'team="infra"'),
    ]


def test_what_a_route_does_not_say_it_has_from_the_one_above(configuration, theirs):
    root = configuration(theirs).root
    inner = root.children[1].children[0]
    assert root.timing == ("30s", "5m", "4h")
    assert inner.timing == ("1m", "5m", "4h")
    assert inner.group_by == ("alertname", "cluster")


def test_nobody_is_silenced_by_one_that_the_same_rule_would_silence(configuration):
    text = """
    route: {receiver: a}
    receivers: [{name: a}]
    inhibit_rules:
      - {source_matchers: [kind="x"], target_matchers: ['kind=~"x|y"'], equal: [slo]}
    """
    read = configuration(text)
    x, y = {"kind": "x", "slo": "s"}, {"kind": "y", "slo": "s"}
    assert silencers(read, x, [x, y]) == ()
    assert [other for _, other in silencers(read, y, [x, y])] == [x]
    assert silencers(read, y, [x | {"slo": "other"}]) == ()


def test_a_receiver_shows_where_it_leads_but_no_secret(configuration, theirs):
    receivers = configuration(theirs).receivers
    assert receivers["sre"].ways == ("slack #sre",)
    assert receivers["audit"].ways == ("webhook https://audit.example",)
    assert receivers["infra"].ways == ()


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        (
            "route: {receiver: a, routes: [{matchers: ['team=~\"(\"']}]}\nreceivers: [{name: a}]",
            "regular expression",
            1,
        ),
        ("route: {receiver: a, routes: [{matchers: ['team']}]}\nreceivers: [{name: a}]", "is no matcher", 1),
        ("route: {receiver: a}\nreceivers:\n- name: b", "there is no receiver 'a'", 1),
        ("receivers: [{name: a}]", "route: field required", 1),
        ("route: {routes: []}\nreceivers: [{name: a}]", "the root route names no receiver", 1),
        ("route: {receiver: a, routes: 7}\nreceivers: [{name: a}]", "route.routes", 1),
        ("route: {receiver: a}\nroute: {receiver: a}", "stands twice", 2),
        (
            "route: {receiver: a, routes: [{mute_time_intervals: [x]}]}\nreceivers: [{name: a}]",
            "no time interval 'x'",
            1,
        ),
        ("- a", "one mapping", 0),
        ("route: !!python/object:os.system {}", "tag", 1),
        ("route: {receiver: a", "expected", 1),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text, said, line):
    configuration, findings = read_configuration(SourceFile("base.yaml", text))
    assert configuration is None
    assert said in findings[0].message
    assert findings[0].place.line == line
    assert findings[0].code.id == "FS446"


@given(st.text(max_size=60))
def test_no_text_breaks_a_matcher(text):
    try:
        found = parse_conditions(text)
    except ValueError:
        return
    for condition in found:
        condition.holds({"a": "b"})


# --- time


@pytest.mark.parametrize(
    ("interval", "moment", "within"),
    [
        (Interval(times=((clock("09:00"), clock("17:00")),)), "2027-01-04T09:00", True),
        (Interval(times=((clock("09:00"), clock("17:00")),)), "2027-01-04T17:00", False),
        (Interval(weekdays=(span("weekdays", "monday:friday"),)), "2027-01-03T12:00", False),  # a Sunday
        (Interval(weekdays=(span("weekdays", "sunday"),)), "2027-01-03T12:00", True),
        (Interval(days_of_month=(span("days_of_month", "-1"),)), "2027-02-28T12:00", True),
        (Interval(days_of_month=(span("days_of_month", "31"),)), "2027-02-28T12:00", False),
        (Interval(months=(span("months", "november:12"),)), "2027-12-01T12:00", True),
        (Interval(years=(span("years", "2028"),)), "2027-12-01T12:00", False),
        (Interval(), "2027-12-01T12:00", True),
    ],
)
def test_an_interval_holds_what_it_says(interval, moment, within):
    assert interval.holds(datetime.fromisoformat(moment)) is within


def test_a_zone_moves_the_hours_with_its_summer_time():
    hours = Interval(times=((clock("09:00"), clock("17:00")),), location=zone("Europe/Berlin"))
    utc = timezone(timedelta())
    assert not hours.holds(datetime(2027, 1, 4, 7, 30, tzinfo=utc))
    assert hours.holds(datetime(2027, 7, 5, 7, 30, tzinfo=utc))


def test_a_base_may_have_the_zone_of_alertmanagers_machine(configuration, in_tokyo):
    read = configuration("""
    route: {receiver: a, routes: [{receiver: a, active_time_intervals: [work]}]}
    receivers: [{name: a}]
    time_intervals:
      - {name: work, time_intervals: [{times: [{start_time: "09:00", end_time: "17:00"}], location: Local}]}
    """)
    (way,) = deliveries(read, {})
    assert way.muted(read, datetime.fromisoformat("2027-01-04T01:00+00:00")) == ""
    assert way.muted(read, datetime.fromisoformat("2027-01-04T12:00+00:00")) == "outside work"
    assert way.by_local(read)


def test_names_that_only_some_machines_know_are_not_suggested():
    names = known_zones()
    assert {"Local", "UTC", "Europe/Berlin"} <= {*names}
    assert not {"localtime", "posixrules", "Factory"} & {*names}
    for name in names:
        zone(name)


@pytest.mark.parametrize(
    "call",
    [
        lambda: clock("9:00"),
        lambda: clock("25:00"),
        lambda: span("weekdays", "noday"),
        lambda: zone("Mars/Base"),
        lambda: zone("localtime"),
    ],
)
def test_what_is_no_time_is_refused(call):
    with pytest.raises(ValueError, match="is no "):
        call()
