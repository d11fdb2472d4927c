"""Groups of commands, one of which imports none to list them, and an end that takes no time."""

from collections.abc import Mapping
from importlib import import_module

import click

__all__ = ["Ended", "Group", "LazyGroup"]

_SENTENCE = 400
"""Characters of a first sentence; the formatter breaks lines."""


class Ended(SystemExit):
    """The end of a command that has said all and holds nothing open: what it still has need not be taken apart."""


class Group(click.Group):
    """A group whose help has the whole first sentence of each command's."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click asks: the list in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(_SENTENCE)) for name, command in sorted(self.commands.items())]
            )


class LazyGroup(click.Group):
    """A group that knows its commands by name and help only.

    Attributes:
        table: subcommand -> module in `package`, attribute, one line of help.
        package: where the modules are.
    """

    table: Mapping[str, tuple[str, str, str]]
    package: str

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As click asks: the names."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """As click asks: the command, imported now."""
        if cmd_name not in self.table:
            return None
        module, attribute, _ = self.table[cmd_name]
        command: click.Command = getattr(import_module(f"{self.package}.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click asks: the list in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, _, help_) in self.table.items()])
