"""What becomes of a click in Slack: judged and recorded by the runbooks, told to the person."""

from dataclasses import replace
from typing import Protocol

from failsoft.runbooks.decisions import Answer, Verdict, Via
from failsoft.runbooks.views import QuestionCard
from failsoft.server.cards import approval_view, decision_view
from failsoft.slack import Click, ClickReply, Refusal, recorded, refused

__all__ = ["Judge", "SlackAnswers"]


class Judge(Protocol):
    """Who judges and records answers; the runbooks' service."""

    async def decide(self, token: str, verdict: Verdict, *, user: str, via: Via) -> Answer:
        """Judge and record. Raises `UnavailableError`."""

    async def question(self, answer: Answer) -> QuestionCard | None:
        """The question that an answer is about. Raises `UnavailableError`."""


class SlackAnswers:
    """Gives clicks to the runbooks; implements the bot's `Decisions`."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def decide(self, click: Click) -> ClickReply:
        """As the port says."""
        answer = await self._judge.decide(click.token, click.action, user=click.user_id, via="slack")
        if answer.reason is None:
            return ClickReply(recorded(click.action, answer.approval.plan_hash if answer.approval else ""))
        question = await self._judge.question(answer)
        if question is None:
            return ClickReply(refused(Refusal(answer.reason.value)))
        approval = approval_view(question, "")
        others = tuple(person for person in approval.approvers if person != click.user_id)
        approval = replace(approval, approvers=others)  # whoever may not answer is not told to ask themselves
        return ClickReply(refused(Refusal(answer.reason.value), approval, decision_view(question)))
