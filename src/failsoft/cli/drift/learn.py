"""`failsoft drift learn`: learn from Prometheus what a model's signals look like when it is well."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import duration, finish, output_option, unknown, workspace_argument
from failsoft.cli.drift.files import write_whole
from failsoft.errors import UsageError
from failsoft.findings import Finding, Severity
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.load import load
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.clients.prometheus import Prometheus
    from failsoft.drift import ReferenceProfile

__all__ = ["learn"]


@click.command("learn")
@click.argument("monitor")
@workspace_argument
@click.option("--prometheus", "url", default="", help="Its address; the workspace's when left out.")
@click.option(
    "--since", type=duration, default="7d", show_default=True, metavar="DURATION", help="How much of the past."
)
@click.option("--revision", default="", help="What the model served, such as an image's digest.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: the monitor's reference.")
@output_option
def learn(  # noqa: PLR0913  # one parameter for each option
    *, monitor: str, workspace: Path, url: str, since: Duration, revision: str, out: Path | None, output: str
) -> None:
    """Learn the reference profile of the drift monitor MONITOR of WORKSPACE from Prometheus.

    Learn from a time in which the model was well, and was the one that is served now.
    """
    loaded = _loaded(workspace, output)
    if monitor not in loaded.monitors:
        raise unknown("DriftMonitor", monitor, list(loaded.monitors))
    document = loaded.monitors[monitor]
    if document.spec.counted is not None:
        raise UsageError(f"{monitor} counts features: make its reference from rows, with `failsoft drift fit`")
    profile = _learned(loaded, document, _client(loaded, url), since, revision)
    if isinstance(profile, tuple):
        finish(profile, output, "", workspace)
        return
    target = out or loaded.root / document.spec.reference
    write_whole(target, profile.render())
    rows = ", ".join(f"{name} {feature.rows} rows" for name, feature in profile.features.items())
    finish((), output, f"wrote {target}: {rows}")


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


def _learned(
    workspace: Workspace,
    monitor: Document[DriftMonitorSpec],
    prometheus: "Prometheus",
    since: Duration,
    revision: str,
) -> "ReferenceProfile | tuple[Finding, ...]":
    from datetime import UTC, datetime

    from failsoft.drift import counts_query
    from failsoft.drift import learn as learned

    model = workspace.models[monitor.spec.model]
    signals = workspace.engines[model.spec.engine].spec.signals
    at = datetime.now(UTC).replace(microsecond=0)
    samples = {
        name: prometheus.query(counts_query(signals[name], model.spec.select, since), at=at.timestamp())
        for name in monitor.spec.signals
    }
    return learned(monitor, signals, samples, at=at, over=since, revision=revision)
