"""`failsoft probe`: store the answers to golden prompts, and ask again whether they are still the same."""

import click

from failsoft.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "learn": ("learn", "learn", "Store how the model answers now, while it is well."),
    "run": ("run", "run", "Ask once, and compare with the stored answers."),
}
"""Subcommand -> module in this package, attribute, one line of help."""


class _Lazy(LazyGroup):
    """The commands about probes."""

    table = COMMANDS
    package = "failsoft.cli.probe"


@click.group("probe", cls=_Lazy)
def command() -> None:
    """Ask golden prompts at temperature 0. `failsoft serve` does it on the cadence of each Probe."""
