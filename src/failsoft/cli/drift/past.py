"""The past of a monitor's signals, read from Prometheus one window after another."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from failsoft.cli.drift.files import Told as Progress
from failsoft.errors import RefusedError, UsageError
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec

if TYPE_CHECKING:
    from failsoft.clients.prometheus import Prometheus
    from failsoft.drift.monitors.history import History
    from failsoft.drift.monitors.learned import Told

__all__ = ["histories"]


def histories(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], prometheus: "Prometheus", told: "Told"
) -> "tuple[dict[str, History], datetime]":
    """Each signal in one window after another, and when the last one ended; windows end on a grid since the epoch.

    Where Prometheus knows the revision, windows in which another one was served as well are left out.

    Raises:
        UsageError: there would be too many windows.
        RefusedError: Prometheus refuses the question.
        FailsoftError: it does not answer.
    """
    from failsoft.clients.prometheus.history import Question, Reader
    from failsoft.drift import counts_query
    from failsoft.drift.monitors.history import MOST_WINDOWS, read_history
    from failsoft.drift.monitors.revision import only, window_query

    spec = monitor.spec
    model = workspace.models[spec.model]
    signals = workspace.engines[model.spec.engine].spec.signals
    window = min(spec.window, told.over)
    count = told.over.milliseconds // window.milliseconds
    if count > MOST_WINDOWS:
        raise UsageError(f"{told.over} hold more than {MOST_WINDOWS:,} windows of {window}: learn from a shorter time")
    last = int(told.at.timestamp() * 1000) // window.milliseconds
    questions = [
        Question(counts_query(signals[name], model.spec.select, window), window.milliseconds, last - count + 1, last)
        for name in spec.signals
    ]
    series = spec.revision.series if spec.revision is not None else None
    if series is not None:
        questions.append(replace(questions[0], expression=window_query(series, window)))
    progress = Progress("reading history")
    answers = Reader(prometheus).read(questions, lambda so_far: progress(so_far.done, so_far.chunks, "answers"))
    if refused := next((answer.refused for answer in answers if answer.refused), ""):
        raise RefusedError(f"Prometheus refuses the question: {refused}")
    found = {
        name: read_history(signals[name], answer.series) for name, answer in zip(spec.signals, answers, strict=False)
    }
    if series is not None:
        whole = only(answers[-1].series, series.label, told.revision)
        found = {name: history.within(whole) for name, history in found.items()}
    return found, datetime.fromtimestamp(last * window.seconds, UTC)
