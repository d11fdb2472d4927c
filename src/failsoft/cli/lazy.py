"""A group of commands that imports each of them when it is used, and none to list them."""

from collections.abc import Mapping
from importlib import import_module

import click

__all__ = ["LazyGroup"]


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
