"""`failsoft drift`: make references, score data against them, and show what moved."""

import click

from failsoft.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "accept": ("accept", "accept", "Take a new reference in place of the old one, with author and reason."),
    "answers": ("answers", "answers", "Look for refusals, loops and garbage in a log of answers."),
    "calibrate": ("calibrate", "calibrate", "Say what rate of false alarms can be promised."),
    "fit": ("fit", "fit", "Make a reference profile from a file of rows."),
    "learn": ("learn", "learn", "Learn a monitor's reference profile from Prometheus."),
    "report": ("report", "report", "Write a page on what moved since the reference."),
    "score": ("score", "score", "Score a file of rows against a reference profile."),
}
"""Subcommand -> module in this package, attribute, one line of help."""


class _Lazy(LazyGroup):
    """The commands about drift."""

    table = COMMANDS
    package = "failsoft.cli.drift"


@click.group("drift", cls=_Lazy)
def command() -> None:
    """Make references of how a model was when it was well, and say how far it is from them."""
