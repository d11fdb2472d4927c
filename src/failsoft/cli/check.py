"""`failsoft check`: everything that is wrong with a workspace, at once."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from failsoft.cli.common import MANY_FILES, finish, output_option, uncollected, workspace_argument
from failsoft.cli.side_by_side import shared_from
from failsoft.errors import UsageError
from failsoft.findings import Finding, Severity, amount
from failsoft.workspace import Document, Workspace
from failsoft.workspace.load import load

__all__ = ["command", "findings_of"]


_ITS_OWN = "the workspace's"
_PATIENCE_S = 10.0


@click.command("check")
@workspace_argument
@click.option(
    "--prometheus",
    "url",
    is_flag=False,
    flag_value=_ITS_OWN,
    metavar="[URL]",
    help="Compare with a Prometheus that runs: its own where only the flag is given, at the end.",
)
@click.option(
    "--now",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]),
    help="The moment by which exclusions are of the past; the clock's when left out.",
)
@output_option
def command(workspace: Path, url: str | None, now: datetime | None, output: str) -> None:
    """Check the documents of WORKSPACE, and with --prometheus whether a server can measure and evaluate them.

    Exit codes: 0 no error (warnings do not fail), 1 errors, 2 could not start.
    """
    with uncollected():
        loaded, findings = findings_of(workspace)
        findings = _with_past(loaded, findings, now or datetime.now(UTC))
    if url is not None:
        findings = (*findings, *_live(loaded, "" if url == _ITS_OWN else url))
    counts = {
        "model": loaded.models,
        "SLO": loaded.slos,
        "drift monitor": loaded.monitors,
        "experiment": loaded.experiments,
        "runbook": loaded.runbooks,
    }
    held = ", ".join(_own(what, named) for what, named in counts.items())
    finish(findings, output, f"{workspace}: {held}: {'no errors' if findings else 'all good'}", workspace)


def _with_past(workspace: Workspace, findings: tuple[Finding, ...], now: datetime) -> tuple[Finding, ...]:
    """With the exclusions of what was recorded already: compiling knows no clock, so it cannot tell."""
    from failsoft.slo.exclusions import past

    found = (*findings, *past(workspace, now.timestamp()))
    return tuple(sorted(found, key=lambda finding: (finding.place, finding.code.id)))


def _live(workspace: Workspace, url: str) -> tuple[Finding, ...]:
    """What is wrong between the workspace and a server; nothing is asked of a place that is no URL."""
    from failsoft.cli.compile import compiled
    from failsoft.live import gather, judge, subject_of
    from failsoft.server.outside import make_prometheus

    if url and "://" not in url:
        raise UsageError(
            f"--prometheus {url!r} is no URL: write --prometheus=http://HOST:9090, "
            "or the flag alone behind the workspace for the Prometheus that it names"
        )
    subject = subject_of(workspace, compiled(workspace, tests=False)[0])
    prometheus = make_prometheus(workspace, timeout=_PATIENCE_S, url=url)
    try:
        found = judge(subject, gather(prometheus, subject))
    finally:
        prometheus.close()
    return tuple(sorted(found, key=lambda finding: (finding.place, finding.code.id)))


def _own(what: str, documents: Mapping[str, Document[Any]]) -> str:
    return amount(sum(not one.shipped for one in documents.values()), what)


def findings_of(root: Path) -> tuple[Workspace, tuple[Finding, ...]]:
    """The workspace and all that is wrong with it: its documents, what they compile to, and the files they name."""
    from failsoft.cli.compile import compiled, compilers

    loaded, findings = load(root, shared_from(MANY_FILES, compilers))
    _, more = compiled(loaded, rules=False, tests=False)
    seen = {finding.place for finding in findings if finding.severity is Severity.ERROR}
    found = (*findings, *more, *(one for one in _references(loaded) if one.place not in seen))
    return loaded, tuple(sorted(found, key=lambda finding: (finding.place, finding.code.id)))


def _references(workspace: Workspace) -> Iterator[Finding]:
    """What `failsoft serve` would refuse of the drift monitors."""
    from failsoft.server.paging import threshold_findings

    for monitor in workspace.monitors.values():
        from failsoft.server.references import watched  # which takes a while

        model = workspace.models.get(monitor.spec.model)
        # of those that are counted, the compiler has said it
        if monitor.spec.signals and model is not None and model.spec.engine in workspace.engines:
            yield from watched(workspace, monitor)[1]
    yield from threshold_findings(workspace)
