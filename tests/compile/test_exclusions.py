"""Exclusions: left out of budgets and of nothing else, never in silence, and the same text whenever it is compiled."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.alerts import compile_workspace
from failsoft.alerts.changes import changes
from failsoft.cli import main
from failsoft.slo.exclusions import Excluded, Piece, excluded_at, excluded_spans, excluding
from failsoft.workspace.load import load

SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""
EXCLUSION = """
kind: Exclusion
metadata: {name: nodes}
spec: {slos: [s], reason: Nodes are patched., author: ana, WHEN}
"""
ONCE = 'from: "1970-01-01T02:00Z", to: "1970-01-01T03:00Z"'
WEEKLY = 'weekly: {days: [thursday], start: "03:00", end: "04:00", timeZone: "+01:00"}'
BERLIN = 'weekly: {days: [sunday, wednesday], start: "23:30", end: "01:30", timeZone: Europe/Berlin}'
YEARS = 'from: "2026-01-01T00:00Z", to: "2027-12-31T00:00Z"'
LABELS = 'job="vllm", model_name="chat-70b"'
# 40 requests a scrape for six hours; all of them are slow from two o'clock to three
TRAFFIC = {
    f"vllm:time_to_first_token_seconds_count{{{LABELS}}}": "1000+40x1440",
    f'vllm:time_to_first_token_seconds_bucket{{{LABELS}, le="0.5"}}': "1000+40x480 20200x239 20240+40x720",
}


def excluded(when):
    return EXCLUSION.replace("WHEN", when)


@pytest.mark.parametrize("when", [ONCE, WEEKLY], ids=["once", "weekly"])
def test_what_is_excluded_costs_no_budget_and_alerts_all_the_same(when, written, judge):
    rules = written(SLO, excluded(when)).compiled()[0].files["rules/chat.yaml"]
    one = '{slo="s"}'
    checks = {
        # an hour of six, at a hundred times the allowed rate, is excluded
        (f"max(failsoft:slo_budget_remaining:ratio{one}) > bool 0.99", "5h"): 1,
        (f"abs(max(failsoft:slo_budget_remaining_of_all:ratio{one}) - (1 - 20 / 1)) < bool 1", "5h"): 1,
        ('count(ALERTS{alertname="FailsoftSLOBurn", burn_tier="page-fast", alertstate="firing"})', "2h40m"): 1,
        # every step that the time touches, and so the one that ends after it
        (f"max(failsoft:slo_excluded:seconds{one})", "5h"): 65 * 60,
        (f"abs(max(failsoft:slo_excluded_total:sum{one}) - 65 * 160) < bool 100", "5h"): 1,
        (f"abs(max(failsoft:slo_excluded_bad:sum{one}) - 60 * 160) < bool 200", "5h"): 1,
        (f"max(failsoft:slo_excluded:bool{one})", "1h"): 0,
        (f"max(failsoft:slo_excluded:bool{one})", "2h30m"): 1,
        (f"max(failsoft:slo_excluded:bool{one})", "4h"): 0,
    }
    done = judge(rules, TRAFFIC, checks, step="5m", every="15s")
    assert done.ok, done.stdout


def test_without_an_exclusion_there_is_one_budget_and_nothing_more(written):
    text = written(SLO).compiled()[0].files["rules/chat.yaml"]
    assert "excluded" not in text
    assert "of_all" not in text


def test_who_excludes_and_why_is_a_series_a_finding_and_a_line_of_the_diff(written, tmp_path):
    before = written(SLO).compiled()[0]
    after, findings = written(SLO, excluded(ONCE)).compiled()
    rule = after.files["rules/_exclusions.yaml"]
    assert '{exclusion: "nodes", author: "ana", reason: "Nodes are patched."}' in rule
    (finding,) = [one for one in findings if one.code.id == "FS433"]
    assert finding.message == "left out of the budget of s: from 1970-01-01T02:00:00Z to 1970-01-01T03:00:00Z"
    assert finding.hint.startswith("ana: Nodes are patched.")
    lines = [line for change in changes(before, after) if change.subject == "SLO s" for line in change.lines]
    assert lines == [
        "left out of its budget: nodes, from 1970-01-01T02:00:00Z to 1970-01-01T03:00:00Z (ana: Nodes are patched.)"
    ]
    (line,) = [line for change in changes(after, before) if change.subject == "SLO s" for line in change.lines]
    assert line.startswith("counts again in its budget: nodes")


def test_the_same_documents_give_the_same_bytes_and_the_proof_passes_its_budget(written, tmp_path):
    made = written(SLO, excluded(f"{BERLIN}, {YEARS}"))
    texts = [compile_workspace(made.workspace, {}, tests=True)[0].files for _ in range(2)]
    assert texts[0] == texts[1]
    assert "failsoft:slo_budget_remaining_of_all:ratio" in texts[0]["tests/s.budget.test.yaml"]


def test_what_begins_in_the_past_changes_nothing_that_was_recorded_and_says_so(written, capsys):
    root = written(SLO, excluded('from: "2026-12-01T02:00+01:00", to: "2026-12-01T04:00+01:00"')).root
    said = []
    for now in ("2026-12-24T00:00:00+00:00", "2026-11-24T00:00+00:00"):
        with pytest.raises(SystemExit) as ended:
            main(["check", str(root), "--now", now])
        assert not ended.value.code
        said.append(capsys.readouterr().err)
    assert "info[FS434] nodes begins in the past" in said[0]
    assert "FS434" not in said[1]


REFUSED = {
    "nobody says why": ("slos: [s], author: ana, WHEN", ONCE, "FS203"),
    "nobody says it": ("slos: [s], reason: because, WHEN", ONCE, "FS203"),
    "no budget": ("reason: because, author: ana, WHEN", ONCE, "FS204"),
    "no time": ("slos: [s], reason: because, author: ana", "", "FS204"),
    "an end before the begin": ("slos: [s], reason: b, author: a, WHEN", YEARS.replace("2027", "2025"), "FS204"),
    "no offset": ("slos: [s], reason: b, author: a, WHEN", YEARS.replace("Z", ""), "FS204"),
    "no such SLO": ("slos: [t], reason: b, author: a, WHEN", ONCE, "FS301"),
    "no such zone": ("slos: [s], reason: b, author: a, WHEN", BERLIN.replace("Berlin", "Berlim"), "FS435"),
    "summer time without an end": ("slos: [s], reason: b, author: a, WHEN", BERLIN, "FS435"),
    "no place on earth": ("slos: [s], reason: b, author: a, WHEN", WEEKLY.replace("+01", "+19"), "FS435"),
    "no moment": ("slos: [s], reason: b, author: a, WHEN", YEARS.replace("2026-01-01", "2026-02-30"), "FS204"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_excluded_is_refused_with_the_reason(name, written, tmp_path):
    spec, when, code = REFUSED[name]
    root = written(SLO).root
    text = f"kind: Exclusion\nmetadata: {{name: e}}\nspec: {{{spec.replace('WHEN', when)}}}\n"
    (root / "slo" / "exclusion.yaml").write_text(text)
    workspace, findings = load(root)
    found = {one.code.id for one in (*findings, *compile_workspace(workspace, {}, tests=False)[1])}
    assert code in found


def test_a_model_without_an_slo_has_no_budget_to_exclude_from(written):
    other = "kind: Model\nmetadata: {name: other}\nspec: {engine: vllm, select: {job: other}, owner: assistants}"
    _, findings = written(SLO, other, excluded(ONCE).replace("slos: [s]", "models: [other]")).compiled()
    assert "FS436" in {one.code.id for one in findings}


MOMENTS = st.integers(0, 3_000_000_000)


@given(MOMENTS)
def test_a_weekly_time_is_that_of_its_zone_in_summer_and_in_winter(moment):
    begin, end = (int(datetime.fromisoformat(text).timestamp()) for text in ("2026-01-01T00Z", "2027-12-31T00Z"))
    moment = begin + moment % (end - begin)
    assert excluded_at(BERLIN_TIMES, moment) is _in_berlin(moment)


def _in_berlin(moment):
    """By the wall clock: 23:30 to 1:30 of two nights; a night in which clocks change is told by its start."""
    local = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo("Europe/Berlin"))
    minutes = local.hour * 60 + local.minute
    starts, goes_on = minutes >= 23 * 60 + 30, minutes < 90
    return (local.weekday() in {6, 2} and starts) or (local.weekday() in {0, 3} and goes_on)


def _berlin_times():
    import yaml

    from failsoft.slo.exclusions import _excluded
    from failsoft.workspace.kinds import ExclusionSpec
    from failsoft.workspace.model import Document

    spec = yaml.safe_load(excluded(f"{BERLIN}, {YEARS}"))["spec"]
    return (_excluded(Document("Exclusion", "b", ExclusionSpec.model_validate(spec), None)),)


BERLIN_TIMES = _berlin_times()
BOUNDS = st.none() | st.integers(0, 2_000_000)
PIECES = st.builds(Piece, BOUNDS, BOUNDS, st.none() | st.tuples(st.integers(345_600, 950_399), st.integers(60, 80_000)))
TIMES = st.lists(PIECES.filter(lambda one: one.weekly or (one.begin is not None and one.end is not None)), max_size=4)


@given(TIMES, st.integers(0, 3_000_000))
def test_promql_plain_times_and_spans_say_the_same(pieces, moment):
    """PromQL counts a moment by its end: what is recorded at an edge was counted before it."""
    times = [Excluded("e", "", "", "", tuple(pieces))]
    spans = excluded_spans(times, 0, 4_000_000)
    assert all(first < last for first, last in spans)
    assert all(one[1] < two[0] for one, two in pairwise(spans))
    assert excluded_at(times, moment) is any(first <= moment < last for first, last in spans)
    edges = {one.begin for one in pieces} | {one.end for one in pieces}
    turns = {(moment - one.weekly[0] - late) % 604_800 for one in pieces if one.weekly for late in (0, one.weekly[1])}
    if pieces and moment not in edges and 0 not in turns:
        text = excluding(times, 0).removeprefix("clamp_max(vector(").removesuffix("), 1)")
        value = eval(" ".join(text.replace("time()", str(moment)).replace(" bool ", " ").split()))  # noqa: S307  # arithmetic alone
        assert (value > 0) is excluded_at(times, moment)
