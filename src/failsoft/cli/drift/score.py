"""`failsoft drift score`: score a file of rows against a reference profile."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from failsoft.cli.common import duration, report
from failsoft.cli.drift.export import export_options, exporting
from failsoft.cli.drift.files import (
    COULD_NOT_JUDGE,
    Told,
    names,
    opened,
    read_calibration,
    read_memory,
    read_reference,
    stop,
    write_whole,
)
from failsoft.cli.drift.options import Number, delimiter_option
from failsoft.errors import UsageError
from failsoft.findings import Finding, Place
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile
    from failsoft.drift.alarms.stored import StoredCalibration
    from failsoft.drift.columns import Type
    from failsoft.drift.comparison import Compared
    from failsoft.drift.features import FeatureReference
    from failsoft.drift.judgement import Judged
    from failsoft.drift.limits import Tolerance
    from failsoft.drift.memory import Memory
    from failsoft.drift.stratified import Window

__all__ = ["alarms_of", "counted", "judged", "score", "tolerance_options"]

_DRIFTED = 1


def tolerance_options[F: Any](function: F) -> F:
    """The options that say what is too much."""
    decimal, floor = Number(min=0, min_open=True), Number(min=0)
    for option in (
        click.option("--min-rows", type=click.IntRange(min=1), default=50, show_default=True, help="To be judged."),
        click.option("--ticket-floor", type=floor, default=0.02, show_default=True, help="The least PSI of a ticket."),
        click.option("--page-floor", type=floor, default=0.1, show_default=True, help="The least PSI of a page."),
        click.option("--window", type=duration, default="1h", show_default=True, help="How much time the rows are."),
        click.option(
            "--calibration",
            type=click.Path(path_type=Path),
            help="What `failsoft drift calibrate -o` wrote: its limits, in place of those below.",
        ),
        click.option(
            "--false-tickets-per-30d", "tickets", type=decimal, default=4.0, show_default=True, help="Budget."
        ),
        click.option("--false-pages-per-30d", "pages", type=decimal, default=1.0, show_default=True, help="Budget."),
    ):
        function = option(function)
    return function


@click.command("score")
@click.argument("reference", metavar="REF", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--exact", type=click.Path(path_type=Path), help="The rows of REF: KS and W1 from rows, not from counts.")
@click.option("--diagnose", multiple=True, metavar="COLUMN", help="With --exact: more tests of a column's rows.")
@click.option("--revision", default="", help="What the model served; where REF is a folder, it chooses.")
@delimiter_option
@tolerance_options
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --calibration: what is remembered from window to window, so that small changes add up.",
)
@export_options
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def score(  # noqa: PLR0913  # one parameter for each option
    *,
    reference: Path,
    data: Path,
    exact: Path | None,
    diagnose: tuple[str, ...],
    revision: str,
    delimiter: str,
    state: Path | None,
    output: str,
    **tolerance: Any,
) -> None:
    """Score the rows of DATA against the reference profile REF: a file, or a folder of one for each revision.

    With --textfile or --pushgateway Prometheus gets the scores, or that there are none. Exits with 0 where all is in
    tolerance, 1 where a feature drifted, 2 where it could not be judged or exported.
    """
    if diagnose and exact is None:
        raise UsageError("--diagnose needs the rows of the reference: say --exact")
    with exporting(tolerance, tolerance["window"], output) as export:
        profile = read_reference(reference, output, revision)
        export.of(profile)
        alarms = alarms_of(profile, tolerance, output)
        memory = _read_state(state, alarms, output)
        if unknown := [name for name in diagnose if name not in profile.features]:
            raise UsageError(f"{reference.name} has no feature {unknown[0]!r}")
        window, warnings = counted(profile, data, output, delimiter)
        details: dict[str, Any] = {}
        compared = None
        if exact is not None:
            from failsoft.cli.drift.exact import from_rows
            from failsoft.drift.stratified import Stratified

            if isinstance(window, Stratified):
                raise UsageError(f"--exact takes all rows together, and {reference.name} has strata")
            compared, details = from_rows(window, exact, data, form=output, delimiter=delimiter, diagnose=diagnose)
        if state is not None and alarms is not None:
            memory = _remembered(window, tolerance, compared, alarms, memory)
            write_whole(state, memory.render())
        features = judged(window, tolerance, compared, alarms, memory)
        export.show(features, promised=alarms is not None and alarms.promised)
    if output == "text":
        report(warnings, output)
    if output == "json":
        click.echo(json.dumps(_as_json(window, features, warnings, details, alarms), indent=1))
    else:
        from failsoft.cli.drift.table import table

        click.echo(table(window, features, details, calibrated=alarms is not None))
    sys.exit(exit_code(features))


def exit_code(features: "tuple[Judged, ...]") -> int:
    """Of the worst feature; one that the reference itself cannot compare does not count.

    A stratum may have few rows in a window: a feature could not be judged where it was in none of them.
    """
    from failsoft.drift.judgement import Severity, worst

    found = worst(features)
    if found in {Severity.TICKET, Severity.PAGE}:
        return _DRIFTED
    wanted = {one.compared.name for one in features if one.compared.feature.kind != "uncompared"}
    answered = {one.compared.name for one in features if one.severity is not Severity.UNJUDGED}
    return COULD_NOT_JUDGE if wanted - answered or not answered else 0


def counted(
    profile: "ReferenceProfile", data: Path, output: str, delimiter: str = ""
) -> "tuple[Window, list[Finding]]":
    """The rows of a file, counted, and warnings; ends the command where they do not fit the reference."""
    from failsoft.drift import WrongColumnError, codes
    from failsoft.drift.stratified import count

    source = opened(data, output, delimiter=delimiter, types=types_of(profile))
    from failsoft.drift.data import DataError

    place = Place(data.name)
    gone = [name for name in profile.columns if name not in source.columns]
    if gone:
        stop([Finding(codes.COLUMN_GONE, f"has no column {name!r}", place) for name in gone], output)
    extra = [name for name in source.columns if name not in {*profile.columns, *profile.left_out}]
    told = Told(f"reading {data.name}")
    try:
        window = count(profile, source, lambda rows: told(rows, 0, "rows"))
    except DataError as error:
        stop([error.finding], output)
    except WrongColumnError as error:
        stop([Finding(codes.COLUMN_TYPE, str(error), place)], output)
    if not window.rows:
        stop([Finding(codes.DATA_TOO_SMALL, "has no rows", place)], output)
    lacks = f"has {'a column' if len(extra) == 1 else f'{len(extra)} columns'} that the reference lacks: {names(extra)}"
    return window, [Finding(codes.COLUMN_NEW, lacks, place)] if extra else []


def types_of(profile: "ReferenceProfile") -> "dict[str, Type]":
    """As what the columns of a CSV are to be read, so that they can be compared with a reference."""
    types = {name: _to_read(feature) for name, feature in profile.features.items()}
    return types if profile.strata is None else types | {profile.strata.by: _to_read(profile.strata.mix)}


def _to_read(feature: "FeatureReference") -> "Type":
    """As what a CSV's column is to be read; whole numbers too large for float64 say so themselves."""
    if feature.kind == "histogram":
        return "number"
    return "any" if feature.kind == "categorical" and feature.type == "number" else feature.type


def alarms_of(profile: "ReferenceProfile", options: dict[str, Any], form: str) -> "StoredCalibration | None":
    """The calibration that the options name, which is taken out of them; ends the command where it does not fit."""
    path: Path | None = options.pop("calibration")
    if path is None:
        return None
    context = click.get_current_context()
    for option in _IN_THE_CALIBRATION:
        if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
            shown = next(one.opts[0] for one in context.command.params if one.name == option)
            raise UsageError(f"{shown} is in the calibration: leave it out, or calibrate again")
    return read_calibration(path, profile, form)


_IN_THE_CALIBRATION = ("pages", "tickets", "window", "page_floor", "ticket_floor")


def _read_state(state: Path | None, alarms: "StoredCalibration | None", form: str) -> "Memory | None":
    if state is None:
        return None
    if alarms is None:
        raise UsageError("--state remembers the tests of a calibration: say --calibration")
    return read_memory(state, form)


def _remembered(
    window: "Window",
    options: dict[str, Any],
    compared: "tuple[Compared, ...] | None",
    alarms: "StoredCalibration",
    memory: "Memory | None",
) -> "Memory":
    """What is remembered with this window in it."""
    from failsoft.drift.comparison import compare
    from failsoft.drift.remembering import following
    from failsoft.drift.signed import digest_of

    if memory is not None and memory.calibration != alarms.digest:
        click.echo("the state was of another calibration: it starts anew", err=True)
    features = compared if compared is not None else compare(window)
    return following(memory, features, alarms, _tolerance(**options), digest_of(window.as_json()))


def judged(
    window: "Window",
    options: dict[str, Any],
    compared: "tuple[Compared, ...] | None" = None,
    alarms: "StoredCalibration | None" = None,
    memory: "Memory | None" = None,
) -> "tuple[Judged, ...]":
    """Every feature of a window with its verdict."""
    from failsoft.drift.comparison import compare
    from failsoft.drift.judgement import judge

    return judge(compared if compared is not None else compare(window), _tolerance(**options), alarms, memory)


def _tolerance(  # noqa: PLR0913  # as the options
    *, pages: float, tickets: float, window: Duration, page_floor: float, ticket_floor: float, min_rows: int
) -> "Tolerance":
    from failsoft.drift.alarms.rules import Budget, Cadence
    from failsoft.drift.limits import Tolerance

    length = round(window.seconds * 1000)
    return Tolerance(
        budget=Budget(pages, tickets),
        cadence=Cadence(window=length, every=length),
        page_floor=page_floor,
        ticket_floor=ticket_floor,
        min_rows=min_rows,
    )


def _as_json(
    window: "Window",
    features: "tuple[Judged, ...]",
    warnings: list[Finding],
    details: dict[str, Any],
    alarms: "StoredCalibration | None",
) -> dict[str, Any]:
    from failsoft.drift.explanation import explanation
    from failsoft.drift.judgement import worst
    from failsoft.drift.stratified import centroid_cosines

    profile = window.profile
    return {
        "reference": {
            "model": profile.model,
            "revision": profile.revision,
            "learned_at": profile.learned_at.isoformat(),
            "sha256": profile.digest,
        },
        "calibration": None if alarms is None else {"sha256": alarms.digest, "promised": alarms.promised},
        "severity": str(worst(features)),
        "explanation": explanation(features),
        "features": [
            one.as_json() | ({"diagnosis": details[one.compared.name]} if one.compared.name in details else {})
            for one in features
        ],
        "embeddings": {column: {"cosine": cosine} for column, cosine in centroid_cosines(window).items()},
        "warnings": [finding.message for finding in warnings],
    }
