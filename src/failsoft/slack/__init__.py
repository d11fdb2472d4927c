"""The face in Slack: what an incident looks like there, and the bot that hears the buttons."""

from failsoft.slack.bot import Click, ClickReply, Decisions, SlackBot
from failsoft.slack.messages import (
    approval_request,
    approval_result,
    incident_message,
    run_progress,
    suggested_plan,
)
from failsoft.slack.refusals import Refusal, recorded, refused
from failsoft.slack.views import (
    ApprovalView,
    DecisionView,
    IncidentState,
    IncidentView,
    LinkView,
    Outcome,
    PlanView,
    Rendered,
    RunView,
    StepState,
    StepView,
    TimelineEntry,
)

__all__ = [
    "ApprovalView",
    "Click",
    "ClickReply",
    "DecisionView",
    "Decisions",
    "IncidentState",
    "IncidentView",
    "LinkView",
    "Outcome",
    "PlanView",
    "Refusal",
    "Rendered",
    "RunView",
    "SlackBot",
    "StepState",
    "StepView",
    "TimelineEntry",
    "approval_request",
    "approval_result",
    "incident_message",
    "recorded",
    "refused",
    "run_progress",
    "suggested_plan",
]
