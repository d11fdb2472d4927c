"""The report: self-contained, safe, readable by eye, by screen reader and by program."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.chaos.evidence import AlertSeen, Evidence, SloSeen, Times
from failsoft.chaos.incidents import Ask, Incident, StepSeen
from failsoft.chaos.journal import Activity, Hypothesis, Journal
from failsoft.chaos.plan import Change, Plan
from failsoft.chaos.plot import WIDTH, Axis, axis_of, markers, panel
from failsoft.chaos.readings import Reading
from failsoft.chaos.record import Target
from failsoft.chaos.report import Report, write
from failsoft.chaos.restore import Restored
from failsoft.chaos.timeline import Moment, timeline
from failsoft.chaos.toolkit import METHOD
from failsoft.chaos.verdict import judge
from failsoft.chaos.watch import Stop, StopKind
from failsoft.workspace.kinds import ExperimentSpec

T = 1_000_000.0
NASTY = "<script>alert('x')</script>"
SPEC = ExperimentSpec.model_validate(
    {
        "fault": {"spotReclaim": {"model": "chat"}},
        "expect": {"alert": {"slo": "ttft", "within": "30s"}, "asked": "assistants", "runbook": "shift"},
        "description": NASTY,
    }
)


def evidence(text="fine"):
    samples = tuple((T + s, 0.3 if 5 <= s < 40 else 0.001) for s in range(-10, 91) if not 50 < s < 60)
    did = [Activity(name, "succeeded", T, T + 1, {}, text, None) for name in (*METHOD, "undo")]
    look = Hypothesis(True, (did[0],))
    step = StepSeen(text, "shiftTraffic", acts=True, started_at=T + 20, ended_at=T + 21, outcome="done", detail=text)
    incident = Incident(
        text, "ttft", "chat", text, T + 12, None, text, (step,), (Ask(text, "asked", T + 13, text, text, T + 19),)
    )
    change = Change(0, "evict", text, text, text, bypasses_budgets=True)
    return Evidence(
        run="r1",
        requester=text,
        plan=Plan("e", "chat", "prod/chat", (Target(text, "u"),), (), (change,), 20, 40),
        times=Times(T - 2, T, T + 20, T + 60, T + 90),
        journal=Journal("completed", look, (), look, tuple(did[:-1]), tuple(did[-1:])),
        stop=None,
        restored=Restored("r1", (text,)),
        slos=(SloSeen(text, 0.01, samples, Reading(0.02), Reading(0.8), Reading(None, text)),),
        watched=1.0,
        alerts=(AlertSeen("FailsoftSLOBurn", "ttft", "page", text, T + 12, T + 50),),
        incidents=(incident,),
    )


def report(seen):
    return Report(SPEC, seen, judge(SPEC.expect, seen))


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_the_page_loads_nothing_and_runs_nothing():
    html = report(evidence()).as_html()
    page = Page(html)
    assert {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "base"} == set()
    assert [
        a for _, attributes in page.tags for a in attributes if a in {"src", "href", "xlink:href"} or a.startswith("on")
    ] == []
    assert not re.search(r"url\(|@import|https?://", html)


def test_whatever_a_name_or_an_answer_holds_stays_text():
    html = report(evidence(NASTY)).as_html()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 10


def test_the_page_says_the_verdict_the_times_and_who_was_asked_in_words():
    text = " ".join(Page(report(evidence("assistants")).as_html()).text.split())
    for part in ("Alert fired", "Alert expected by", "Fault applied", "Recovered", "Undone", "Team assistants asked"):
        assert part in text
    assert "past disruption budgets" in text
    assert "unknown" in text, "a budget that nobody knows is not zero"


def test_the_page_is_made_for_everybody():
    page = Page(report(evidence()).as_html())
    assert ("html", {"lang": "en"}) in page.tags
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = [a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a]
    assert {name for label in labels for name in label.split()} <= set(ids)
    [plot] = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert plot["role"] == "img"
    assert [a for tag, a in page.tags if tag == "th" and a.get("scope") not in {"row", "col"}] == []
    assert "Samples as a table" in page.text


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_has_the_contrast_that_wcag_asks_for(theme):
    css = files("failsoft.chaos").joinpath("templates", "report.css.j2").read_text()
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", css.split(":root {")[theme + 1]))
    pairs = [("text", "bg"), ("text", "card"), ("quiet", "bg"), ("quiet", "card"), ("limit", "bg")]
    pairs += [
        ("quiet", "notice"),
        ("quiet", "hold"),
        ("text", "notice"),
        ("text", "hold"),
        ("limit", "hold"),
        ("limit", "notice"),
    ]
    pairs += [(state, f"{state}-bg") for state in ("ok", "bad", "unknown")]
    pairs += [("on-badge", k) for k in ("fault", "expected", "alert", "person", "action", "good", "undo", "stop")]
    assert {
        pair: round(contrast(*(colours[c] for c in pair)), 2)
        for pair in pairs
        if contrast(*(colours[c] for c in pair)) < 4.5
    } == {}


def test_the_json_is_json_and_null_is_what_nobody_knows(tmp_path):
    _, machine = write(report(evidence()), tmp_path)
    told = json.loads(machine.read_text())
    assert told["alertExpectedBy"] == "1970-01-12T13:47:10.000+00:00"
    assert told["alertFiredAt"] == "1970-01-12T13:46:52.000+00:00"
    assert told["recoveredAt"] == "1970-01-12T13:47:20.000+00:00"
    assert told["budgets"][0]["remainingAfter"] is None
    assert told["incidents"][0]["asks"][0]["answered_at"] == "1970-01-12T13:46:59.000+00:00"


@pytest.mark.parametrize(
    "changes",
    [
        {"journal": None, "times": Times(T, None, None, None, T + 5), "slos": (), "alerts": None, "incidents": None},
        {"stop": Stop(StopKind.ABORTED, "too bad", T + 9), "restored": Restored("r1", left=("node n",))},
        {"slos": (SloSeen("a", 0.01, (), Reading(None, "x"), Reading(None, "x"), Reading(None, "x")),)},
        {"alerts": (), "incidents": (), "times": Times(T - 2, T, T + 20, None, T + 90)},
    ],
    ids=["nothing happened", "aborted, not restored", "no samples", "not undone"],
)
def test_every_sort_of_run_has_a_report(changes, tmp_path):
    html, _ = write(report(replace(evidence(), **changes)), tmp_path)
    assert "</html>" in html.read_text()


def test_a_gap_in_the_samples_is_a_gap_in_the_line():
    seen = evidence()
    drawn = panel(seen.slos[0], Axis(T - 10, T + 90, T), 1.0)
    assert len(drawn.lines) == 2


@given(st.lists(st.floats(0, 1000), max_size=40))
def test_badges_never_cover_each_other_and_stay_inside(seconds):
    moments = [Moment(T + s, "alert", "Alert fired") for s in sorted(seconds)]
    axis = axis_of((), Times(T, T, None, None, T + 1000), moments)
    placed = markers(axis, moments)
    assert [marker.number for marker in placed] == list(range(1, len(moments) + 1))
    assert all(0 <= marker.x <= WIDTH for marker in placed)
    assert len({(marker.y, marker.x // 24) for marker in placed}) >= len(placed) / 2
    for one in placed:
        for other in placed:
            assert one is other or one.y != other.y or abs(one.x - other.x) >= 24


def test_the_timeline_is_in_order_and_leaves_out_what_was_before_the_fault():
    seen = replace(
        evidence(), alerts=(AlertSeen("A", "ttft", "page", "fast", T - 5, T + 9), *(evidence().alerts or ()))
    )
    moments = timeline(SPEC.expect, seen)
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert [moment.title for moment in moments].count("Alert fired") == 1
