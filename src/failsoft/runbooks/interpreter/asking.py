"""Asking people: a plan is shown, somebody answers, and only the plan that was shown may be carried out.

The answer is a row that is read again after every wake-up; the wake-up itself says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from failsoft.errors import PermanentError, TemporaryError
from failsoft.runbooks.interpreter.effects import Effect, plan_hash
from failsoft.runbooks.interpreter.planning import ahead, plan_text
from failsoft.runbooks.interpreter.turn import GO_ON, Turn, changed, next_step
from failsoft.runbooks.port import Ended, Pause
from failsoft.runbooks.store import approvals, outbox, runs
from failsoft.runbooks.store.approvals import Approval
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.runs import Run
from failsoft.workspace.kinds.runbook import Approve

__all__ = ["Question", "approve_step", "gate"]

_ROUNDS = 3
_PLAN_TRIES = 8


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked at a position.

    Attributes:
        first: the first action that the answer covers.
        purpose: `plan`, or `doubt-...` for one interrupted step.
        note: why it is asked, where that is not plain.
        effects: what it covers, where that is known without looking.
    """

    position: int
    first: int
    spec: Approve
    purpose: str = "plan"
    note: str = ""
    effects: Mapping[int, Effect] | None = None


def approve_step(turn: Turn, position: int, spec: Approve) -> Pause | Ended:
    """The step `approve`: asks in the mode approve; in the others only shows the plan, or nothing (observe)."""
    if turn.run.mode == "observe":
        return _passed(turn, position, "observe: nobody is asked")
    question = Question(position, position + 1, spec)
    if turn.run.mode == "approve":
        stops = gate(turn, question)
        return _passed(turn, position, "") if stops is None else stops
    effects = _effects(turn, question)
    if not isinstance(effects, dict):
        return effects
    hashed = plan_hash(turn.run.runbook, turn.run.slo, turn.run.model, effects)
    word = "Suggested, and left to you" if turn.run.mode == "suggest" else "Acts without asking"
    with turn.held() as (connection, run, _):
        approvals.add_plan(connection, run.id, position, hashed, _as_json(effects))
        turn.say(connection, "plan", f"{word} (plan {hashed[:12]}):\n{plan_text(run.spec, effects)}")
        _write_done(connection, turn, position, f"plan {hashed[:12]}")
        next_step(connection, run)
    return GO_ON


def gate(turn: Turn, question: Question) -> Pause | Ended | None:
    """Ask, and wait for the answer; None when a yes was given to the plan that still holds, and is now used."""
    with turn.held() as (connection, run, incident):
        asked = approvals.latest(connection, run.id, question.position, question.purpose)
        if asked is not None and asked.used_at is not None and asked.state == "approved":
            return None
        if asked is not None and (stops := _standing(turn, connection, run, incident, asked)) is not None:
            return stops
    effects = _effects(turn, question)
    if not isinstance(effects, dict):
        return effects
    if asked is None or asked.state == "stale":
        return _ask(turn, question, effects, 0 if asked is None else asked.round + 1)
    return _use(turn, asked, effects)


def _standing(
    turn: Turn, connection: sa.Connection, run: Run, incident: Incident, asked: Approval
) -> Pause | Ended | None:
    """What follows from a question as it stands; None where it has to be asked, or a yes has to be used."""
    if asked.state == "waiting":
        return _wait(turn, connection, run, incident, asked)
    if asked.state == "denied":
        return _denied(turn, connection, run, incident, asked)
    if asked.state == "stale" and asked.round + 1 >= _ROUNDS:
        text = "the plan went stale again and again before it could be carried out"
        return turn.end(connection, run, incident, "stale", text, page_for=text)
    return None


def _wait(turn: Turn, connection: sa.Connection, run: Run, incident: Incident, asked: Approval) -> Pause | Ended:
    left = asked.expires_at - now(connection)
    if left > 0:
        runs.change(connection, run.id, topic=asked.topic, state="waiting")
        return Pause(left, asked.topic)
    approvals.change_approval(connection, asked.id, state="expired", decided_at=now(connection))
    outbox.put_ask(connection, incident.id, asked.id)
    text = "nobody answered in time; " + (changed(connection, run) or "nothing was changed")
    return turn.end(connection, run, incident, "expired", text, page_for=text if asked.otherwise == "page" else "")


def _denied(turn: Turn, connection: sa.Connection, run: Run, incident: Incident, asked: Approval) -> Ended:
    left = changed(connection, run) or "nothing was changed"
    return turn.end(connection, run, incident, "denied", f"{asked.decided_by} said no; {left}")


def _effects(turn: Turn, question: Question) -> dict[int, Effect] | Pause | Ended:
    """What the question covers, in the world as it is now; how to go on where that cannot be seen."""
    if question.effects is not None:
        return dict(question.effects)
    try:
        return ahead(turn.context, turn.types, question.first)
    except TemporaryError as error:
        kind = turn.run.spec.steps[question.position].choice
        again = turn.retry(question.position, kind, error, _PLAN_TRIES)
        return again or turn.fail(question.position, f"no plan can be made: {error}")
    except PermanentError as error:
        return turn.fail(question.position, f"no plan can be made: {error}")


def _ask(turn: Turn, question: Question, effects: dict[int, Effect], turn_number: int) -> Pause:
    run, spec = turn.run, question.spec
    hashed = plan_hash(run.runbook, run.slo, run.model, effects)
    with turn.held() as (connection, held, incident):
        if question.purpose == "plan" and not any(effect.changes for effect in effects.values()):
            # nothing to say yes to: the actions will find the world as they want it
            turn.say(connection, "plan", f"Nothing to approve: {plan_text(run.spec, effects)}")
            number = approvals.add_plan(connection, run.id, question.position, hashed, _as_json(effects))
            asked = _row(connection, question, number, hashed, turn_number, note="nothing is changed", run=run)
            moment = now(connection)
            approvals.change_approval(connection, asked.id, state="approved", decided_at=moment, used_at=moment)
            return GO_ON
        number = approvals.add_plan(connection, run.id, question.position, hashed, _as_json(effects))
        asked = _row(connection, question, number, hashed, turn_number, note=_rule(run, question), run=run)
        runs.change(connection, held.id, state="waiting", topic=asked.topic)
        who = "on call" if spec.from_ == "oncall" else "people"
        text = f"Asked {run.team} ({who}) about the plan {hashed[:12]}"
        turn.say(connection, "asked", text, aloud=False)
        outbox.put_ask(connection, incident.id, asked.id)
    return Pause(spec.within.seconds, asked.topic)


def _row(  # noqa: PLR0913  # one row
    connection: sa.Connection, question: Question, plan: int, hashed: str, turn_number: int, *, note: str, run: Run
) -> Approval:
    return approvals.ask(
        connection,
        run.id,
        question.position,
        within=question.spec.within.seconds,
        purpose=question.purpose,
        round=turn_number,
        question=f"May {run.runbook} do this to {run.model}?",
        note=note,
        plan_id=plan,
        plan_hash=hashed,
        who=question.spec.from_,
        otherwise=question.spec.otherwise,
    )


def _rule(run: Run, question: Question) -> str:
    rule = (
        f"{run.requester} started this, so somebody else has to answer."
        if run.requester
        else "Nobody started this by hand, so everybody who may answer may say yes."
    )
    return f"{question.note} {rule}".strip()


def _use(turn: Turn, asked: Approval, effects: dict[int, Effect]) -> Pause | Ended | None:
    """A yes was given: use it, if the plan that it was given to still holds."""
    hashed = plan_hash(turn.run.runbook, turn.run.slo, turn.run.model, effects)
    with turn.held() as (connection, run, incident):
        # read again: a no that came while we looked at the world still wins
        asked = approvals.approval(connection, asked.id)
        if asked.state != "approved":
            return GO_ON if asked.state != "denied" else _denied(turn, connection, run, incident, asked)
        if hashed != asked.plan_hash:
            return _stale(turn, connection, incident, asked, "no longer fits what is there")
        if now(connection) - (asked.decided_at or 0) > asked.expires_at - asked.asked_at:
            return _stale(turn, connection, incident, asked, "was approved too long ago")
        runs.change(connection, run.id, state="running", topic=None)
        approvals.change_approval(connection, asked.id, used_at=now(connection))
    return None


def _stale(turn: Turn, connection: sa.Connection, incident: Incident, asked: Approval, why: str) -> Pause:
    approvals.change_approval(connection, asked.id, state="stale")
    outbox.put_ask(connection, incident.id, asked.id)
    turn.say(connection, "stale", f"The plan {asked.plan_hash[:12]} {why}: it is not carried out")
    return GO_ON


def _passed(turn: Turn, position: int, text: str) -> Pause:
    with turn.held() as (connection, run, _):
        _write_done(connection, turn, position, text)
        next_step(connection, run)
    return GO_ON


def _write_done(connection: sa.Connection, turn: Turn, position: int, said: str) -> None:
    asked = approvals.first_asked(connection, turn.run.id, position)
    runs.write_step(
        connection,
        turn.run.id,
        "do",
        position,
        began=turn.began if asked is None else asked,
        kind="approve",
        state="done",
        said=said,
        ended_at=now(connection),
    )


def _as_json(effects: Mapping[int, Effect]) -> dict[str, object]:
    return {str(position): effect.as_json() for position, effect in effects.items()}
