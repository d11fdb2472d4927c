"""`failsoft drift fit`: make a reference profile from a file of rows."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.drift.files import Told, names, opened, stop, write_whole
from failsoft.cli.drift.importance import importances
from failsoft.cli.drift.options import delimiter_option
from failsoft.cli.outputs import may_write
from failsoft.errors import UsageError
from failsoft.findings import Finding, Place, amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from failsoft.drift import ReferenceProfile
    from failsoft.drift.columns import Type

__all__ = ["fit"]

_WORTH_TELLING = 1.05
_FEWEST = 2


@click.command("fit")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The profile.")
@click.option("--column", "columns", multiple=True, help="Which columns, the most important first; all, when left out.")
@click.option("--skip", multiple=True, help="Columns to leave out.")
@click.option("--prediction", "predictions", multiple=True, help="Columns that the model makes; they come first.")
@click.option("--categorical", multiple=True, help="Columns of numbers that are names, such as postal codes.")
@click.option(
    "--importance",
    "weights",
    multiple=True,
    metavar="FILE|NAME=WEIGHT",
    help="What the model makes of columns: they come by it. FILE is JSON, or a CSV of name and weight.",
)
@click.option(
    "--directions",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Of a column of vectors: along so many it is compared.",
)
@click.option("--by", default="", metavar="COLUMN", help="Routes, tenants or revisions: a reference of each as well.")
@click.option("--time", default="", metavar="COLUMN", help="The moments of rows, for --rhythm.")
@click.option("--rhythm", type=click.Choice(["hour-of-week"]), help="Windows are compared with their own hours.")
@click.option("--cluster", default="", metavar="COLUMN", help="Tenants or requests, whose rows are alike.")
@click.option("--model", default="", help="The Model whose features these are.")
@click.option("--revision", default="", help="What the model served, such as an image's digest.")
@delimiter_option
def fit(  # noqa: PLR0913  # one parameter for each option
    *,
    data: Path,
    out: Path,
    columns: tuple[str, ...],
    skip: tuple[str, ...],
    predictions: tuple[str, ...],
    categorical: tuple[str, ...],
    weights: tuple[str, ...],
    directions: int,
    by: str,
    time: str,
    rhythm: str | None,
    cluster: str,
    model: str,
    revision: str,
    delimiter: str,
) -> None:
    """Make the reference profile of the rows of DATA: Parquet, CSV or Arrow.

    Take rows of a time in which the model was well, and was the one that is served now.
    """
    from failsoft.drift import codes
    from failsoft.drift import fit as fitted
    from failsoft.drift.fitting import LEAST_ROWS, NoStrataError

    may_write(out, "reference profile", [data])
    types: dict[str, Type] = dict.fromkeys(categorical, "text")
    source = opened(data, "text", delimiter=delimiter, types=types)
    from failsoft.drift.data import DataError

    _go_together(by, time, rhythm, cluster)
    importance = importances(weights)
    named = (*columns, *skip, *predictions, *categorical, *importance, *filter(None, [by, time, cluster]))
    _there(named, source.columns, data.name)
    chosen = [name for name in columns or source.columns if name not in skip]
    if not {*chosen, *predictions} - {by, time, cluster}:
        raise UsageError("no column is left to compare")
    told = Told(f"reading {data.name}")
    try:
        profile = fitted(
            source,
            columns=chosen,
            predictions=predictions,
            categorical=categorical,
            importance=importance,
            directions=directions,
            by=by,
            time=time,
            cluster=cluster,
            model=model,
            revision=revision,
            of=data.name,
            progress=lambda done, of: told(done, of, "columns"),
        )
    except DataError as error:
        stop([error.finding], "text")
    except NoStrataError as error:
        hint = "name a column of few values, such as a route or a tenant's plan"
        stop([Finding(codes.STRATA_COLUMN, str(error), Place(data.name), hint=hint)], "text")
    except ValueError as error:
        stop([Finding(codes.DATA_UNREADABLE, str(error), Place(data.name))], "text")
    rows = _rows(profile)
    if rows < _FEWEST:
        hint = "a reference needs as many rows as it shall tell apart; 40 times those of a window is plenty"
        message = f"has {amount(rows, 'row')}: nothing to learn"
        stop([Finding(codes.DATA_TOO_SMALL, message, Place(data.name), hint=hint)], "text")
    write_whole(out, profile.render())
    strata = f" in {len(profile.strata.features)} strata of {by!r}" if profile.strata is not None else ""
    click.echo(f"wrote {out}: {amount(len(profile.features), 'feature')} of {amount(rows, 'row')}{strata}")
    if profile.strata is not None and not profile.strata.each:
        alone = f"  no value of {by!r} has {LEAST_ROWS} rows: all are taken together, and none is compared with itself"
        click.echo(alone, err=True)
    for line in _habits(profile):
        click.echo(line)
    from failsoft.drift.comparison import UNCOMPARED

    for name, feature in profile.features.items():
        if feature.kind == "uncompared":
            click.echo(f"  {name!r} will not be compared but for its missing rows: {UNCOMPARED[feature.why]}", err=True)
    sys.exit(0)


def _there(named: "Iterable[str]", columns: "Sequence[str]", of: str) -> None:
    from failsoft.workspace.decode import nearest

    for name in named:
        if name not in columns:
            meant = nearest(name, columns) or f"it has {names(columns)}"
            raise UsageError(f"{of} has no column {name!r}; {meant}")


def _go_together(by: str, time: str, rhythm: str | None, cluster: str) -> None:
    if bool(time) is not bool(rhythm):
        raise UsageError("--time and --rhythm hour-of-week go together")
    if by and (time or cluster):
        raise UsageError(
            "--by goes with neither --rhythm nor --cluster: strata have no hours and no clusters of their own"
        )


def _habits(profile: "ReferenceProfile") -> "Iterator[str]":
    """What was learned of hours and clusters, in words."""
    if profile.rhythm is not None:
        cells, least = len(profile.rhythm.rows), min(profile.rhythm.rows)
        yield f"  {amount(cells, 'cell')} of the week in {profile.rhythm.time!r}, of {amount(least, 'row')} or more"
    if (clusters := profile.clusters) is not None:
        effect, name = max((clusters.design(name, clusters.size), name) for name in profile.features)
        if effect < _WORTH_TELLING:
            yield f"  rows of one {clusters.column!r} are no more alike than others"
        else:
            said = f"{effect:.3g} rows say as much as an independent one, at worst ({name!r})"
            yield f"  rows of one {clusters.column!r} are alike: {said}"


def _rows(profile: "ReferenceProfile") -> int:
    return max((feature.rows + feature.missing for feature in profile.features.values()), default=0)
