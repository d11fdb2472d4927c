"""What a person is told whose click was refused, or taken: one plain sentence, what it means, what to do."""

from enum import StrEnum

from failsoft.clients.slack.mrkdwn import code, mention, moment
from failsoft.slack.views import ApprovalView, DecisionView

__all__ = ["Refusal", "recorded", "refused"]

_SHOWN = 8


class Refusal(StrEnum):
    """Why a click was refused."""

    NOT_ALLOWED = "not allowed"
    REQUESTER = "requester"
    EXPIRED = "expired"
    STALE_PLAN = "stale plan"
    DECIDED = "decided"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


def refused(reason: Refusal, approval: ApprovalView | None = None, decision: DecisionView | None = None) -> str:
    """The text, in Slack's mark-up, that only the person who clicked sees. Nothing was done, and it says so.

    >>> print(refused(Refusal.STALE_PLAN))
    Nothing was done: the plan has changed since you saw it. Answer the new question below it.
    """
    said = _DECIDED if reason is Refusal.DECIDED and decision is None else _TEXTS[reason]
    approvers = ", ".join(mention(person) for person in (approval.approvers[:_SHOWN] if approval else ()))
    return "Nothing was done: " + said.format(
        approvers=approvers or "somebody who may",
        until=moment(approval.expires_at) if approval else "its time",
        outcome=decision.outcome.value if decision else "",
        by=f" by {mention(decision.by)}" if decision and decision.by else "",
        at=moment(decision.at) if decision else "",
    )


def recorded(action: str, plan_hash: str) -> str:
    """The text for a click that counts; `action` is "approve" or "deny".

    >>> print(recorded("deny", "3fa2c1d09b7e55"))
    Recorded: you denied plan `3fa2c1d09b7e`. failsoft does not do it.
    """
    if action == "approve":
        return f"Recorded: you approved plan {code(plan_hash[:12])}. Follow it in this thread."
    return f"Recorded: you denied plan {code(plan_hash[:12])}. failsoft does not do it."


_DECIDED = "this was answered already. One answer counts."
_TEXTS = {
    Refusal.NOT_ALLOWED: "you are not one of those who may answer this. Ask {approvers}. Your click is recorded.",
    Refusal.REQUESTER: "you started this yourself, so somebody else has to answer. Ask {approvers}.",
    Refusal.EXPIRED: "the time to answer was over at {until}. See the thread for what happened instead.",
    Refusal.STALE_PLAN: "the plan has changed since you saw it. Answer the new question below it.",
    Refusal.DECIDED: "this was already {outcome}{by} at {at}. One answer counts.",
    Refusal.CANCELLED: "the alert has resolved, so this question is closed.",
    Refusal.STOPPED: "failsoft is stopped by its kill switch. Ask who stopped it, and answer again afterwards.",
    Refusal.UNKNOWN: "failsoft does not know this question. It may be from another installation, or too old.",
}
