"""`failsoft drift calibrate`: what false alarms a reference and its held-out windows allow to promise, and the cost."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from failsoft.cli.common import duration
from failsoft.cli.drift.files import read_reference, stop, write_whole
from failsoft.cli.drift.options import Number, delimiter_option
from failsoft.cli.drift.windows import held_out
from failsoft.cli.outputs import may_write
from failsoft.errors import UsageError
from failsoft.findings import Finding, Place, amount
from failsoft.workspace.quantities import Duration

__all__ = ["calibrate"]

_NOT_PROMISED = 1
_FEWEST = 2


def _rule(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, int]:
    least, slash, among = text.partition("/")
    among = among if slash else least
    if not least.isdecimal() or not among.isdecimal() or not 1 <= int(least) <= int(among):
        raise click.BadParameter(f"{text!r} is no rule; expected 2/3 for two of the last three windows, or 2 for 2/2")
    return int(least), int(among)


@click.command("calibrate")
@click.argument("reference", metavar="REF", type=click.Path(path_type=Path))
@click.option(
    "--windows",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Held-out rows of a time in which nothing changed; repeat it, in the order of time.",
)
@click.option("--rows", type=click.IntRange(min=0), default=0, help="Cut files into windows of so many rows.")
@click.option("--inside", is_flag=True, help="The held-out rows are among those that REF was made from.")
@click.option("--window", type=duration, default="1h", show_default=True, help="How much time a window is.")
@click.option("--every", type=duration, default=None, help="How often windows are judged; once each, when left out.")
@click.option("--block", type=duration, default="1d", show_default=True, help="How long windows depend on each other.")
@click.option("--bad", "rule", default="1", show_default=True, callback=_rule, metavar="K/N", help="What pages.")
@click.option("--floor", type=Number(min=0), default=0.02, show_default=True, help="The least PSI of a page.")
@click.option("--strata", type=click.IntRange(min=1), default=1, show_default=True, help="Routes or tenants apart.")
@click.option("--false-pages-per-30d", "pages", type=Number(0.001), default=1.0, show_default=True)
@click.option("--false-tickets-per-30d", "tickets", type=Number(0.001), default=4.0, show_default=True)
@delimiter_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Keep the limits, for `score --calibration`."
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with plots (HTML).")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def calibrate(  # noqa: PLR0913  # one parameter for each option
    *,
    reference: Path,
    files: tuple[Path, ...],
    rows: int,
    inside: bool,
    window: Duration,
    every: Duration | None,
    block: Duration,
    rule: tuple[int, int],
    floor: float,
    strata: int,
    pages: float,
    tickets: float,
    delimiter: str,
    out: Path | None,
    plot: Path | None,
    output: str,
) -> None:
    """Say what rate of false alarms can be promised with the reference profile REF, and what it costs.

    Held-out windows show how much windows differ while nothing has changed. Each FILE is one window, or is cut with
    --rows. With -o the limits are kept for `score` and `report`. Exits with 0 where the budget is promised, 1 where it
    is not, 2 where there is no answer.
    """
    from statistics import median

    from failsoft.drift import codes
    from failsoft.drift.alarms import Budget, Cadence, Plan, Rule
    from failsoft.drift.alarms import calibrate as calibrated
    from failsoft.drift.alarms.counted import signals
    from failsoft.drift.alarms.words import as_json, text

    if not files and not rows:
        raise UsageError("say with --windows what was held out, or with --rows how large a window is")
    may_write(out, "calibration", [reference, *files])
    may_write(plot, "page", [reference, *files, out])
    if twice := [path.name for path, times in Counter(path.resolve() for path in files).items() if times > 1]:
        raise UsageError(f"--windows names {twice[0]} twice: the same rows say nothing new")
    profile = read_reference(reference, output)
    if strata > 1 and profile.strata is not None:
        raise UsageError(f"{reference.name} has strata of its own, which share the budget: leave out --strata")
    if inside and profile.rhythm is not None:
        raise UsageError(f"{reference.name} knows hours of the week, which --inside cannot leave out: hold rows out")
    counts, sizes = held_out(profile, files, rows, output, delimiter)
    _enough(len(counts), files, rows, output)
    plan = Plan(
        Budget(pages, tickets),
        Cadence(window.milliseconds, (every or window).milliseconds),
        rows or round(median(sizes)),
        Rule(*rule),
        floor,
        strata,
        max(1, round(block.milliseconds / max(window.milliseconds, (every or window).milliseconds))),
        inside,
    )
    try:
        result = calibrated(signals(profile, counts, plan.rows), plan)
    except ValueError as error:
        stop([Finding(codes.DATA_TOO_SMALL, str(error), Place(reference.name))], output)
    if out is not None:
        from failsoft.drift.alarms.keeping import kept

        write_whole(out, kept(result, profile.counts_digest).render())
    if plot is not None:
        from failsoft.drift.report.calibration import page

        write_whole(plot, page(result, reference.name))
    found = {"reference": {"sha256": profile.digest}} | as_json(result)
    click.echo(json.dumps(found, indent=1) if output == "json" else text(result))
    for path in filter(None, [out, plot]):
        click.echo(f"wrote {path}", err=output == "json")
    sys.exit(0 if result.promised else _NOT_PROMISED)


def _enough(windows: int, files: Sequence[Path], rows: int, form: str) -> None:
    """End the command where held-out windows are too few to differ."""
    from failsoft.drift import codes

    if not files or windows >= _FEWEST:
        return
    few = ("only one window" if windows else "no window") + (f" of {amount(rows, 'row')}" if rows else "")
    hint = "hold out more" if rows else "name more files, or cut this one with --rows"
    message = f"{'hold' if len(files) > 1 else 'holds'} {few}"
    stop([Finding(codes.DATA_TOO_SMALL, message, Place(files[0].name), "two or more", hint)], form)
