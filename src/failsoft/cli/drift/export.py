"""Where `failsoft drift score` leaves what it found out for Prometheus: a textfile, a Pushgateway, or both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from failsoft.cli.common import duration
from failsoft.cli.drift.files import stop, write_whole
from failsoft.cli.drift.options import Number
from failsoft.errors import FailsoftError, UsageError
from failsoft.findings import Finding, Place
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile
    from failsoft.drift.exported import DriftScores
    from failsoft.drift.judgement import Judged

__all__ = ["Export", "export_options", "exporting"]

_LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
_NAMES = ("textfile", "pushgateway", "monitor", "model", "every", "job", "grouping", "push_timeout")


def export_options[F: Any](function: F) -> F:
    """The options that say where metrics go."""
    for option in (
        click.option("--push-timeout", type=Number(0.1, 300), default=10.0, show_default=True, help="Seconds."),
        click.option("--grouping", multiple=True, metavar="KEY=VALUE", help="More labels of the group; repeat it."),
        click.option("--job", default="failsoft-drift", show_default=True, help="The group's job."),
        click.option("--every", type=duration, help="How often this job runs; --window, when left out."),
        click.option("--model", default="", help="The Model's name; the reference's, when left out."),
        click.option("--monitor", default="", help="The DriftMonitor's name in the metrics, or the job's."),
        click.option("--pushgateway", default="", metavar="URL", help="Put metrics there; needs --monitor."),
        click.option(
            "--textfile",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write metrics for node_exporter's textfile collector (*.prom); needs --monitor.",
        ),
    ):
        function = option(function)
    return function


class _Target(NamedTuple):
    shown: str
    read: Callable[[], str]
    write: Callable[[str], None]


class Export:
    """What is shown to Prometheus at the end, come what may.

    Args:
        targets: where.
        monitor, model: labels; an empty model is the reference's.
        every: seconds.
    """

    def __init__(self, targets: Sequence[_Target], monitor: str, model: str, every: float) -> None:
        self._targets = targets
        self._monitor = monitor
        self.model = model
        self._every = every
        self._features: tuple[Judged, ...] | None = None
        self._promised = False

    def of(self, profile: "ReferenceProfile") -> None:
        """Whose scores they are going to be. Raises `UsageError` where neither the options nor the profile say it."""
        self.model = self.model or profile.model
        if self._targets and not self.model:
            raise UsageError("the reference names no model: say --model")

    def show(self, features: "tuple[Judged, ...]", *, promised: bool) -> None:
        """What was found out, and whether its rate of pages is promised."""
        self._features, self._promised = features, promised

    def send(self, took: float) -> Iterator[Finding]:
        """Write everywhere; what could not be written is a finding.

        Where nobody could say which model it is, all is left as it is, and the time of the last attempt grows old.
        """
        from failsoft.drift.exported.codes import NOT_EXPORTED

        for target in self._targets if self.model else ():
            try:
                target.write(self._scores(target, took).text())
            except FailsoftError as error:
                hint = "the scores were not exported: what Prometheus has of this job is of the run before"
                yield Finding(NOT_EXPORTED, str(error), Place(target.shown), hint=hint)

    def _scores(self, target: _Target, took: float) -> "DriftScores":
        from failsoft.drift.exported import DriftScores
        from failsoft.drift.exported.earlier import Earlier

        try:
            text = target.read()
        except FailsoftError:
            text = ""
        earlier = Earlier.parse(text, self.model, self._monitor)
        made = DriftScores(self.model, self._monitor, every=self._every, earlier=earlier)
        if self._features is None:
            made.failed()
        else:
            made.show(self._features, promised=self._promised)
        made.took(took)
        return made


@contextmanager
def exporting(options: dict[str, Any], window: Duration, form: str) -> Iterator[Export]:
    """What is done within is exported: its scores, or that it failed. Takes its options out of `options`."""
    import time

    own = {name: options.pop(name) for name in _NAMES}
    export = _export(own, window)
    started = time.monotonic()
    try:
        yield export
    finally:
        # also when it is on its way out with an error: a job that fails has to be seen
        if failed := list(export.send(time.monotonic() - started)):
            stop(failed, form)


def _export(own: Mapping[str, Any], window: Duration) -> Export:
    every = (own["every"] or window).seconds
    if (own["textfile"] or own["pushgateway"]) and not own["monitor"]:
        raise UsageError(
            "say with --monitor what the scores are called in Prometheus: the DriftMonitor's name, or the job's"
        )
    targets = []
    if own["textfile"]:
        targets.append(_textfile(own["textfile"]))
    if own["pushgateway"]:
        targets.append(_pushgateway(own))
    return Export(targets, own["monitor"], own["model"], every)


def _textfile(path: Path) -> _Target:
    if path.suffix != ".prom":
        raise UsageError(f"{path.name} does not end in .prom, and node_exporter reads nothing else")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: name the one that node_exporter reads")

    def read() -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    return _Target(path.name, read, lambda text: write_whole(path, text))


def _pushgateway(own: Mapping[str, Any]) -> _Target:
    import re

    from failsoft.clients.exposition import shown_address
    from failsoft.clients.pushgateway import Pushgateway

    grouping = dict(pair.split("=", 1) if "=" in pair else (pair, "") for pair in own["grouping"])
    for name in grouping:
        if not re.fullmatch(_LABEL, name) or name in {"job", "model", "monitor"}:
            raise UsageError(f"--grouping {name} is no label of one's own; expected KEY=VALUE, such as stage=prod")
    try:
        group = {"monitor": own["monitor"], **grouping}
        gateway = Pushgateway(own["pushgateway"], own["job"], group, timeout=own["push_timeout"])
    except FailsoftError as error:
        raise UsageError(str(error)) from None
    return _Target(shown_address(own["pushgateway"]), gateway.text, gateway.put)
