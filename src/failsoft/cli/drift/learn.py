"""`failsoft drift learn`: learn from Prometheus what a model's signals look like when it is well."""

import time
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import duration, finish, output_option, unknown, workspace_argument
from failsoft.cli.drift.files import Told as Progress
from failsoft.cli.drift.files import write_whole
from failsoft.drift.monitors.limits import beside, promise_findings
from failsoft.errors import RefusedError, UsageError
from failsoft.findings import Finding, Severity
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.load import load
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.clients.prometheus import Prometheus
    from failsoft.drift.alarms import Calibration
    from failsoft.drift.monitors.cells import RhythmName
    from failsoft.drift.monitors.history import History
    from failsoft.drift.monitors.learned import Learned

__all__ = ["learn"]


@click.command("learn")
@click.argument("monitor")
@workspace_argument
@click.option("--prometheus", "url", default="", help="Its address; the workspace's when left out.")
@click.option(
    "--since", type=duration, default="7d", show_default=True, metavar="DURATION", help="How much of the past."
)
@click.option(
    "--rhythm",
    type=click.Choice(["hour-of-day", "hour-of-week"]),
    help="Compare windows with their own hour (UTC); hours that were seen too seldom share a reference.",
)
@click.option("--revision", default="", help="What the model served, such as an image's digest.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: the monitor's reference.")
@output_option
def learn(  # noqa: PLR0913  # one parameter for each option
    *,
    monitor: str,
    workspace: Path,
    url: str,
    since: Duration,
    rhythm: "RhythmName | None",
    revision: str,
    out: Path | None,
    output: str,
) -> None:
    """Learn the reference profile of the drift monitor MONITOR of WORKSPACE from Prometheus.

    Learn from a time in which the model was well, and was the one that is served now. Where MONITOR has a budget of
    false alarms, the critical values that keep it are stored beside the reference, and what they promise is printed.
    """
    loaded = _loaded(workspace, output)
    if monitor not in loaded.monitors:
        raise unknown("DriftMonitor", monitor, list(loaded.monitors))
    document = loaded.monitors[monitor]
    if document.spec.counted is not None:
        raise UsageError(f"{monitor} counts features: make its reference from rows, with `failsoft drift fit`")
    learned = _learned(loaded, document, _client(loaded, url), since=since, rhythm=rhythm, revision=revision)
    if isinstance(learned, tuple):
        finish(learned, output, "", workspace)
        return
    target = out or loaded.root / document.spec.reference
    write_whole(target, learned.profile.render())
    written, found = [f"wrote {target}"], _kept(learned, document, target)
    if learned.calibration is not None:
        written.append(f"wrote {target.with_name(beside(target.name))}")
    finish(found, output, "\n".join([*_words(learned, document), *written]))


def _kept(learned: "Learned", monitor: Document[DriftMonitorSpec], target: Path) -> tuple[Finding, ...]:
    """Keep the critical values beside the reference; why they promise no page, if they do not."""
    if learned.calibration is None:
        return ()
    from failsoft.drift.monitors.promise import stored  # numpy

    kept = stored(monitor, learned)
    if kept is None:
        return ()
    write_whole(target.with_name(beside(target.name)), kept.render())
    return promise_findings(monitor, kept)


def _loaded(root: Path, output: str) -> Workspace:
    """The workspace; that a reference is missing is no reason not to learn it."""
    workspace, findings = load(root)
    references = {monitor.at("spec", "reference") for monitor in workspace.monitors.values()}
    left = [finding for finding in findings if finding.place not in references]
    if any(finding.severity is Severity.ERROR for finding in left):
        finish(left, output, "", root)
    return workspace


def _client(workspace: Workspace, url: str) -> "Prometheus":
    from failsoft.server.outside import make_prometheus

    return make_prometheus(workspace, timeout=120, url=url)


def _learned(  # noqa: PLR0913  # what is said on the command line, and to whom
    workspace: Workspace,
    monitor: Document[DriftMonitorSpec],
    prometheus: "Prometheus",
    *,
    since: Duration,
    rhythm: "RhythmName | None",
    revision: str,
) -> "Learned | tuple[Finding, ...]":
    from datetime import UTC, datetime

    from failsoft.drift.monitors.learn import learn as learned
    from failsoft.drift.monitors.learned import Told
    from failsoft.server.paging import page_rule

    histories, at = _histories(workspace, monitor, prometheus, time.time(), since)
    rule = None if monitor.spec.false_pages_per_30d is None else page_rule(workspace, monitor)
    told = Told(datetime.fromtimestamp(at, UTC), since, revision, rhythm)
    return learned(monitor, histories, told, rule)


def _histories(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], prometheus: "Prometheus", now: float, since: Duration
) -> "tuple[dict[str, History], float]":
    """Each signal in one window after another, and when the last one ended; windows end on a grid since the epoch."""
    from failsoft.clients.prometheus.history import Question, Reader
    from failsoft.drift import counts_query
    from failsoft.drift.monitors.history import MOST_WINDOWS, read_history

    spec = monitor.spec
    model = workspace.models[spec.model]
    signals = workspace.engines[model.spec.engine].spec.signals
    window = min(spec.window, since)
    count = since.milliseconds // window.milliseconds
    if count > MOST_WINDOWS:
        raise UsageError(f"{since} hold more than {MOST_WINDOWS:,} windows of {window}: learn from a shorter time")
    last = int(now * 1000) // window.milliseconds
    questions = [
        Question(counts_query(signals[name], model.spec.select, window), window.milliseconds, last - count + 1, last)
        for name in spec.signals
    ]
    told = Progress("reading history")
    answers = Reader(prometheus).read(questions, lambda so_far: told(so_far.done, so_far.chunks, "answers"))
    refused = next((answer.refused for answer in answers if answer.refused), "")
    if refused:
        raise RefusedError(f"Prometheus refuses the question: {refused}")
    histories = {
        name: read_history(signals[name], answer.series) for name, answer in zip(spec.signals, answers, strict=True)
    }
    return histories, last * window.seconds


def _words(learned: "Learned", monitor: Document[DriftMonitorSpec]) -> Iterator[str]:
    """What was learnt, what it promises, and how late it sees a drift."""
    rows = ", ".join(f"{name} {feature.rows} rows" for name, feature in learned.profile.features.items())
    yield f"{rows}; {len(learned.windows)} windows with at least {monitor.spec.min_rows}"
    if learned.profile.rhythm is not None:
        yield f"the 168 hours of the week share {len(learned.profile.rhythm.rows)} references"
    if learned.calibration is None:
        return
    from failsoft.drift.alarms.words import text

    yield ""
    yield text(learned.calibration)
    yield ""
    yield from _delays(learned.calibration)


def _delays(found: "Calibration") -> Iterator[str]:
    """For each signal, how long a shift that lasts goes unseen on average."""
    length = found.plan.cadence.window
    who = "page" if found.promised else "ticket"
    for one in found.tests:
        seen = []
        for delay in one.delays:
            ways = [(who, delay.pages_after), ("ticket of CUSUM", delay.tickets_after)]
            worded = [f"{what} after {_span(after * length)}" for what, after in ways if isfinite(after)]
            seen.append(f"{delay.shift:g} sd: {' and '.join(worded) or 'never seen'}")
        if seen:
            yield f"{one.test.name}, a shift of {'; '.join(seen)}."


def _span(milliseconds: float) -> str:
    """A length of time in two units at most."""
    minutes = max(1, round(milliseconds / 60_000))
    rounded = minutes if minutes < 24 * 60 else minutes // 60 * 60  # a day and more: in hours
    return str(Duration(rounded * 60_000))
