"""What failsoft says in Slack: pure functions from views to blocks, written for a tired person at three at night.

Each message says first what is asked or what happened, then the facts, then where to look. Outside text (titles,
labels, plans, names) is escaped by `mrkdwn`; only ids of people and groups become mentions.
"""

from collections.abc import Iterable
from typing import Any

from failsoft.clients.slack.mrkdwn import code, cut, escaped, link, mention, moment, plain, preformatted
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
    "APPROVE",
    "DENY",
    "approval_request",
    "approval_result",
    "incident_message",
    "run_progress",
    "suggested_plan",
]

APPROVE = "failsoft.approve"
DENY = "failsoft.deny"

_TITLE = 130
_SENTENCE = 500
_LABEL = 60
_ENTRY = 140
_ENTRIES = 6
_LINKS = 5
_URL = 400
_APPROVERS = 8
_STEPS = 20
_PART = 2800
_PLAN_PARTS = 3
_HASH = 12

_STATES = {
    IncidentState.FIRING: ("🔴", "Firing"),
    IncidentState.WAITING: ("🟠", "Waiting for a yes or no"),
    IncidentState.ACTING: ("🛠️", "Acting on it now"),
    IncidentState.VERIFYING: ("🔎", "Done acting; checking that it recovers"),
    IncidentState.RECOVERED: ("🟢", "Recovered"),
    IncidentState.PAGED: ("📟", "Needs a person: the owner is paged"),
    IncidentState.RESOLVED: ("✅", "Resolved"),
}
_STEP_SIGNS = {
    StepState.WAITING: "▫️",
    StepState.RUNNING: "▶️",
    StepState.DONE: "✅",
    StepState.FAILED: "❌",
    StepState.SKIPPED: "⏭️",
    StepState.IN_DOUBT: "❓",
    StepState.UNDONE: "↩️",
}
_MODES = {
    "observe": "observes only",
    "suggest": "suggests, does nothing by itself",
    "approve": "asks before it acts",
    "auto": "acts by itself",
}
_OUTCOMES = {
    Outcome.APPROVED: "✅ *Approved*",
    Outcome.DENIED: "✋ *Denied*",
    Outcome.EXPIRED: "⌛ *Nobody answered in time*",
    Outcome.CANCELLED: "☑️ *Not needed any more*",
}


def incident_message(view: IncidentView) -> Rendered:
    """The first message of an incident's thread; it is edited in place as the state changes."""
    sign, words = _STATES[view.state]
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(f"{sign} {plain(view.title)}", _TITLE)}},
        _section(f"*{words}*{_waiting(view)}"),
        _section(cut(escaped(view.sentence), _SENTENCE) or "No more is known."),
    ]
    if view.timeline:
        blocks.append(_section(_timeline(view.timeline)))
    facts = (
        f"{view.what} {_label(view.slo)}",
        *([f"model {_label(view.model)}"] if view.model else []),
        f"team {_label(view.team)}",
        cut(escaped(view.severity), _LABEL),
        f"failsoft {_MODES[view.mode]}",
        f"since {moment(view.opened_at)}",
    )
    blocks.append(_context(" · ".join(facts)))
    if ends := [end for end in (*_links(view.links), code(cut(view.command, 100))) if end]:
        blocks.append(_context(" · ".join(ends)))
    title = cut(escaped(view.title.rstrip(".")), _TITLE)
    text = f"{sign} {cut(escaped(view.slo), _LABEL)}: {title}. {words}."
    return Rendered(text, tuple(blocks))


def approval_request(incident: IncidentView, approval: ApprovalView) -> Rendered:
    """The question with its plan and two buttons, to be posted into the incident's thread."""
    who = " ".join(mention(person) for person in approval.approvers[:_APPROVERS]) or "nobody may answer"
    title = cut(escaped(incident.title), _TITLE)
    blocks = [
        _section(f"{who}\n*May failsoft do this?* For “{title}” on {_label(incident.model or incident.team)}."),
        *_plan(approval.plan, approval.command or incident.command),
        _section(f"Answer until *{moment(approval.expires_at)}*. No answer: {cut(escaped(approval.otherwise), 200)}."),
        {"type": "actions", "elements": [_approve(approval), _deny(approval)]},
        _context(_plan_facts(approval.plan, approval.command)),
    ]
    model, first = cut(escaped(incident.model), _LABEL), cut(escaped(_first_line(approval.plan)), 200)
    text = f"May failsoft do this on {model}? {first}. Answer until {moment(approval.expires_at)}."
    return Rendered(text, tuple(blocks))


def approval_result(approval: ApprovalView, decision: DecisionView) -> Rendered:
    """What the question becomes once it is answered: the plan stays to be read, the buttons are gone."""
    by = f" by {mention(decision.by)}" if decision.by else ""
    note = f": {cut(escaped(decision.note), 300)}" if decision.note else ""
    blocks = [
        _section(f"{_OUTCOMES[decision.outcome]}{by} at {moment(decision.at)}{note}"),
        *_plan(approval.plan, approval.command),
        _context(_plan_facts(approval.plan, "")),
    ]
    text = f"{cut(escaped(approval.plan.runbook), _LABEL)}: {decision.outcome.value}{by}{note}"
    return Rendered(text, tuple(blocks))


def suggested_plan(incident: IncidentView, plan: PlanView, *, command: str) -> Rendered:
    """What a runbook in the mode suggest would do, and the command that does it."""
    title = cut(escaped(incident.title), _TITLE)
    blocks = [
        _section(f"*failsoft suggests this* for “{title}” on {_label(incident.model)}. It does nothing by itself."),
        *_plan(plan, command),
        _context(f"To do it: {code(cut(command, 200))}"),
        _context(_plan_facts(plan, "")),
    ]
    runbook, model = (cut(escaped(name), _LABEL) for name in (plan.runbook, incident.model))
    return Rendered(f"failsoft suggests {runbook} on {model}.", tuple(blocks))


def run_progress(run: RunView) -> Rendered:
    """One message for a whole run, one line a step, edited in place as it goes."""
    rows = [f"*{cut(escaped(run.runbook), _LABEL)}* ({_MODES[run.mode]})"]
    rows += [_step(step) for step in run.steps[:_STEPS]]
    if len(run.steps) > _STEPS:
        rows.append(f"… and {len(run.steps) - _STEPS} more steps")
    done = sum(step.state is StepState.DONE for step in run.steps)
    text = f"{cut(escaped(run.runbook), _LABEL)}: {done} of {len(run.steps)} steps done"
    return Rendered(text, tuple(_section("\n".join(part)) for part in _packed(rows)))


def _step(step: StepView) -> str:
    took = "" if step.seconds is None else f" ({step.seconds:.0f} s)"
    doubt = " _in doubt: it began, and no result is known_" if step.state is StepState.IN_DOUBT else ""
    detail = f": {cut(escaped(step.detail), _ENTRY)}" if step.detail else ""
    return f"{_STEP_SIGNS[step.state]} {cut(escaped(step.name), _LABEL)}{detail}{took}{doubt}"


def _waiting(view: IncidentView) -> str:
    if view.approval is None or view.state is not IncidentState.WAITING:
        return ""
    otherwise = cut(escaped(view.approval.otherwise), 200)
    return f" in the thread below, until *{moment(view.approval.expires_at)}*. No answer: {otherwise}."


def _timeline(entries: tuple[TimelineEntry, ...]) -> str:
    shown = entries[-_ENTRIES:]
    rows = [f"{moment(entry.at)}  {cut(escaped(entry.text), _ENTRY)}" for entry in shown]
    earlier = len(entries) - len(shown)
    return "\n".join([f"_… {earlier} earlier_", *rows] if earlier else rows)


def _links(links: Iterable[LinkView]) -> list[str]:
    # A link that is cut leads nowhere, so one that is too long is left out.
    return [link(item.url, item.label[:_LABEL]) for item in links if len(item.url) <= _URL][:_LINKS]


def _plan(plan: PlanView, command: str) -> list[dict[str, Any]]:
    """The whole plan in code blocks. What does not fit is said to be missing, for it is approved with the rest."""
    lines = [cut(row, _PART // 6) for row in plan.text.strip("\n").split("\n")]
    parts = _packed(lines)
    blocks = [_section(preformatted("\n".join(part))) for part in parts[:_PLAN_PARTS]]
    missing = sum(len(part) for part in parts[_PLAN_PARTS:])
    if missing:
        where = f" Read all of it first: {code(cut(command, 100))}" if command else ""
        blocks.append(_section(f"⚠️ *{missing} more lines of this plan do not fit here.*{where}"))
    return blocks


def _first_line(plan: PlanView) -> str:
    """The first thing that the plan does, or its first line where it numbers nothing."""
    rows = plan.text.strip().split("\n")
    return next((row.removeprefix("1. ") for row in rows if row.startswith("1. ")), rows[0])


def _packed(rows: list[str]) -> list[list[str]]:
    """The rows in as many parts as texts of Slack are needed to show them."""
    parts: list[list[str]] = [[]]
    size = 0
    for row in rows:
        # Counted as code blocks escape it, which is never shorter than the row itself.
        length = len(escaped(row, lines=True)) + 1
        if size + length > _PART and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += length
    return parts


def _plan_facts(plan: PlanView, command: str) -> str:
    facts = [f"runbook {_label(plan.runbook)}", f"plan {code(plan.hash[:_HASH])}"]
    if command:
        facts.append(f"without Slack: {code(cut(command, 100))}")
    return " · ".join(facts)


def _approve(approval: ApprovalView) -> dict[str, Any]:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": "Approve"},
        "style": "primary",
        "action_id": APPROVE,
        "value": approval.token,
        # A phone in a pocket must not scale production.
        "confirm": {
            "title": {"type": "plain_text", "text": "Do this now?"},
            "text": {"type": "plain_text", "text": cut(plain(_first_line(approval.plan)) or "The plan above.", 280)},
            "confirm": {"type": "plain_text", "text": "Yes, do it"},
            "deny": {"type": "plain_text", "text": "Back"},
        },
    }


def _deny(approval: ApprovalView) -> dict[str, Any]:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": "Deny"},
        "style": "danger",
        "action_id": DENY,
        "value": approval.token,
    }


def _label(text: str) -> str:
    return code(text[:_LABEL]) or "`?`"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
