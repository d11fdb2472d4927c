"""Changing the world: the intent is written before, the result after, and what was interrupted is never believed.

An attempt whose result is not written may or may not have been made. What then happens is the step's `onInterrupted`:
`verify` looks at the world (there: done; not there: done now; neither: a person is paged), `rerun` does it again, and
`ask` asks a person. The same holds for undoing, which is the same change the other way round.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from failsoft.errors import ConflictError, PermanentError, TemporaryError
from failsoft.runbooks.interpreter.asking import Question, gate
from failsoft.runbooks.interpreter.effects import Effect, Seen
from failsoft.runbooks.interpreter.planning import effect_of, look
from failsoft.runbooks.interpreter.turn import GO_ON, Turn, acted, next_step
from failsoft.runbooks.port import Ended, Pause
from failsoft.runbooks.store import approvals, outbox, runs
from failsoft.runbooks.store.approvals import Approval
from failsoft.runbooks.store.engine import now, reading
from failsoft.runbooks.store.runs import StepRow
from failsoft.workspace.kinds.runbook import Approve

__all__ = ["act", "undo"]

_TRIES = 12
_CONFLICTS = 8


def act(turn: Turn, position: int) -> Pause | Ended:
    """The action at `position`: one attempt, or what follows from the last one."""
    step = turn.run.spec.steps[position]
    if turn.run.mode in {"observe", "suggest"}:
        return _only_told(turn, position)
    with reading(turn.engine) as connection:
        row = runs.step(connection, turn.run.id, "do", position)
        covered = approvals.covering(connection, turn.run.id, position)
    if row is not None and row.state == "started":
        return _resume(turn, row, Effect.from_json(row.effect or {}), step.chosen.on_interrupted)
    if turn.run.mode == "approve" and covered is None:
        # no approve step stands before it: it is asked for all the same
        return gate(turn, Question(position, position, Approve())) or GO_ON
    return _begin(turn, position, covered)


def _begin(turn: Turn, position: int, covered: tuple[Approval, Mapping[str, Any]] | None) -> Pause | Ended:
    step = turn.run.spec.steps[position]
    try:
        target, seen = look(turn.context, turn.types, step)
        effect = effect_of(turn.context, turn.types, step, target, seen.state)
    except TemporaryError as error:
        return turn.retry(position, step.choice, error, _TRIES) or turn.fail(position, error)
    except PermanentError as error:
        return turn.fail(position, error)
    if covered is not None and not effect.same_change(Effect.from_json(covered[1])):
        return _ask_again(turn, covered[0].id)
    if not effect.changes:
        return _done(turn, position, effect, effect.text)
    return _attempt(turn, position, effect, seen)


def undo(turn: Turn, position: int) -> Pause | Ended:
    """Play the inverse of the action at `position`, then of those before it; the run ends after the first one."""
    step = turn.run.spec.steps[position]
    with reading(turn.engine) as connection:
        did = runs.step(connection, turn.run.id, "do", position)
        row = runs.step(connection, turn.run.id, "undo", position)
    forth = Effect.from_json((did and did.effect) or {})
    action = turn.types.actions[step.choice]
    back = Effect(
        forth.action, forth.target, forth.after, forth.before, action.text(forth.target, forth.after, forth.before)
    )
    if row is not None and row.state == "started":
        return _resume(turn, row, back, step.chosen.on_interrupted)
    try:
        _, seen = look(turn.context, turn.types, step)
    except TemporaryError as error:
        return turn.retry(position, step.choice, error, _TRIES) or turn.fail(position, f"cannot be undone: {error}")
    except PermanentError as error:
        return turn.fail(position, f"cannot be undone: {error}")
    if seen.state == back.after:
        return _done(turn, position, back, f"nothing to undo, it is so already: {back.text}")
    if seen.state != back.before:
        return turn.fail(position, "cannot be undone: somebody else changed it since")
    return _attempt(turn, position, back, seen)


def _only_told(turn: Turn, position: int) -> Pause:
    step = turn.run.spec.steps[position]
    try:
        target, seen = look(turn.context, turn.types, step)
        effect = effect_of(turn.context, turn.types, step, target, seen.state)
        text, news = effect.text, effect.changes
    except (TemporaryError, PermanentError) as error:
        text, news = f"{turn.name(position)}, which cannot be planned now: {error}", True
    with turn.held() as (connection, run, _):
        runs.write_step(
            connection,
            run.id,
            "do",
            position,
            began=turn.began,
            kind=step.choice,
            state="skipped",
            said=text,
            ended_at=now(connection),
        )
        word = "would" if run.mode == "observe" else "suggests to"
        told = f"Runbook {run.runbook} {word} {text}" if news else f"Runbook {run.runbook}: {text}"
        turn.say(connection, "suggested", told)
        next_step(connection, run)
    return GO_ON


def _ask_again(turn: Turn, approval: int) -> Pause:
    with turn.held() as (connection, _, incident):
        approvals.change_approval(connection, approval, state="stale")
        outbox.put_ask(connection, incident.id, approval)
        turn.say(connection, "stale", "What was approved no longer fits what is there: it is not carried out")
    return GO_ON


def _attempt(turn: Turn, position: int, effect: Effect, seen: Seen) -> Pause | Ended:
    """Write the intent, change the world, write the result."""
    with turn.held() as (connection, run, incident):
        stopped = turn.guard(connection, run, incident)
        if stopped is not None:
            return stopped
        row = runs.step(connection, run.id, run.phase, position)
        attempts = (row.attempts if row else 0) + 1
        runs.write_step(
            connection,
            run.id,
            run.phase,
            position,
            began=turn.began,
            kind=effect.action,
            state="started",
            effect=effect.as_json(),
            attempts=attempts,
            doubt=False,
        )
        runs.change(connection, run.id, state="undoing" if run.phase == "undo" else "running")
        turn.say(connection, "acting", f"About to {effect.text}", aloud=False)
    try:
        turn.types.actions[effect.action].write(turn.world.cluster, effect.target, seen, effect.after)
    except ConflictError as error:
        return _conflict(turn, position, attempts, error)
    except TemporaryError as error:
        return _doubt(turn, position, error)
    except PermanentError as error:
        return _refused(turn, position, error)
    return _done(turn, position, effect, effect.text)


def _conflict(turn: Turn, position: int, attempts: int, error: ConflictError) -> Pause | Ended:
    """The API server itself says that nothing was changed: look again."""
    if attempts >= _CONFLICTS:
        return _refused(turn, position, error)
    with turn.held() as (connection, run, _):
        runs.write_step(connection, run.id, run.phase, position, state="trying", effect=None, said=str(error))
        runs.change(connection, run.id, topic=f"{run.id}/retry")
    return Pause(0.1 * attempts, f"{turn.run.id}/retry")


def _refused(turn: Turn, position: int, error: PermanentError | ConflictError) -> Ended:
    with turn.held() as (connection, run, _):
        runs.write_step(connection, run.id, run.phase, position, effect=None, state="trying")
    return turn.fail(position, error)


def _doubt(turn: Turn, position: int, error: TemporaryError) -> Pause:
    """The other side did not answer: it may have been done. The intent stays, as after a crash."""
    with turn.held() as (connection, run, _):
        runs.write_step(connection, run.id, run.phase, position, doubt=True, said=str(error))
        runs.change(connection, run.id, topic=f"{run.id}/retry")
    return Pause(error.delay, f"{turn.run.id}/retry")


def _done(turn: Turn, position: int, effect: Effect, text: str) -> Pause | Ended:
    with turn.held() as (connection, run, incident):
        undoing = run.phase == "undo"
        runs.write_step(
            connection,
            run.id,
            run.phase,
            position,
            began=turn.began,
            kind=effect.action,
            state="done",
            effect=effect.as_json(),
            said=text,
            doubt=False,
            ended_at=now(connection),
        )
        turn.say(connection, "undone" if undoing else "acted", ("Undone: " if undoing else "Done: ") + text)
        if not undoing:
            next_step(connection, run)
            return GO_ON
        before = [row.position for row in acted(connection, run) if row.position < position]
        if before:
            runs.change(connection, run.id, position=before[-1], claims=0)
            return GO_ON
        why = "the SLO did not recover; all changes are undone"
        return turn.end(connection, run, incident, "undone", why, page_for=why if run.page_after_undo else "")


def _resume(turn: Turn, row: StepRow, effect: Effect, on_interrupted: str) -> Pause | Ended:
    """The last attempt has no result: a crash, or no answer. Decide by the world and by `onInterrupted`."""
    if row.interrupted < row.attempts:
        _flag(turn, row, effect, on_interrupted)
    try:
        _, seen = look(turn.context, turn.types, turn.run.spec.steps[row.position])
    except TemporaryError as error:
        again = turn.retry(row.position, row.kind, error, _TRIES)
        return again or _lost(turn, row, f"nobody knows whether it was done: {error}")
    except PermanentError as error:
        return _lost(turn, row, f"nobody knows whether it was done: {error}")
    if on_interrupted == "ask":
        note = f"It was interrupted, and may have been done or not: {effect.text}. Yes: see that it is done; no: stop."
        asked = Question(row.position, row.position, Approve(), f"doubt-{row.phase}-{row.attempts}", note)
        stops = gate(turn, replace(asked, effects={row.position: effect}))
        if stops is not None:
            return stops
    if on_interrupted != "rerun" and seen.state == effect.after:
        return _done(turn, row.position, effect, f"{effect.text} (found done after an interruption)")
    if on_interrupted == "verify" and seen.state != effect.before:
        return _lost(turn, row, "it was interrupted, and what is there now is neither as before nor as wanted")
    return _attempt(turn, row.position, effect, seen)


def _flag(turn: Turn, row: StepRow, effect: Effect, on_interrupted: str) -> None:
    how = {"verify": "looking at what is there", "rerun": "doing it again", "ask": "asking somebody"}[on_interrupted]
    what = "got no answer" if row.doubt else "was interrupted"
    with turn.held() as (connection, run, _):
        runs.write_step(connection, run.id, row.phase, row.position, interrupted=row.attempts)
        text = f"{turn.name(row.position)} {what}, it may have been done or not: {effect.text}. Now {how}"
        turn.say(connection, "interrupted", text)


def _lost(turn: Turn, row: StepRow, why: str) -> Ended:
    with turn.held() as (connection, run, _):
        runs.write_step(connection, run.id, row.phase, row.position, doubt=True)
    return turn.fail(row.position, why)
