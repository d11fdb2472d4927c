"""`failsoft drift`: make references, score data against them, and show what moved."""

from importlib import import_module

import click

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "accept": ("accept", "accept", "Take a new reference in place of the old one, with author and reason."),
    "calibrate": ("calibrate", "calibrate", "Say what rate of false alarms can be promised."),
    "fit": ("fit", "fit", "Make a reference profile from a file of rows."),
    "learn": ("learn", "learn", "Learn a monitor's reference profile from Prometheus."),
    "report": ("report", "report", "Write a page on what moved since the reference."),
    "score": ("score", "score", "Score a file of rows against a reference profile."),
}
"""Subcommand -> module in this package, attribute, one line of help."""


class _Lazy(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"failsoft.cli.drift.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, _, help_) in COMMANDS.items()])


@click.group("drift", cls=_Lazy)
def command() -> None:
    """Make references of how a model was when it was well, and say how far it is from them."""
