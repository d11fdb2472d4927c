"""`failsoft lab`: a small world to try failsoft in."""

import signal
import sys
import tempfile
from pathlib import Path

import click

__all__ = ["command"]


@click.group("lab")
def command() -> None:
    """A small world on this machine: real Prometheus and Alertmanager, simulated engines, fake chat and pager."""


@command.command("demo")
@click.option(
    "--kubernetes",
    type=click.Choice(["fake", "real"]),
    default="fake",
    show_default=True,
    help="The shipped fake, or a real control plane.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="The folder for everything it writes."
)
def demo(kubernetes: str, out: Path | None) -> None:
    """Close the loop: a reclaimed spot node, the alert, the question, the answer, the recovery, the report.

    Exit codes: 0 every link of the chain happened, 1 one did not, 2 could not start.
    """
    from failsoft.lab.demo import demo as run_demo
    from failsoft.lab.demo.narrator import Narrator

    # A polite end for `kill` too: whatever runs is ended in order, the experiment undone first.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop_once)
    root = (out or Path(tempfile.mkdtemp(prefix="failsoft-demo-"))).resolve()
    narrator = Narrator()
    try:
        outcome = run_demo(root, kubernetes=kubernetes, narrator=narrator)
    except KeyboardInterrupt:
        click.echo("\nstopped; the experiment was undone and nothing is left running", err=True)
        sys.exit(130)
    narrator.chapter("The end")
    missing = [link.what for link in outcome.chain if not link.happened]
    for story in (1, 2):
        narrator.tell(f"report {story}: {root / f'lab-{story}' / 'evidence'}")
    narrator.tell(f"{len(outcome.chain) - len(missing)} of {len(outcome.chain)} links of the chain happened")
    if missing:
        click.echo("missing: " + "; ".join(missing), err=True)
    sys.exit(0 if outcome.whole else 1)


def _stop_once(_: int, __: object) -> None:
    """The first signal ends the demo; while it cleans up, no other one disturbs it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    click.echo("\nstopping: the experiment is undone first, please wait", err=True)
    raise KeyboardInterrupt
