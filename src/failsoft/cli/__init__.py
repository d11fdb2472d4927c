"""The command `failsoft`: every subcommand is imported only when it is called."""

import errno
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from failsoft import __version__
from failsoft.cli.lazy import Ended, LazyGroup
from failsoft.errors import FailsoftError, MissingPartError

__all__ = ["COMMANDS", "main", "root"]

COMMANDS = {
    "alerts": ("alerts", "command", "List and show the alerts that are no SLO's: GPUs, nodes, engines, autoscalers."),
    "approve": ("approve", "approve", "Approve what a runbook asks for, when Slack is down."),
    "backfill": ("backfill", "command", "Write blocks with the past of an SLO, for its first day."),
    "backtest": ("backtest", "command", "Replay the alerts over the past that a Prometheus holds."),
    "catalog": ("catalog", "command", "Show the engines that failsoft knows, and compare them with servers."),
    "chaos": ("chaos", "command", "Plan, run and undo chaos experiments."),
    "check": ("check", "command", "Check the documents of a workspace."),
    "compile": ("compile", "command", "Write Prometheus rules, their tests and the Alertmanager configuration."),
    "convert": ("convert", "command", "Read SLOs of OpenSLO and Sloth, and write documents of failsoft."),
    "dashboard": ("dashboard", "command", "Draw a dashboard on a page of its own."),
    "deny": ("approve", "deny", "Deny what a runbook asks for, when Slack is down."),
    "diff": ("diff", "command", "Say in words what a change of a workspace does."),
    "drift": ("drift", "command", "Learn what a model's signals look like when it is well."),
    "explain": ("explain", "command", "Explain a finding by its code: what it means, and what to do."),
    "incidents": ("incidents", "command", "List and show incidents."),
    "init": ("init", "command", "Write a small workspace for your own model."),
    "lab": ("lab", "command", "A small world to try failsoft in."),
    "probe": ("probe", "command", "Ask golden prompts, and compare with the stored answers."),
    "routes": ("routes", "command", "Show who gets an alert, and why."),
    "run": ("run", "command", "Start a runbook by hand."),
    "schema": ("schema", "command", "Write the JSON Schemas of the documents."),
    "serve": ("serve", "command", "Answer alerts: webhook, runbooks, Slack, metrics."),
    "test": ("prove", "command", "Prove that every alert fires when it should, and only then."),
}
"""Subcommand -> module in this package, attribute, one line of help."""

_EXTRAS = {"chaos": "chaos", "drift": "data", "lab": "lab", "probe": "probe"}
"""Subcommand -> the extra of the package that holds what it needs; the server's is that of the others."""


class _Root(LazyGroup):
    """All commands; it names the extra that one of them lacks, and the nearest one to a name that is none."""

    table = COMMANDS
    package = "failsoft.cli"

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in {"", "failsoft"}:
                raise
            name = ctx.invoked_subcommand or ""
            extra = _EXTRAS.get(name, "serve")
            raise MissingPartError(
                f"failsoft {name} needs {missing}, which is not installed: pip install 'failsoft[{extra}]'"
            ) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean `{close[0]}`?" if close else "`failsoft --help` lists the commands"
            ctx.fail(f"there is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="failsoft", message="%(prog)s %(version)s")
def root() -> None:
    """AI reliability and SRE runbook automation: SLOs, drift, chaos and runbooks in one closed loop."""


def _run(arguments: Sequence[str] | None) -> None:
    try:
        root(arguments, prog_name="failsoft")
    except Ended as ended:
        if arguments is not None or threading.active_count() > 1:
            raise
        # to take half a gigabyte of documents apart would take as long as to read them
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1 if ended.code else 0)


def _open_streams() -> None:
    """Give those that are closed an end, so that all may be written to, and no file of ours gets their number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # to the end


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command (with `sys.argv` by default); errors of ours and of files are told in words, with exit code 2.

    Where the reader of our output goes away, as `| head` does, click ends the run without a word. Where there never was
    one, as with `>&-`, the run is the same.
    """
    _open_streams()
    try:
        _run(arguments)
    except FailsoftError as error:
        click.echo(f"failsoft: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        click.echo(f"failsoft: {where}{error.strerror or error}", err=True)
        if error.errno == errno.ENOSPC and error.filename is None:
            # what could not be written to standard output would be tried again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(2)
    except Exception:  # noqa: BLE001  # the last one, and told whole
        # 1 is a verdict of some commands, and would be Python's own code
        traceback.print_exc()
        click.echo("failsoft: this is a fault of failsoft; please report it with the lines above", err=True)
        sys.exit(2)
