"""What a tired person sees: the question first, the facts, no noise; and nothing from outside can forge any of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from failsoft.clients.slack.limits import fitted
from failsoft.slack import (
    ApprovalView,
    DecisionView,
    IncidentState,
    IncidentView,
    LinkView,
    Outcome,
    PlanView,
    Refusal,
    RunView,
    StepState,
    StepView,
    TimelineEntry,
    approval_request,
    approval_result,
    incident_message,
    recorded,
    refused,
    run_progress,
    suggested_plan,
)
from failsoft.testing.slack.blocks import block_characters, block_errors, visible_text

AT = datetime(2026, 11, 21, 3, 14, tzinfo=UTC)
BUDGET_BLOCKS = 7
BUDGET_CHARACTERS = 6000
ATTACKS = ["<!channel>", "<@U0EVE>", "<!subteam^S0EVE>", "<https://evil|Approve>", "```", "*", "&", "\u202e", "\n" * 9]

outside = st.lists(st.one_of(st.text(max_size=30), st.sampled_from(ATTACKS), st.just("w" * 900)), max_size=6).map(
    "".join
)
plans = st.builds(PlanView, outside, st.lists(outside, max_size=30).map("\n".join), st.just("3fa2c1d09b7e55aa"))
approvals = st.builds(
    ApprovalView,
    token=st.just("q-7"),
    plan=plans,
    expires_at=st.just(AT),
    approvers=st.lists(st.one_of(st.just("U0ONCALL"), outside), max_size=12).map(tuple),
    otherwise=outside,
    command=outside,
)
incidents = st.builds(
    IncidentView,
    title=outside,
    slo=outside,
    model=outside,
    team=outside,
    severity=outside,
    state=st.sampled_from(IncidentState),
    sentence=outside,
    mode=st.sampled_from(["observe", "suggest", "approve", "auto"]),
    opened_at=st.just(AT),
    links=st.lists(st.builds(LinkView, outside, outside.map("https://x/".__add__)), max_size=8).map(tuple),
    timeline=st.lists(st.builds(TimelineEntry, st.just(AT), outside), max_size=20).map(tuple),
    approval=st.one_of(st.none(), approvals),
    command=outside,
)
steps = st.builds(StepView, outside, st.sampled_from(StepState), outside, st.one_of(st.none(), st.floats(0, 1e4)))
runs = st.builds(RunView, outside, st.just("auto"), st.lists(steps, max_size=40).map(tuple))
decisions = st.builds(
    DecisionView, st.sampled_from(Outcome), st.just(AT), st.one_of(st.just("U0ONCALL"), outside), outside
)


def check(rendered):
    """Slack takes it as it is, and everything between angle brackets is ours."""
    blocks = list(rendered.blocks)
    assert block_errors(blocks) == ()
    assert fitted(blocks) == blocks
    for inner in re.findall(r"<([^<>]*)>", rendered.text + "\n" + visible_text(blocks)):
        assert re.fullmatch(r"!date\^\d+\^\{time\}\|\d\d:\d\d UTC|@U0ONCALL|https://x/[^|]*\|.*", inner, re.DOTALL)


@settings(max_examples=60)
@given(incidents)
def test_the_first_message_stays_within_its_budget_whatever_comes_from_outside(incident):
    rendered = incident_message(incident)
    check(rendered)
    assert len(rendered.blocks) <= BUDGET_BLOCKS
    assert block_characters(rendered.blocks) <= BUDGET_CHARACTERS


@settings(max_examples=60)
@given(incidents, approvals, decisions)
def test_the_question_and_its_result_are_taken_by_slack_whatever_comes_from_outside(incident, approval, decision):
    check(approval_request(incident, approval))
    check(approval_result(approval, decision))
    check(suggested_plan(incident, approval.plan, command=incident.command))


@settings(max_examples=40)
@example(RunView("r", "auto", (StepView("s" * 90, StepState.IN_DOUBT, "&" * 300, 1e4),) * 40))
@given(runs)
def test_progress_of_any_run_is_one_message(run):
    check(run_progress(run))


@settings(max_examples=40)
@given(st.sampled_from(Refusal), st.one_of(st.none(), approvals), st.one_of(st.none(), decisions))
def test_every_refusal_says_that_nothing_was_done(reason, approval, decision):
    said = refused(reason, approval, decision)
    assert said.startswith("Nothing was done: ")
    assert "{" not in re.sub(r"<!date[^>]*>", "", refused(reason))
    assert not re.search(r"<(?!!date\^|@U0ONCALL)", said)


def test_an_ordinary_first_message_fits_on_a_phone(incident, approval):
    rendered = incident_message(incident(state=IncidentState.WAITING, approval=approval()))
    shown = visible_text(rendered.blocks)
    assert block_characters(rendered.blocks) <= 900
    assert len(rendered.blocks) <= 6
    for fact in ("Users of chat wait", "18.2 %", "chat-ttft", "assistants", "Dashboard", "failsoft incidents show 7"):
        assert fact in shown
    assert "*Waiting for a yes or no* in the thread below, until" in shown
    assert "No answer: the team assistants is paged." in shown
    assert rendered.text == "🟠 chat-ttft: Users of chat wait too long for the first token. Waiting for a yes or no."


@pytest.mark.parametrize("state", IncidentState)
def test_each_state_looks_different_and_only_a_waiting_one_asks(incident, approval, state):
    rendered = incident_message(incident(state=state, approval=approval()))
    others = {incident_message(incident(state=other)).text for other in IncidentState if other is not state}
    assert rendered.text not in others
    assert ("No answer" in visible_text(rendered.blocks)) == (state is IncidentState.WAITING)


def test_a_long_timeline_shows_its_end(incident):
    entries = tuple(TimelineEntry(AT + timedelta(minutes=n), f"event {n}") for n in range(20))
    shown = visible_text(incident_message(incident(timeline=entries)).blocks)
    assert "… 14 earlier" in shown
    assert "event 13" not in shown
    assert "event 19" in shown


def test_the_question_shows_the_whole_plan_who_may_answer_until_when_and_what_else_happens(incident, approval):
    rendered = approval_request(incident(), approval())
    shown = visible_text(rendered.blocks)
    for part in (
        "<@U0ONCALL>",
        "<!subteam^S0ONCALL>",
        "scale prod/chat-small from 2 to 4",
        "3fa2c1d09b7e",
        "approve 7",
    ):
        assert part in shown
    assert "No answer: the team assistants is paged." in shown
    assert rendered.text.startswith("May failsoft do this on chat? shift 100 % of the traffic of prod/chat-70b to")
    buttons = next(block for block in rendered.blocks if block["type"] == "actions")["elements"]
    assert [(button["text"]["text"], button["value"]) for button in buttons] == [("Approve", "q-7"), ("Deny", "q-7")]
    assert "confirm" in buttons[0]
    assert "confirm" not in buttons[1]


def test_a_plan_that_does_not_fit_says_so_before_anybody_approves_it(incident, approval):
    plan = PlanView("r", "\n".join(f"delete pod chat-{n:04}" for n in range(2000)), "h" * 64)
    shown = visible_text(approval_request(incident(), approval(plan=plan)).blocks)
    said = re.search(r"\*(\d+) more lines of this plan do not fit here\.\* Read all of it first: `failsoft", shown)
    assert said
    assert shown.count("delete pod") == 2000 - int(said[1]) + 1  # once more in the confirmation


def test_a_result_keeps_the_plan_and_has_no_buttons(approval):
    for outcome in Outcome:
        rendered = approval_result(approval(), DecisionView(outcome, AT, "U0ONCALL", "looks right"))
        assert not [block for block in rendered.blocks if block["type"] == "actions"]
        assert "scale prod/chat-small" in visible_text(rendered.blocks)
        assert "<@U0ONCALL>" in visible_text(rendered.blocks)


def test_a_step_in_doubt_is_told_as_such():
    run = RunView("r", "auto", (StepView("scale", StepState.IN_DOUBT, "2 -> 4"), StepView("verify", StepState.WAITING)))
    shown = visible_text(run_progress(run).blocks)
    assert "❓ scale: 2 -&gt; 4 _in doubt: it began, and no result is known_" in shown


def test_a_refused_person_is_told_whom_to_ask(approval):
    assert "Ask <@U0ONCALL>, <!subteam^S0ONCALL>." in refused(Refusal.NOT_ALLOWED, approval())
    assert "already denied by <@U0ONCALL> at" in refused(
        Refusal.DECIDED, approval(), DecisionView(Outcome.DENIED, AT, "U0ONCALL")
    )


def test_a_taken_click_is_confirmed_with_the_plan_it_is_for():
    assert "you approved plan `3fa2c1d09b7e`" in recorded("approve", "3fa2c1d09b7e55aa")


def test_an_incident_of_no_slo_says_which_failure_it_is_and_names_no_model_where_there_is_none(incident):
    shown = str(incident_message(incident(what="failure mode", slo="engine-hung", model="")).blocks)
    assert "failure mode" in shown
    assert "engine-hung" in shown
    assert "SLO" not in shown
    assert "model" not in shown
