"""The step `verify`: the SLO's own error ratio decides, and what is not known is never good.

Prometheus that does not answer, no sample, more than one, NaN or infinite: each is "not recovered". A good ratio
counts only when its whole window lies after the last change.
"""

import math
from dataclasses import dataclass

import sqlalchemy as sa

from failsoft.errors import FailsoftError
from failsoft.runbooks.interpreter.turn import GO_ON, Turn, acted, next_step
from failsoft.runbooks.port import Ended, Pause
from failsoft.runbooks.store import runs
from failsoft.runbooks.store.engine import now
from failsoft.runbooks.store.incidents import Incident
from failsoft.runbooks.store.runs import Run
from failsoft.slo.queries import error_ratio, objective_of
from failsoft.workspace.kinds.runbook import Verify

__all__ = ["Judged", "judge", "verify_step"]

_LOOKS = 8
_LONGEST_PAUSE_S = 15.0
_SHORTEST_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether an SLO holds over a window, and in words why."""

    good: bool
    text: str


def judge(turn: Turn, spec: Verify) -> Judged:
    """Ask Prometheus once whether the SLO holds over the window."""
    slo = turn.run.slo if spec.slo == "this" else spec.slo
    workspace = turn.world.workspace
    if slo not in workspace.slos:
        return Judged(False, f"there is no SLO {slo} any more")
    try:
        budget = float(objective_of(workspace, slo).budget)
        samples = turn.world.prometheus.query(error_ratio(workspace, slo, spec.for_))
    except FailsoftError as error:
        return Judged(False, f"the error ratio of {slo} is not known: {error}")
    if len(samples) != 1:
        what = "no data" if not samples else f"{len(samples)} answers instead of one"
        return Judged(False, f"the error ratio of {slo} over {spec.for_} is not known: {what}")
    ratio = samples[0].value
    if not math.isfinite(ratio) or not 0 <= ratio <= 1:
        return Judged(False, f"the error ratio of {slo} over {spec.for_} is no ratio: {ratio}")
    told = f"the error ratio of {slo} over {spec.for_} is {ratio:.4g}, the objective allows {budget:.4g}"
    return Judged(ratio <= budget, told)


def verify_step(turn: Turn, position: int, spec: Verify) -> Pause | Ended:
    """Look once: go on, look again later, or do what the runbook says for a failure."""
    judged = judge(turn, spec)
    with turn.held() as (connection, run, incident):
        moment = now(connection)
        row = runs.step(connection, run.id, "do", position)
        since = row.started_at if row else turn.began
        last = max((one.ended_at or moment for one in acted(connection, run)), default=0.0)
        if judged.good and moment - last >= spec.for_.seconds:
            _write(connection, turn, position, "done", judged.text)
            turn.say(connection, "verified", f"Verified: {judged.text}")
            next_step(connection, run)
            return GO_ON
        text = judged.text + (", but its window reaches back before the change" if judged.good else "")
        if moment - since >= spec.within.seconds:
            return _failed(turn, connection, run, incident, position, text)
        _write(connection, turn, position, "started", text)
        topic = f"{run.id}/verify/{position}"
        runs.change(connection, run.id, topic=topic, state="running")
    pause = min(max(spec.for_.seconds / _LOOKS, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
    return Pause(min(pause, max(since + spec.within.seconds - moment, 0.01)), topic)


def _failed(  # noqa: PLR0913, PLR0917  # the turn and what it holds
    turn: Turn, connection: sa.Connection, run: Run, incident: Incident, position: int, text: str
) -> Pause | Ended:
    spec: Verify = run.spec.steps[position].chosen
    _write(connection, turn, position, "failed", text)
    turn.say(connection, "unverified", f"Not recovered within {spec.within}: {text}")
    if run.mode == "observe":
        next_step(connection, run)
        return GO_ON
    done = acted(connection, run)
    page = "page" in spec.otherwise
    if "undo" in spec.otherwise and done:
        runs.change(
            connection,
            run.id,
            phase="undo",
            position=done[-1].position,
            state="undoing",
            page_after_undo=page,
            claims=0,
        )
        return GO_ON
    return turn.end(connection, run, incident, "failed", f"not recovered: {text}", page_for=text if page else "")


def _write(connection: sa.Connection, turn: Turn, position: int, state: str, said: str) -> None:
    ended = now(connection) if state in {"done", "failed"} else None
    runs.write_step(
        connection,
        turn.run.id,
        "do",
        position,
        began=turn.began,
        kind="verify",
        state=state,
        said=said,
        ended_at=ended,
    )
