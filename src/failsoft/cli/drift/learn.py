"""`failsoft drift learn`: learn from Prometheus what a model's signals look like when it is well."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import duration, finish, output_option, unknown, workspace_argument
from failsoft.cli.drift.files import loaded, stop, write_whole
from failsoft.cli.drift.folder import file_for
from failsoft.cli.outputs import may_write
from failsoft.drift.monitors.learned import Told
from failsoft.drift.monitors.limits import beside, promise_findings
from failsoft.errors import UsageError
from failsoft.findings import Finding, amount
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.clients.prometheus import Prometheus
    from failsoft.drift.alarms import Calibration
    from failsoft.drift.monitors.cells import RhythmName
    from failsoft.drift.monitors.learned import Learned

__all__ = ["learn"]

_PATIENCE_S = 120


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
    known = loaded(workspace, output, to_learn=True)
    if monitor not in known.monitors:
        raise unknown("DriftMonitor", monitor, list(known.monitors))
    document = known.monitors[monitor]
    if not document.spec.signals:
        raise UsageError(f"{monitor} is about columns of rows: make its reference from rows, with `failsoft drift fit`")
    prometheus = _client(known, url)
    revision = revision or _served(document, prometheus)
    target = out or file_for(known.root / document.spec.reference, revision)
    may_write(target, "reference profile")
    told = Told(datetime.now(UTC), since, revision, rhythm)
    learned = _learned(known, document, prometheus, told)
    if isinstance(learned, tuple):
        stop(learned, output, workspace)
    write_whole(target, learned.profile.render())
    written, found = [f"wrote {target}"], _kept(learned, document, target)
    if learned.calibration is not None:
        written.append(f"wrote {target.with_name(beside(target.name))}")
    finish(found, output, "\n".join([*_words(learned, document), *written]))


def _served(monitor: Document[DriftMonitorSpec], prometheus: "Prometheus") -> str:
    """The revision that is served, as the monitor says; empty where it does not."""
    from failsoft.clients.prometheus.patience import patiently
    from failsoft.drift.monitors.revision import now_query, seen

    said = monitor.spec.revision
    if said is None or said.series is None:
        return "" if said is None else said.value or ""
    query = now_query(said.series)
    now = seen(patiently(lambda: prometheus.query(query)), said.series.label)
    if len(now) != 1:
        found = f"{len(now)} revisions: {', '.join(now)}" if now else "no series that names the revision"
        raise UsageError(f"Prometheus has {found}; say with --revision which one to learn")
    return now[0]


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


def _client(workspace: Workspace, url: str) -> "Prometheus":
    """A patient client, of one who answers at all."""
    from failsoft.server.outside import greet_prometheus, make_prometheus

    greet_prometheus(workspace, url, timeout=_PATIENCE_S)
    return make_prometheus(workspace, timeout=_PATIENCE_S, url=url)


def _learned(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], prometheus: "Prometheus", told: "Told"
) -> "Learned | tuple[Finding, ...]":
    from failsoft.cli.drift.past import histories
    from failsoft.drift.monitors.learn import learn as learned
    from failsoft.server.paging import page_rule

    read, at = histories(workspace, monitor, prometheus, told)
    rule = None if monitor.spec.false_pages_per_30d is None else page_rule(workspace, monitor)
    return learned(monitor, read, replace(told, at=at), rule)


def _words(learned: "Learned", monitor: Document[DriftMonitorSpec]) -> Iterator[str]:
    """What was learnt, what it promises, and how late it sees a drift."""
    rows = ", ".join(f"{name} {amount(feature.rows, 'row')}" for name, feature in learned.profile.features.items())
    yield f"{rows}; {amount(len(learned.windows), 'window')} with at least {monitor.spec.min_rows:,}"
    if learned.profile.rhythm is not None:
        yield f"the 168 hours of the week share {amount(len(learned.profile.rhythm.rows), 'reference')}"
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
