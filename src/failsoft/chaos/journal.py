"""The journal of Chaos Toolkit as values; what is missing in it stays missing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

__all__ = ["Activity", "Hypothesis", "Journal", "read_journal"]

type Status = Literal["succeeded", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Activity:
    """An action or probe that was begun.

    Attributes:
        name: as in the experiment.
        status: `interrupted` where the journal has none.
        started_at, ended_at: seconds since the epoch; None where the journal says nothing.
        output: what it returned.
        error: why it failed; empty when it did not.
        met: for a probe of the hypothesis, whether it was within its tolerance.
    """

    name: str
    status: Status
    started_at: float | None
    ended_at: float | None
    output: Any
    error: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One look at the steady state; `met` is None where it was not finished."""

    met: bool | None
    probes: tuple[Activity, ...]


@dataclass(frozen=True, slots=True)
class Journal:
    """A run as Chaos Toolkit tells it.

    Attributes:
        status: `completed`, `failed`, `aborted` or `interrupted`; says nothing about the service.
        before, after: the steady state before and after the method; None where nobody looked.
        during: while it ran.
        method, rollbacks: the actions.
    """

    status: str
    before: Hypothesis | None
    during: tuple[Hypothesis, ...]
    after: Hypothesis | None
    method: tuple[Activity, ...]
    rollbacks: tuple[Activity, ...]

    def action(self, name: str) -> Activity | None:
        """The method's action of that name, if it was begun."""
        return next((activity for activity in self.method if activity.name == name), None)

    @property
    def looks(self) -> tuple[Hypothesis, ...]:
        """All looks at the steady state, in order."""
        return tuple(look for look in (self.before, *self.during, self.after) if look is not None)


def read_journal(path: Path) -> Journal | None:
    """Read a journal; None where there is none or it is not whole, as after a kill."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        steady = document["steady_states"]
        return Journal(
            status=str(document["status"]),
            before=_hypothesis(steady["before"]),
            during=tuple(look for each in steady["during"] if (look := _hypothesis(each)) is not None),
            after=_hypothesis(steady["after"]),
            method=_activities(document["run"]),
            rollbacks=_activities(document["rollbacks"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _hypothesis(state: Mapping[str, Any] | None) -> Hypothesis | None:
    return None if state is None else Hypothesis(state["steady_state_met"], _activities(state["probes"]))


def _activities(runs: Sequence[Mapping[str, Any]]) -> tuple[Activity, ...]:
    return tuple(_activity(run) for run in runs)


def _activity(run: Mapping[str, Any]) -> Activity:
    status: Status = "interrupted"  # an interrupted activity has no status at all
    if run.get("status") in {"succeeded", "failed"}:
        status = run["status"]
    return Activity(
        name=str(run["activity"]["name"]),
        status=status,
        started_at=_time(run.get("start")),
        ended_at=_time(run.get("end")),
        output=run.get("output"),
        error=_error(run.get("exception")),
        met=run.get("tolerance_met"),
    )


def _time(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _error(lines: Sequence[str] | None) -> str:
    return lines[-1].strip() if lines else ""
