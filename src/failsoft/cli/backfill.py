"""`failsoft backfill`: blocks with what a new SLO would have recorded, so that its budget is right at once."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import duration, load_clean, report, unknown, workspace_argument
from failsoft.errors import FailsoftError, UsageError
from failsoft.findings import Finding, Severity
from failsoft.slo.promql import range_text
from failsoft.slo.series import BAD
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.clients.prometheus import PrometheusClient
    from failsoft.clients.prometheus.history import Progress
    from failsoft.live.past import Past, Span
    from failsoft.slo.resolve import Objective
    from failsoft.workspace import Workspace

__all__ = ["command"]

_PATIENCE_S = 60.0
_LATE_MS = 600_000
_HEAD_MS = 3 * 3_600_000
_EMPTY_HEAD = 1 << 62


@click.command("backfill")
@workspace_argument
@click.option("--prometheus", "url", default="", help="Its address; the workspace's when left out.")
@click.option("--since", type=duration, metavar="DURATION", help="How much of the past; the SLO's period by default.")
@click.option("--slo", "names", multiple=True, metavar="NAME", help="Only this SLO; may be repeated.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="The folder to make; it must not be there."
)
def command(workspace: Path, url: str, since: Duration | None, names: tuple[str, ...], out: Path) -> None:
    """Write TSDB blocks with the past of WORKSPACE's SLOs, as their rules would have recorded it.

    Load the rules first and let them run for three hours: then the past ends exactly where they began. Nothing is
    written into Prometheus itself; what to do with the folder is said at the end.
    Exit codes: 0 written, 1 nothing to write, 2 could not start.
    """
    from failsoft.clients.binaries import find
    from failsoft.live.blocks import check_target, write_blocks
    from failsoft.server.outside import greet_prometheus, make_prometheus

    check_target(out)
    find("promtool")  # before a long reading, not after it
    loaded, _ = load_clean(workspace, "text")
    objectives = _chosen(loaded, names, workspace)
    greet_prometheus(loaded, url, timeout=_PATIENCE_S)
    prometheus = make_prometheus(loaded, timeout=_PATIENCE_S, url=url)
    try:
        pasts = _read(prometheus, objectives, since)
    finally:
        prometheus.close()
    findings = [finding for past in pasts if past.span.count.bad == BAD for finding in _lacking(past)]
    report(findings, "text", workspace)
    filled = [past for past in pasts if past.total]
    for past in pasts:
        if past.span.steps:
            click.echo(_row(past))
    if not filled:
        click.echo("nothing is written: no step of the past is known that Prometheus has not recorded itself", err=True)
        sys.exit(1)
    count = write_blocks(filled, out)
    samples = sum(len(past.bad) + len(past.total) for past in filled)
    click.echo(f"wrote {out}: {count} block{'s' if count > 1 else ''}, {samples:,} samples")
    click.echo(_next(out))
    sys.exit(1 if any(finding.severity is Severity.ERROR for finding in findings) else 0)


def _chosen(loaded: "Workspace", names: tuple[str, ...], root: Path) -> tuple["Objective", ...]:
    from failsoft.cli.common import finish
    from failsoft.slo.resolve import resolve

    for name in names:
        if name not in loaded.slos:
            raise unknown("SLO", name, list(loaded.slos))
    found, problems = [], []
    for name, slo in loaded.slos.items():
        if names and name not in names:
            continue
        objective, more = resolve(loaded, slo)
        problems += [finding for finding in more if finding.severity is Severity.ERROR]
        if objective is not None and objective.cap:
            raise UsageError(f"the events of {name} are grouped, and groups have no past: name others with --slo")
        found += [objective] if objective is not None else []
    if problems:
        finish(problems, "text", "", root)
    if not found:
        raise UsageError(f"{root} has no SLO")
    return tuple(found)


def _read(prometheus: "PrometheusClient", objectives: Sequence["Objective"], since: Duration | None) -> list["Past"]:
    from failsoft.clients.prometheus.history import Reader
    from failsoft.clients.prometheus.patience import patiently
    from failsoft.live.past import past_of, phase_of, questions_of, spans_of
    from failsoft.slo.records import pulses_of, steps_of

    now = round(time.time() * 1000)
    before = min(_head(prometheus, now), now - _LATE_MS)
    spans: list[Span] = []
    for objective in objectives:
        counts = steps_of(objective), pulses_of(objective)
        phases = tuple(patiently(partial(phase_of, prometheus, objective, count)) for count in counts)
        reach = since.milliseconds if since else objective.period
        spans += spans_of(objective, (phases[0], phases[1]), since=reach, now=now, before=before)
    questions = [questions_of(span) for span in spans]
    answers = iter(Reader(prometheus).read([one for each in questions for one in each], _shown()))
    return [past_of(span, [next(answers) for _ in each]) for span, each in zip(spans, questions, strict=True)]


def _head(prometheus: "PrometheusClient", now: int) -> int:
    """Where the samples begin that Prometheus holds in memory; blocks must end before."""
    with suppress(FailsoftError, LookupError, TypeError, ValueError):
        oldest = int(prometheus.read("status/tsdb")["headStats"]["minTime"])
        return now if oldest >= _EMPTY_HEAD or oldest <= 0 else oldest
    return now - _HEAD_MS


def _lacking(past: "Past") -> list[Finding]:
    """What of the past is not known, and where the seam to the records is."""
    from failsoft.live import codes

    span, place = past.span, past.span.objective.document.at("metadata", "name")
    name, known = span.objective.name, len(past.total) + past.held
    if past.refused:
        return [Finding(codes.HISTORY_GONE, f"the past of {name} cannot be asked for: {past.refused}", place)]
    if not past.total and not past.held:
        hint = "is the selector right, and is history kept that long? failsoft check --prometheus looks"
        return [Finding(codes.HISTORY_GONE, f"Prometheus knows nothing of the past of {name}", place, hint=hint)]
    found = []
    if known < span.steps:
        missing = span.steps - known
        message = f"{missing:,} of {span.steps:,} steps of {name} are not known, and stay gaps in its coverage"
        hint = "there were no samples then: no scrape, no model, or a retention that is shorter"
        found.append(Finding(codes.HISTORY_PARTIAL, message, place, hint=hint))
    if span.phase is None:
        message = f"the rules of {name} have not recorded yet, so the seam to them is off by up to a step"
        hint = "load them, wait for three hours, and backfill then; or again, which fills what is left"
        found.append(Finding(codes.HISTORY_PARTIAL, message, place, hint=hint))
    return found


def _row(past: "Past") -> str:
    span, left = past.span, past.left
    ends = f"{_day(min(past.total))} to {_day(max(past.total))}" if past.total else "none"
    held = f", {past.held:,} recorded already" if past.held else ""
    what = f"{span.objective.name}  every {range_text(span.count.every)}"
    row = f"{what}  {len(past.total):,} of {span.steps:,}{held}  {ends}"
    if span.count.bad != BAD:
        return row
    return row + ("  no events" if left is None else f"  {left:.1%} of the budget left")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _shown() -> Callable[["Progress"], None]:
    """Shows how far it is, to people only."""

    def show(progress: "Progress") -> None:
        last = progress.done == progress.chunks
        click.echo(f"\rasking Prometheus: {progress.done} of {progress.chunks}", nl=last, err=True)

    return show if sys.stderr.isatty() else lambda _: None


def _next(out: Path) -> str:
    return f"""next:
  Prometheus   mv {out}/* DATA/    DATA is its --storage.tsdb.path, the owner of the files has to be its own;
               within a minute they are read. Budgets are right from the next evaluation on.
  Thanos       add your external labels to each meta.json (`thanos.labels`), then upload them to the bucket
  Mimir        mimirtool backfill --address=URL --id=TENANT {out}/*
The blocks end before what Prometheus holds in memory, so nothing overlaps with it. docs/backfill.md has the rest."""
