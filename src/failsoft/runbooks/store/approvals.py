"""Questions to people: what was asked, until when, what came of it, and every click, honoured or not."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.schema import approvals, clicks, plans

__all__ = [
    "Approval",
    "add_plan",
    "approval",
    "ask",
    "by_token",
    "change_approval",
    "clicks_of",
    "covering",
    "first_asked",
    "latest",
    "plan_effects",
    "record_click",
    "waiting",
]


@dataclass(frozen=True, slots=True)
class Approval:
    """One question.

    Attributes:
        purpose: `plan`, or `doubt-...` where a step was interrupted and somebody has to say what now.
        round: 0 for the first time a step asks, more when the plan went stale and it asked again.
        token: opaque; all that a button carries.
        topic: what the run waits on meanwhile.
        plan_hash: the plan that an answer is about.
        state: `waiting`, `approved`, `denied`, `expired`, `withdrawn` or `stale`.
        who: `oncall` or `people`.
        used_at: when the run acted on it; from then on a denial comes too late.
    """

    id: int
    run_id: str
    position: int
    purpose: str
    round: int
    token: str
    topic: str
    plan_id: int
    plan_hash: str
    question: str
    note: str
    state: str
    who: str
    otherwise: str
    asked_at: float
    expires_at: float
    decided_by: str | None
    decided_at: float | None
    used_at: float | None
    posted: Mapping[str, Any] | None


def add_plan(connection: sa.Connection, run_id: str, position: int, hashed: str, effects: Mapping[str, Any]) -> int:
    """Keep a plan that a step shows: its effects as JSON, by position of the action as text; the plan's number."""
    added = sa.insert(plans).values(
        run_id=run_id, position=position, hash=hashed, effects=dict(effects), at=now(connection)
    )
    number: int = connection.execute(added.returning(plans.c.id)).scalar_one()
    return number


def plan_effects(connection: sa.Connection, number: int) -> dict[str, Any]:
    """The effects of a plan that was kept."""
    found: dict[str, Any] = connection.execute(sa.select(plans.c.effects).where(plans.c.id == number)).scalar_one()
    return found


def covering(connection: sa.Connection, run_id: str, position: int) -> tuple[Approval, dict[str, Any]] | None:
    """The approval that was given for the action at a position, with the effect that was shown, newest first."""
    used = (
        sa.select(approvals, plans.c.effects)
        .join(plans, plans.c.id == approvals.c.plan_id)
        .where(approvals.c.run_id == run_id, approvals.c.state == "approved", approvals.c.used_at.is_not(None))
        .where(approvals.c.purpose == "plan")
        .order_by(approvals.c.id.desc())
    )
    for row in connection.execute(used).mappings():
        effects = row["effects"]
        if str(position) in effects:
            found = Approval(**{name: value for name, value in row.items() if name != "effects"})
            return found, effects[str(position)]
    return None


def ask(connection: sa.Connection, run_id: str, position: int, *, within: float, **values: object) -> Approval:
    """Add a question that waits; `values` are purpose, round, question, note, plan_id, plan_hash, who and otherwise."""
    moment = now(connection)
    added = connection.execute(
        sa.insert(approvals)
        .values(
            run_id=run_id,
            position=position,
            token=secrets.token_urlsafe(24),
            topic=f"{run_id}/{position}/{secrets.token_hex(4)}",
            state="waiting",
            asked_at=moment,
            expires_at=moment + within,
            **values,
        )
        .returning(approvals)
    )
    return Approval(**added.mappings().one())


def latest(connection: sa.Connection, run_id: str, position: int, purpose: str) -> Approval | None:
    """The question that a step asked last for a purpose."""
    wanted = (approvals.c.run_id == run_id, approvals.c.position == position, approvals.c.purpose == purpose)
    return _first(connection, sa.select(approvals).where(*wanted).order_by(approvals.c.round.desc()).limit(1))


def first_asked(connection: sa.Connection, run_id: str, position: int) -> float | None:
    """When a step first asked, seconds since the epoch; None where it never did."""
    asked = sa.select(sa.func.min(approvals.c.asked_at))
    found: float | None = connection.scalar(asked.where(approvals.c.run_id == run_id, approvals.c.position == position))
    return found


def by_token(connection: sa.Connection, token: str) -> Approval | None:
    """The question that the token opens."""
    return _first(connection, sa.select(approvals).where(approvals.c.token == token))


def approval(connection: sa.Connection, number: int) -> Approval:
    """The question of that number."""
    found = connection.execute(sa.select(approvals).where(approvals.c.id == number))
    return Approval(**found.mappings().one())


def waiting(connection: sa.Connection, run_id: str | None = None) -> tuple[Approval, ...]:
    """The questions that wait for an answer, of one run or of all."""
    wanted = sa.select(approvals).where(approvals.c.state == "waiting").order_by(approvals.c.id)
    if run_id is not None:
        wanted = wanted.where(approvals.c.run_id == run_id)
    return tuple(Approval(**row) for row in connection.execute(wanted).mappings())


def change_approval(connection: sa.Connection, number: int, **values: object) -> None:
    """Change columns of a question."""
    connection.execute(sa.update(approvals).where(approvals.c.id == number).values(**values))


def _first(connection: sa.Connection, query: sa.Select[Any]) -> Approval | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else Approval(**row)


def record_click(connection: sa.Connection, **values: object) -> None:
    """Keep a click; of those honoured, the database takes one approval and one denial for each question."""
    connection.execute(sa.insert(clicks).values(at=now(connection), **values))


def clicks_of(connection: sa.Connection, number: int) -> tuple[sa.Row[Any], ...]:
    """All clicks on a question, in order."""
    return tuple(connection.execute(sa.select(clicks).where(clicks.c.approval_id == number).order_by(clicks.c.id)))
