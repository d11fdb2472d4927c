"""The command `failsoft`: every subcommand is imported only when it is called."""

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from failsoft import __version__
from failsoft.errors import FailsoftError

__all__ = ["COMMANDS", "main", "root"]

COMMANDS = {
    "approve": ("approve", "approve", "Approve what a runbook asks for, when Slack is down."),
    "chaos": ("chaos", "command", "Plan, run and undo chaos experiments."),
    "check": ("check", "command", "Check the documents of a workspace."),
    "compile": ("compile", "command", "Write Prometheus rules, their tests and the Alertmanager configuration."),
    "deny": ("approve", "deny", "Deny what a runbook asks for, when Slack is down."),
    "drift": ("drift", "command", "Learn what a model's signals look like when it is well."),
    "incidents": ("incidents", "command", "List and show incidents."),
    "init": ("init", "command", "Write a small workspace for your own model."),
    "lab": ("lab", "command", "A small world to try failsoft in."),
    "run": ("run", "command", "Start a runbook by hand."),
    "schema": ("schema", "command", "Write the JSON Schemas of the documents."),
    "serve": ("serve", "command", "Answer alerts: webhook, runbooks, Slack, metrics."),
    "test": ("prove", "command", "Prove that every alert fires when it should, and only then."),
}
"""Subcommand -> module in this package, attribute, one line of help."""


class _Lazy(click.Group):
    """A group that knows its commands by name and help, and imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        loaded = import_module(f"failsoft.cli.{module}")
        command: click.Command = getattr(loaded, attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, _, help_) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean `{close[0]}`?" if close else "`failsoft --help` lists the commands"
            ctx.fail(f"there is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="failsoft", message="%(prog)s %(version)s")
def root() -> None:
    """AI reliability and SRE runbook automation: SLOs, drift, chaos and runbooks in one closed loop."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command (with `sys.argv` by default); errors of ours are told in words, with exit code 2."""
    try:
        root(arguments, prog_name="failsoft")
    except FailsoftError as error:
        click.echo(f"failsoft: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # the reader of our output went away, as `| head` does; nothing is left to say, and nobody to say it to
        sys.stderr.close()
        sys.exit(141)
