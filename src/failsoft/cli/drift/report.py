"""`failsoft drift report`: a page on what moved between a reference and a file of rows."""

import sys
from pathlib import Path
from typing import Any

import click

from failsoft.cli.common import report as shown
from failsoft.cli.drift.files import read_reference, write_whole
from failsoft.cli.drift.options import delimiter_option
from failsoft.cli.drift.score import alarms_of, counted, exit_code, judged, tolerance_options
from failsoft.cli.outputs import may_write
from failsoft.findings import amount

__all__ = ["report"]


@click.command("report")
@click.argument("reference", metavar="REF", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The page.")
@click.option("--revision", default="", help="What the model served; where REF is a folder, it chooses.")
@delimiter_option
@tolerance_options
def report(  # one parameter for each option
    *, reference: Path, data: Path, out: Path, revision: str, delimiter: str, **tolerance: Any
) -> None:
    """Write a page on what moved in the rows of DATA since the reference profile REF, the worst first.

    The page is one HTML file that loads nothing. Exits as `failsoft drift score` does.
    """
    from failsoft.drift.report import page

    may_write(out, "page", [reference, data])
    profile = read_reference(reference, "text", revision)
    alarms = alarms_of(profile, tolerance, "text")
    window, warnings = counted(profile, data, "text", delimiter)
    features = judged(window, tolerance, alarms=alarms)
    write_whole(out, page(window, features, source=data.name, calibrated=alarms is not None))
    shown(warnings, "text")
    each = amount(len({one.compared.name for one in features}), "feature")
    click.echo(f"wrote {out}: {each} of {amount(window.rows, 'row')}")
    sys.exit(exit_code(features))
