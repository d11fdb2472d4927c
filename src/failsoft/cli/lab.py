"""`failsoft lab`: a small world to try failsoft in."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from failsoft.cli.lazy import Group

__all__ = ["command"]

_CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.group("lab", cls=Group)
def command() -> None:
    """A small world on this machine: real Prometheus and Alertmanager, simulated engines, fake chat and pager."""


def _kubernetes() -> str:
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    return "real" if assets and all(os.access(Path(assets) / name, os.X_OK) for name in _CONTROL_PLANE) else "fake"


def _lab_options[F: Callable[..., object]](function: F) -> F:
    """The options --kubernetes and --out."""
    for decorate in (
        click.option(
            "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="The folder for everything it writes."
        ),
        click.option(
            "--kubernetes",
            type=click.Choice(["fake", "real"]),
            default=_kubernetes,
            show_default="real where KUBEBUILDER_ASSETS names one, else fake",
            help="The shipped fake, or a real control plane.",
        ),
    ):
        function = decorate(function)
    return function


@command.command("up")
@_lab_options
def up(kubernetes: str, out: Path | None) -> None:
    """Start a lab to try things in: it says where everything listens, and stays until Ctrl-C.

    Its folder is emptied when the next lab starts in it; without -o it is one of your own under the folder for
    temporary files, deleted at the end. Exit codes: 0 ended by Ctrl-C, 2 could not start.
    """
    from failsoft.lab.demo.demo import example_folder
    from failsoft.lab.demo.narrator import Narrator
    from failsoft.lab.up import up as start_lab

    for caught in _SIGNALS:
        signal.signal(caught, _stop_once)
    root = (out or Path(tempfile.gettempdir()) / f"failsoft-lab-{os.getuid()}").resolve()
    try:
        start_lab(root, example_folder(), kubernetes=kubernetes, say=Narrator().tell, show=click.echo)
    except KeyboardInterrupt:
        if out is None:
            shutil.rmtree(root)
        click.echo("\nnothing is left running", err=True)


@command.command("demo")
@_lab_options
def demo(kubernetes: str, out: Path | None) -> None:
    """Close the loop: a reclaimed spot node, the alert, the question, the answer, the recovery, the report.

    Exit codes: 0 every link of the chain happened, 1 one did not, 2 could not start.
    """
    from failsoft.lab.demo import demo as run_demo
    from failsoft.lab.demo.narrator import Narrator

    # A polite end for `kill` too: whatever runs is ended in order, the experiment undone first.
    for caught in _SIGNALS:
        signal.signal(caught, _stop_once)
    root = (out or Path(tempfile.mkdtemp(prefix="failsoft-demo-"))).resolve()
    narrator = Narrator()
    try:
        outcome = run_demo(root, kubernetes=kubernetes, narrator=narrator)
    except KeyboardInterrupt:
        click.echo("\nstopped; the experiment was undone and nothing is left running", err=True)
        sys.exit(130)
    narrator.chapter("The end")
    missing = [link.what for link in outcome.chain if not link.happened]
    for number, (verdict, report) in enumerate(outcome.reports, start=1):
        narrator.tell(f"story {number}: {verdict}, {report}")
    narrator.tell(f"{len(outcome.chain) - len(missing)} of {len(outcome.chain)} links of the chain happened")
    if missing:
        click.echo("missing: " + "; ".join(missing), err=True)
    sys.exit(0 if outcome.whole else 1)


def _stop_once(_: int, __: object) -> None:
    """The first signal ends the lab; while it cleans up, no other one disturbs it."""
    for caught in _SIGNALS:
        signal.signal(caught, signal.SIG_IGN)
    click.echo("\nstopping: what is broken is undone first, please wait", err=True)
    raise KeyboardInterrupt
